"""Decides what a process does next about a load, from what is wanted and what the destination knows. Pure, but for a
look at the files of an earlier load.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from attrs import evolve, frozen

from connectors.engine.load.adopting import stream_of
from connectors.engine.load.survey import Survey
from dataflow.catalog import Dedupe, DestinationStream
from dataflow.errors import ConfigError
from dataflow.files.listing import InputFile
from dataflow.files.shards import (
    SHARD_BYTES,
    FileMark,
    Sorted,
    changed_since,
    cut,
    files_of,
    load_id,
    mark_of,
    shard_from_text,
    shard_to_text,
    sort_out,
)
from machines.loads import Load, LoadedFile, ShardRow, Wish

DOING = "preparing the load"


class Todo(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    # Open a load and write its shards.
    OPEN = "open"
    # Go on with this very load, which is open.
    GO_ON = "go on"
    # Go on with an earlier load of the same name first.
    FINISH_EARLIER = "finish an earlier load"
    # Drop an earlier load of the same name first: all of its files are loaded again, since they have changed, or are
    # wanted in another way, such as by another key.
    GIVE_UP_EARLIER = "give up an earlier load"


@frozen(kw_only=True)
class Wanted:
    """What is to be loaded: these files, under this name, as this stream says. `again` are files to load once more."""

    stream: DestinationStream
    name: str
    files: Sequence[InputFile]
    again: Sequence[str] = ()
    shard_bytes: int = SHARD_BYTES


@frozen(kw_only=True)
class Decision:
    """What is to be done, with which stream and load. `left_out` are files that were loaded before.

    `named` are the files as this process was given them.
    """

    todo: Todo
    stream: DestinationStream
    load: Load
    left_out: Sequence[InputFile] = ()
    named: Sequence[InputFile] = ()


def decide(wanted: Wanted, found: Survey) -> Decision:
    """What is to be done next.

    Raises ConfigError for a file that was loaded and has changed, and where an earlier load cannot be finished since
    one of its files has.
    """
    return evolve(_decided(wanted, found), named=wanted.files)


def _decided(wanted: Wanted, found: Survey) -> Decision:
    replaces = wanted.stream.replaces_each_time
    files = (
        Sorted(new=tuple(wanted.files), loaded=())
        if replaces
        else sort_out(wanted.files, map(_mark, found.loaded), wanted.again)
    )
    own = _planned(wanted, files.new, found.known)
    opened = found.opened
    if opened is None or opened.publishing is not None or not found.shards:
        todo = Todo.OPEN if files.new else Todo.NOTHING
        return Decision(
            todo=todo, stream=wanted.stream, load=_cut(own, wanted, files.new), left_out=files.loaded
        )
    earlier = adopted(found, wanted.name)
    stream = stream_of(wanted.stream.name, opened.recipe)
    if earlier.id == own.id:
        return Decision(todo=Todo.GO_ON, stream=stream, load=earlier, left_out=files.loaded)
    if shard_from_text(found.shards[0].spec).name != wanted.name:
        # Its claim is refused, in words.
        return Decision(
            todo=Todo.OPEN, stream=wanted.stream, load=_cut(own, wanted, files.new), left_out=files.loaded
        )
    changed = changed_since(_unwritten(found.shards))
    named_again = {file.uri for file in earlier.files} <= {file.uri for file in wanted.files}
    if not changed and (not named_again or _same_way(wanted, earlier, found)):
        return Decision(todo=Todo.FINISH_EARLIER, stream=stream, load=earlier)
    if named_again:
        return Decision(todo=Todo.GIVE_UP_EARLIER, stream=stream, load=evolve(earlier, wish=Wish.GIVE_UP))
    raise ConfigError(
        f"An earlier load of the name {wanted.name!r} is open, and cannot be finished: the file {str(changed[0])!r} "
        "has changed since.",
        doing=DOING,
        remedy="Nothing was changed. Name all files of that load again: they are then loaded as they are now. Or drop "
        "what it loaded with `dataflow shards discard`.",
    )


def adopted(found: Survey, name: str) -> Load:
    """The open load that was found, as the ledger has it. `found` was looked up for this name, which is the load's."""
    assert found.opened is not None, "the caller looked"  # noqa: S101 - for the type checker
    recipe = found.opened.recipe
    load = recipe.load or ""
    files = files_of(shard_from_text(shard.spec) for shard in found.shards)
    return Load(
        id=load,
        name=name,
        files=tuple(_loaded(file, load) for file in files),
        known=_known(files, found.known),
        specs=tuple(shard.spec for shard in found.shards),
        replaces=recipe.strategy.truncates,
    )


def _planned(wanted: Wanted, files: Sequence[InputFile], known: Sequence[LoadedFile]) -> Load:
    """The load of these files, without its shards."""
    before = _known(files, known)
    load = load_id([*_way(wanted), *sorted(f"{file.uri} {file.load}" for file in before)], files)
    return Load(
        id=load,
        name=wanted.name,
        files=tuple(_loaded(file, load) for file in files),
        known=before,
        replaces=wanted.stream.replaces_each_time,
    )


def _same_way(wanted: Wanted, earlier: Load, found: Survey) -> bool:
    """Whether an earlier load brings its files as they are wanted now: by the same mode, key, cursor and fields."""
    files = files_of(shard_from_text(shard.spec) for shard in found.shards)
    return _planned(wanted, files, found.known).id == earlier.id


def _cut(load: Load, wanted: Wanted, files: Sequence[InputFile]) -> Load:
    shards = cut(wanted.name, files, wanted.shard_bytes)
    return evolve(load, specs=tuple(map(shard_to_text, shards)))


def _way(wanted: Wanted) -> Sequence[str]:
    """What of a load, beside its files, makes it another one."""
    stream = wanted.stream
    key: tuple[str, ...] = ()
    cursor = None
    if isinstance(stream.import_type, Dedupe):
        key, cursor = stream.import_type.primary_key, stream.import_type.cursor
    fields = (f"{field.name} {field.type.kind}" for field in stream.fields)
    return [str(stream.name), wanted.name, str(stream.strategy), *key, f"cursor {cursor}", *fields]


def _unwritten(shards: Iterable[ShardRow]) -> tuple[InputFile, ...]:
    return files_of(shard_from_text(shard.spec) for shard in shards if shard.rows is None)


def _known(files: Sequence[InputFile], known: Iterable[LoadedFile]) -> frozenset[LoadedFile]:
    uris = {file.uri for file in files}
    return frozenset(file for file in known if file.uri in uris)


def _loaded(file: InputFile, load: str) -> LoadedFile:
    mark = mark_of(file)
    return LoadedFile(uri=mark.uri, size=mark.size, etag=mark.etag, load=load)


def _mark(file: LoadedFile) -> FileMark:
    return FileMark(uri=file.uri, size=file.size, etag=file.etag)
