"""The journal: every transition of every machine, written down after the fact. Records; decides nothing.

A listener (`machines.journal.listener`) makes one entry per transition. An entry holds names, counts and times, never
a record's values nor a secret. The first entry of a life also holds what a replay needs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from dataflow.catalog import Append, Dedupe, DestinationStream
from dataflow.stream_tables import StreamTables
from dataflow.types import Field, Kind, StreamName, TableName
from machines.loads import Files, Load, Wish
from machines.operations import Facts, KeyFacts, TempFacts, recipe_from_json, recipe_to_json
from machines.parts import Atomic
from machines.stream import StreamLife

Entry = Mapping[str, Any]
# What entries mean, and which arrows the machines walk; an entry that begins a life holds it. One that holds none was
# written before there were numbers.
FORMAT = 3


def format_of(entry: Entry) -> int:
    """The format of a life, by the entry that begins it; 0 before there were numbers."""
    number = entry.get("format", 0)
    return number if isinstance(number, int) else 0


@frozen(kw_only=True)
class Line:
    """One transition. Absent members are None and are left out of its JSON.

    `reason` is the failure that the event brought, or that the operation before it found. `error` is the one that the
    entered state's operation met, and `attempt` how many it took. `rows` are those that the operation moved or
    removed. `read`, `written` and `rejected` count a flush's rows, `nulled` its values that were replaced by null or
    cut. `bytes` are of its input. `warnings` are for a person.
    `checkpoint` counts the stream's records in this run that are covered by a STATE which may be emitted after the
    flush. `altered` are the columns that the operation altered. `temp` is the temp table that it made, where its name
    is another than the first entry's. `started` counts the streams that take in records, and
    `first_failure` is the error of the first stream that failed in the operation.
    The first entry of a life has the `format`; where a stream's ends, the `account` of what became of its input.
    """

    run: str
    machine: str
    stream: str | None
    generation: int | None
    sync: int | None
    source: str
    event: str
    target: str
    operation: str | None = None
    rows: int | None = None
    read: int | None = None
    written: int | None = None
    rejected: int | None = None
    nulled: int | None = None
    bytes: int | None = None
    checkpoint: int | None = None
    milliseconds: float | None = None
    attempt: int | None = None
    reason: str | None = None
    error: str | None = None
    note: str | None = None
    altered: Sequence[Entry] | None = None
    account: Entry | None = None
    format: int | None = None
    warnings: tuple[str, ...] | None = None
    failed_streams: tuple[str, ...] | None = None
    first_failure: str | None = None
    started: int | None = None
    publishing: str | None = None
    temp: Sequence[str] | None = None
    facts: Entry | None = None
    left: Entry | None = None
    life: Entry | None = None
    at: float = 0.0

    def entry(self) -> Entry:
        """The line as a JSON object, `source` and `target` under their plain names `from` and `to`."""
        names = {"source": "from", "target": "to"}
        values = asdict(self, recurse=False).items()
        return {names.get(name, name): value for name, value in values if value is not None}


def facts_to_json(facts: Facts) -> Entry:
    """What INSPECT found, as JSON."""
    return {
        "finalised": facts.finalised,
        "temp": temp_to_json(facts.temp) if facts.temp is not None else None,
        **({"temp_name": name_to_json(facts.temp_name)} if facts.temp_name is not None else {}),
        **({"generation": facts.generation} if facts.generation is not None else {}),
        **({"lost": recipe_to_json(facts.lost)} if facts.lost is not None else {}),
        **({"final_keys": _keys_to_json(facts.final_keys)} if facts.final_keys is not None else {}),
        **({"temp_keys": _keys_to_json(facts.temp_keys)} if facts.temp_keys is not None else {}),
        **({"opened": facts.opened} if facts.opened is not None else {}),
        **({"files": str(facts.files)} if facts.files is not None else {}),
    }


def facts_from_json(entry: Entry) -> Facts:
    """The facts that were written down."""
    return Facts(
        finalised=entry["finalised"],
        temp=temp_from_json(entry["temp"]) if entry["temp"] is not None else None,
        temp_name=TableName(*entry["temp_name"]) if "temp_name" in entry else None,
        generation=entry.get("generation"),
        lost=recipe_from_json(entry["lost"]) if entry.get("lost") else None,
        final_keys=_keys_from_json(entry["final_keys"]) if "final_keys" in entry else None,
        temp_keys=_keys_from_json(entry["temp_keys"]) if "temp_keys" in entry else None,
        opened=entry.get("opened"),
        files=Files(entry["files"]) if "files" in entry else None,
    )


def _keys_to_json(keys: KeyFacts) -> Entry:
    return {"narrower": dict(keys.narrower), "lost": list(keys.lost)}


def _keys_from_json(entry: Entry) -> KeyFacts:
    kinds = {field: Kind(kind) if kind is not None else None for field, kind in entry["narrower"].items()}
    return KeyFacts(narrower=tuple(kinds.items()), lost=tuple(entry["lost"]))


def temp_to_json(temp: TempFacts) -> Entry:
    """A temp table as it was found, as JSON."""
    return {
        "empty": temp.empty,
        "recipe": recipe_to_json(temp.recipe) if temp.recipe else None,
        "covered": temp.covered,
    }


def temp_from_json(entry: Entry) -> TempFacts:
    """The temp table that was written down.

    Before format 3 an entry did not say whether a STATE covers rows of it: the machines then settled rows in any case,
    and dropped an empty table in any case.
    """
    return TempFacts(
        empty=entry["empty"],
        recipe=recipe_from_json(entry["recipe"]) if entry["recipe"] else None,
        covered=entry.get("covered", not entry["empty"]),
    )


def life_to_json(life: StreamLife) -> Entry:
    """What a stream's machine was made with: the catalog's wishes, the tables' names, and the database's class.

    The class is left out where one commit holds everything, and what is wanted of a load where that is its rows.
    """
    wish = life.load.wish if life.load is not None else Wish.LOAD
    return {
        "namespace": life.stream.name.namespace,
        "name": life.stream.name.name,
        "minimum_generation": life.stream.minimum_generation_id,
        "sync": life.stream.sync_id,
        "final": name_to_json(life.tables.final),
        "temp": name_to_json(life.tables.temp),
        "recipe": recipe_to_json(life.recipe),
        **({"atomic": str(life.atomic)} if life.atomic is not Atomic.EVERYTHING else {}),
        **({"wish": str(wish)} if wish is not Wish.LOAD else {}),
    }


def name_to_json(table: TableName) -> list[str]:
    """A table's name, as JSON."""
    return [table.namespace, table.name]


def life_from_json(entry: Entry) -> StreamLife:
    """A life as it was before its first transition."""
    wanted = recipe_from_json(entry["recipe"])
    field_of = {column.name: column.field for column in wanted.columns}
    name = StreamName(entry["namespace"], entry["name"])
    stream = DestinationStream(
        name=name,
        fields=tuple(Field(column.field, column.type) for column in wanted.columns),
        import_type=Dedupe(
            tuple(field_of[key] for key in wanted.primary_key),
            field_of[wanted.cursor] if wanted.cursor is not None else None,
        )
        if wanted.strategy.dedupes
        else Append(),
        generation_id=wanted.generation_id,
        minimum_generation_id=entry["minimum_generation"],
        sync_id=entry["sync"],
    )
    tables = StreamTables(
        stream=name, final=TableName(*entry["final"]), temp=TableName(*entry["temp"]), columns=wanted.columns
    )
    load = Load(id=wanted.load, wish=Wish(entry.get("wish", Wish.LOAD))) if wanted.load is not None else None
    return StreamLife(stream, tables, atomic=Atomic(entry.get("atomic", Atomic.EVERYTHING)), load=load)
