"""The vocabulary between a lifecycle and the code that performs it: operations, recipes, facts. Performs nothing
itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import cattrs
from attrs import frozen

from dataflow.catalog import Dedupe, DestinationStream, Strategy
from dataflow.errors import DataflowError
from dataflow.evolution import Altered
from dataflow.stream_tables import StreamTables
from dataflow.types import AirbyteType, Column, Kind, Scalar, TableName
from machines.loads import Files


class StreamOperation(StrEnum):
    """What a stream's lifecycle may ask of the destination.

    Each is a sequence of parts, which `machines.parts` groups into commits as the database's class allows.
    """

    CLAIM = "claim"
    COMPLETE = "complete"
    INSPECT = "inspect"
    SETTLE = "settle"
    DISCARD = "discard"
    OPEN_FINAL = "open_final"
    OPEN_TEMP = "open_temp"
    RESUME_TEMP = "resume_temp"
    MERGE = "merge"
    SWAP = "swap"
    DEDUPE_AND_SWAP = "dedupe_and_swap"
    ABANDON = "abandon"


class SyncOperation(StrEnum):
    """What the destination's lifecycle may ask; each drives many transactions or none."""

    SET_UP = "set_up"
    START_STREAMS = "start_streams"
    READ = "read"
    FINISH_STREAMS = "finish_streams"
    ABORT_STREAMS = "abort_streams"
    TEAR_DOWN = "tear_down"


Operation = StreamOperation | SyncOperation

MEANING: Mapping[Operation, str] = {
    StreamOperation.CLAIM: "Lock the stream on a connection of its own, then take the ledger's next epoch.",
    StreamOperation.COMPLETE: "Carry a publication through that an earlier run decided and did not end. Never so in "
    "class A, where one commit holds the decision and the end.",
    StreamOperation.INSPECT: "Read the ledger and inspect both tables: the facts that decide the start.",
    StreamOperation.SETTLE: "Move the rows of another recipe's temp table into the final table, as that recipe says.",
    StreamOperation.DISCARD: "Drop a temp table that is disposable: no row of it is needed.",
    StreamOperation.OPEN_FINAL: "Create or evolve the final table; rows go straight into it.",
    StreamOperation.OPEN_TEMP: "Create an empty temp table and write its recipe into the ledger.",
    StreamOperation.RESUME_TEMP: "Keep temp's rows up to the last checkpoint, delete those after it, which the source "
    "sends again, and evolve it to the schema.",
    StreamOperation.MERGE: "Create or evolve the final table, add temp's rows to it, by primary key if the recipe "
    "dedupes; drop temp.",
    StreamOperation.SWAP: "Replace the final table by temp and record the generation as finalised.",
    StreamOperation.DEDUPE_AND_SWAP: "Keep temp's latest row of each primary key, then swap as above.",
    StreamOperation.ABANDON: "Look at the temp table that is left, and note which kinds of column the next sync needs.",
    SyncOperation.SET_UP: "Connect, create the namespaces the catalog needs, create or upgrade the ledger.",
    SyncOperation.START_STREAMS: "Start the lifecycle of every stream, up to writing.",
    SyncOperation.READ: "Read the input to its end: decode, flush, checkpoint, emit STATE, complete streams.",
    SyncOperation.FINISH_STREAMS: "End every stream that the source did not complete.",
    SyncOperation.ABORT_STREAMS: "End every stream that is not done, after an error outside of any stream.",
    SyncOperation.TEAR_DOWN: "Close the connections, and with them the streams' locks.",
}


class Publishing(StrEnum):
    """How temp is being brought to the final table, once that is decided. The ledger's entry holds it."""

    ADD = "add"
    REPLACE = "replace"


@frozen(kw_only=True, cache_hash=True)
class Recipe:
    """How a temp table was opened, and so how its rows reach the final table. Written in the ledger with it.

    `load` is the load whose shards are written to it; None for a sync's.
    """

    strategy: Strategy
    generation_id: int
    # Physical column names.
    primary_key: tuple[str, ...]
    cursor: str | None
    # Name, field and kind only: structure inside JSON columns is no part of a table.
    columns: tuple[Column, ...]
    load: str | None = None

    def __str__(self) -> str:
        return f"{self.strategy} of generation {self.generation_id}"


def recipe(stream: DestinationStream, tables: StreamTables) -> Recipe:
    """What the catalog asks of a stream, in the destination's names."""
    match stream.import_type:
        case Dedupe(primary_key=fields, cursor=cursor_field):
            primary_key = tuple(tables.column(name).name for name in fields)
            cursor = tables.column(cursor_field).name if cursor_field is not None else None
        case _:
            primary_key, cursor = (), None
    return Recipe(
        strategy=stream.strategy,
        generation_id=stream.generation_id,
        primary_key=primary_key,
        cursor=cursor,
        columns=tuple(Column(c.name, c.field, Scalar(c.kind)) for c in tables.columns),
    )


def recipe_to_json(of: Recipe) -> Any:
    """A recipe as the ledger and the journal write it down.

    The columns of a load's have another name: a version that knows no loads refuses the recipe for the lack of its
    columns, and would otherwise read it as a sync's.
    """
    written = _recipes.unstructure(of)
    if of.load is None:
        del written[_LOAD]
    else:
        written[_COLUMNS_OF_LOAD] = written.pop(_COLUMNS)
    return written


def recipe_from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe that was written down. Raises cattrs' errors for anything else."""
    if _COLUMNS_OF_LOAD in value:
        value = {**value, _COLUMNS: value[_COLUMNS_OF_LOAD]}
    return _recipes.structure(value, Recipe)


_LOAD, _COLUMNS, _COLUMNS_OF_LOAD = "load", "columns", "columns_of_load"


# In a recipe a column's type is its kind and nothing more.
_recipes = cattrs.Converter()
_recipes.register_unstructure_hook(Scalar, lambda scalar: str(scalar.of))
_recipes.register_unstructure_hook(AirbyteType, lambda scalar: str(scalar.kind))
_recipes.register_structure_hook(AirbyteType, lambda kind, _: Scalar(Kind(kind)))


@frozen(kw_only=True)
class TempFacts:
    """The temp table as it was found. `recipe` is None when the ledger does not know it.

    `covered`: the ledger says that a STATE covers rows of it.
    """

    empty: bool
    recipe: Recipe | None
    covered: bool = False


@frozen(kw_only=True)
class KeyFacts:
    """The fields that are keys or cursors, and whose values a table would not keep as the catalog declares them now.

    `narrower`: those whose columns would become narrower, each with the kind that its column can stay, None where there
    is no such kind. `lost`: those that were neither when the rows were written, and of which rows have lost values.
    """

    narrower: tuple[tuple[str, Kind | None], ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def stays(self) -> Mapping[str, Kind]:
        """The kinds that the columns can stay; none at all where one of the fields has no such kind."""
        kinds = {field: kind for field, kind in self.narrower if kind is not None}
        return kinds if len(kinds) == len(self.narrower) else {}


@frozen(kw_only=True)
class Facts:
    """What INSPECT found. `finalised`: the ledger says that this stream's generation was published before.

    `temp_name` is the ledger's name for the temp table, where this version would choose another.
    `lost` is the recipe of a temp table that is missing, where a STATE covers rows of it. `generation` is set where the
    ledger counts the generations and not the catalog: this sync is its own. `final_keys` and `temp_keys` say which keys
    the two tables would not keep; None when they keep all of them.
    `opened` is the load that is open on the table, and `files` is what the ledger says of a load's own files; both are
    asked for a load alone.
    """

    temp: TempFacts | None
    finalised: bool
    temp_name: TableName | None = None
    generation: int | None = None
    lost: Recipe | None = None
    final_keys: KeyFacts | None = None
    temp_keys: KeyFacts | None = None
    opened: str | None = None
    files: Files | None = None


@frozen(kw_only=True)
class Answer:
    """A performed operation's outcome.

    `publishing`: the publication that CLAIM found begun. `temp`: the name of the temp table that OPEN_TEMP made,
    where it is another than the stream's.
    `rows`: how many it moved or removed, if it is known. `left`: the temp table that a stream leaves when it ends
    unpublished. `failed_streams`: those that failed in its course, and the error of the first of them. `started`: how
    many streams take in records now.
    `altered`: the columns of tables that were there before, which it altered.
    `warnings`: sentences for a person.
    """

    facts: Facts | None = None
    publishing: Publishing | None = None
    temp: TableName | None = None
    left: TempFacts | None = None
    rows: int | None = None
    failed_streams: tuple[str, ...] = ()
    first_failure: DataflowError | None = None
    started: int | None = None
    attempts: int = 1
    note: str = ""
    altered: tuple[Altered, ...] = ()
    warnings: tuple[str, ...] = ()
