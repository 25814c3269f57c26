"""The configured catalog: what the platform asks of this sync, stream by stream. Reads JSON; opens no file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

import cattrs
from attrs import frozen

from dataflow.errors import ConfigError, InternalError
from dataflow.json_schema import fields
from dataflow.keys import Role
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, Field, StreamName

T = TypeVar("T")


@frozen
class Append:
    """Every record becomes a row."""


@frozen
class Overwrite:
    """Every record becomes a row; what was there before goes when the generations say so."""


@frozen
class Replace:
    """Every record becomes a row, and each completed sync replaces all of the sync before it.

    An overwrite of a client that counts no generations, or whose generations mean nothing.
    """


@frozen
class Dedupe:
    """One row per primary key: the latest by cursor, then by arrival. Field names, root level only."""

    primary_key: tuple[str, ...]
    cursor: str | None


ImportType = Append | Overwrite | Replace | Dedupe


class SyncMode(StrEnum):
    """How the source reads a stream: from its beginning in each sync, or from the STATE that the client kept."""

    FULL_REFRESH = "full_refresh"
    INCREMENTAL = "incremental"


class Strategy(StrEnum):
    """How a stream reaches its final table; it follows from the import type and the generations."""

    APPEND = "append"
    DEDUP = "dedup"
    APPEND_TRUNCATE = "append_truncate"
    DEDUP_TRUNCATE = "dedup_truncate"

    @property
    def truncates(self) -> bool:
        """Whether a completed sync replaces what earlier generations left in the final table."""
        return self in (Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE)

    @property
    def dedupes(self) -> bool:
        """Whether the final table holds one row per primary key."""
        return self in (Strategy.DEDUP, Strategy.DEDUP_TRUNCATE)

    @property
    def incremental(self) -> "Strategy":
        """The strategy that adds to what is there: what a truncate becomes once its generation is finalised."""
        return Strategy.DEDUP if self.dedupes else Strategy.APPEND


@frozen(kw_only=True)
class DestinationStream:
    """One stream of the configured catalog. Generations are the platform's counters, 0 or more."""

    name: StreamName
    fields: tuple[Field, ...]
    import_type: ImportType
    sync_mode: SyncMode = SyncMode.FULL_REFRESH
    generation_id: int = 0
    minimum_generation_id: int = 0
    sync_id: int = 0

    @property
    def replaces_each_time(self) -> bool:
        """Whether each completed sync replaces the table, whatever its generation: the next one keeps nothing of it."""
        return isinstance(self.import_type, Replace)

    @property
    def strategy(self) -> Strategy:
        """Minimum generation 0 adds to the table; minimum equal to the generation replaces it, as a Replace does."""
        truncates = self.minimum_generation_id > 0 or self.replaces_each_time
        if isinstance(self.import_type, Dedupe):
            return Strategy.DEDUP_TRUNCATE if truncates else Strategy.DEDUP
        return Strategy.APPEND_TRUNCATE if truncates else Strategy.APPEND

    @property
    def roles(self) -> Mapping[str, Role]:
        """The fields that decide which rows are one, and which of these stays."""
        if not isinstance(self.import_type, Dedupe):
            return {}
        keys = {*self.import_type.primary_key}
        ordering = {*CDC_POSITIONS, *filter(None, [self.import_type.cursor])}
        wanted = {CDC_DELETED_AT: Role.DELETION}
        wanted |= dict.fromkeys(keys, Role.KEY) | dict.fromkeys(ordering, Role.ORDER)
        wanted |= dict.fromkeys(keys & ordering, Role.KEY_AND_ORDER)
        return {each.name: wanted[each.name] for each in self.fields if each.name in wanted}


@frozen
class _StreamBody:
    name: str
    json_schema: dict[str, Any]
    namespace: str | None = None


@frozen
class _ConfiguredStream:
    stream: _StreamBody
    sync_mode: str | None = None
    destination_sync_mode: str | None = None
    cursor_field: list[str] | None = None
    primary_key: list[list[str]] | None = None
    generation_id: int | None = None
    minimum_generation_id: int | None = None
    sync_id: int | None = None


@frozen
class _ConfiguredCatalog:
    streams: list[_ConfiguredStream]


def read_catalog(text: bytes) -> tuple[DestinationStream, ...]:
    """The streams of a ConfiguredAirbyteCatalog, in its order.

    Raises one ConfigError with all that is wrong when it cannot be read, has no stream, names a stream twice or asks
    for a key that is not there; InternalError for a hybrid refresh, which only a defect of the platform can ask for.
    """
    try:
        parsed = json.loads(text)
        # What JSON may hold and UTF-8 cannot: no record and no table could have such a name.
        json.dumps(parsed, ensure_ascii=False).encode()
        configured = cattrs.structure(parsed, _ConfiguredCatalog)
    except Exception as error:
        raise ConfigError(
            f"The catalog cannot be read: {_complaint(error)}",
            remedy="Give --catalog the path of a ConfiguredAirbyteCatalog in JSON.",
        ) from error
    if not configured.streams:
        raise ConfigError(
            "Catalog must have at least one stream: check that files are in the correct location.",
            remedy="Select at least one stream in the connection.",
        )
    refused: list[ConfigError] = []
    streams = [_stream(entry, refused) for entry in configured.streams]
    refused += _repeated(_name(entry) for entry in configured.streams)
    if refused:
        raise _together(refused)
    return tuple(stream for stream in streams if stream is not None)


def _together(refused: Sequence[ConfigError]) -> ConfigError:
    """All that is wrong, as one error."""
    if len(refused) == 1:
        return refused[0]
    return ConfigError(
        " ".join(each.message for each in refused),
        doing="reading the configured catalog",
        remedy=" ".join(dict.fromkeys(each.remedy for each in refused)),
    )


def _repeated(names: Iterable[StreamName]) -> Iterator[ConfigError]:
    repeated = sorted(str(name) for name, count in Counter(names).items() if count > 1)
    if repeated:
        yield ConfigError(
            f"Some streams appear more than once: {', '.join(repeated)}.",
            remedy="Name each stream once in the catalog.",
        )


def _complaint(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON (line {error.lineno}, column {error.colno})."
    if isinstance(error, UnicodeEncodeError):
        return "it escapes half of a surrogate pair."
    return "; ".join(cattrs.transform_error(error)) + "."


def _name(entry: _ConfiguredStream) -> StreamName:
    return StreamName(entry.stream.namespace or None, entry.stream.name)


def _stream(entry: _ConfiguredStream, refused: list[ConfigError]) -> DestinationStream | None:
    """The stream; None if it is refused, with every reason added to `refused`."""
    name = _name(entry)
    declared = _unless_refused(partial(fields, entry.stream.json_schema, name), refused)
    import_type = _unless_refused(partial(_import_type, name, entry), refused)
    sync_mode = _unless_refused(partial(_sync_mode, name, entry), refused)
    if declared is None or import_type is None or sync_mode is None:
        return None
    stream = DestinationStream(
        name=name,
        fields=declared,
        import_type=import_type,
        sync_mode=sync_mode,
        generation_id=entry.generation_id or 0,
        minimum_generation_id=entry.minimum_generation_id or 0,
        sync_id=entry.sync_id or 0,
    )
    if stream.minimum_generation_id not in (0, stream.generation_id):
        raise InternalError(
            "Cannot execute a hybrid refresh - current generation "
            f"{stream.generation_id}; minimum generation {stream.minimum_generation_id}.",
            doing=f"reading the catalog's stream {name}",
            remedy="The minimum must be 0 or the current generation: report this to the platform's operator.",
        )
    refused += _missing_keys(stream)
    return stream


def _unless_refused(read: Callable[[], T], refused: list[ConfigError]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        refused.append(error)
        return None


def _import_type(name: StreamName, entry: _ConfiguredStream) -> ImportType:
    match entry.destination_sync_mode:
        case "append":
            return Append()
        case "overwrite" if entry.minimum_generation_id is None:
            # Absent is not 0: nobody asks that earlier generations stay.
            return Replace()
        case "overwrite":
            return Overwrite()
        case "append_dedup":
            cursor = entry.cursor_field[0] if entry.cursor_field else None
            return Dedupe(_root_level(name, entry.primary_key or ()), cursor)
        case mode:
            raise ConfigError(
                f"For stream {name}: the destination sync mode {mode!r} is not supported.",
                remedy="Choose append, overwrite or append_dedup.",
            )


def _sync_mode(name: StreamName, entry: _ConfiguredStream) -> SyncMode:
    """An absent mode is a full refresh: only the other one goes on from a STATE."""
    try:
        return SyncMode(entry.sync_mode or SyncMode.FULL_REFRESH)
    except ValueError as error:
        raise ConfigError(
            f"For stream {name}: the sync mode {entry.sync_mode!r} is not supported.",
            remedy="Choose full_refresh or incremental.",
        ) from error


def _root_level(name: StreamName, paths: Sequence[Sequence[str]]) -> tuple[str, ...]:
    nested = [path for path in paths if len(path) != 1]
    if nested:
        raise ConfigError(
            f"For stream {name}: a primary key must be a field at root level, not {'.'.join(nested[0])!r}.",
            remedy="Choose a primary key of root-level fields, or a sync mode without dedupe.",
        )
    return tuple(path[0] for path in paths)


def _missing_keys(stream: DestinationStream) -> Iterator[ConfigError]:
    """Why the stream's key and cursor cannot decide which of its rows is the latest."""
    if not isinstance(stream.import_type, Dedupe):
        return
    primary_key, cursor = stream.import_type.primary_key, stream.import_type.cursor
    declared = {field.name for field in stream.fields}
    if not primary_key:
        yield ConfigError(
            f"For stream {stream.name}: append_dedup needs a primary key, and none is set.",
            remedy="Set a primary key in the connection, or choose the sync mode append.",
        )
    for key in primary_key:
        if key not in declared:
            yield ConfigError(
                f"For stream {stream.name}: the schema does not have the primary key's field {key!r}.",
                remedy="Refresh the source's schema, or choose another key.",
            )
    if cursor is not None and cursor not in declared:
        yield ConfigError(
            f"For stream {stream.name}: the schema does not have the cursor's field {cursor!r}.",
            remedy="Refresh the source's schema, or choose another cursor.",
        )
