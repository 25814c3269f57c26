"""The journal: every transition of every machine, written down after the fact. Records; decides nothing.

A listener makes one entry per transition and hands it to the journal's keeper. An entry holds names, counts and
times, never a record's values nor a secret. The first entry of a life also holds what a replay needs.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from attrs import asdict, frozen

from dataflow.catalog import Append, Dedupe, DestinationStream
from dataflow.errors import DataflowError
from dataflow.evolution import Altered
from dataflow.flush import Flush
from dataflow.stream_tables import StreamTables
from dataflow.types import Change, Field, StreamName, TableName
from dataflow.unknown_fields import NO_UNKNOWN_FIELDS
from machines.journal.account import Account, ChangedValues, Taken, account_to_json, altered_to_json
from machines.lifecycle import DONE, FAILED, Executor, Lifecycle, Performed, leaf
from machines.operations import Answer, Facts, TempFacts, recipe_from_json, recipe_to_json
from machines.stream import StreamLife

Entry = Mapping[str, Any]
# What entries mean, and which arrows the machines walk; an entry that begins a life holds it. One that holds none was
# written before there were numbers.
FORMAT = 2
NO_TURNS = nullcontext()


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
    flush. `altered` are the columns that the operation altered. `started` counts the streams that take in records.
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
    started: int | None = None
    facts: Entry | None = None
    left: Entry | None = None
    life: Entry | None = None
    at: float = 0.0

    def entry(self) -> Entry:
        """The line as a JSON object, `source` and `target` under their plain names `from` and `to`."""
        names = {"source": "from", "target": "to"}
        values = asdict(self, recurse=False).items()
        return {names.get(name, name): value for name, value in values if value is not None}


class Journal:
    """A listener for one machine's life. Add it after the executor, whose answers it reads."""

    def __init__(
        self,
        run: str,
        executor: Executor,
        keep: Callable[[Entry], None],
        life: StreamLife | None = None,
        turn: AbstractContextManager[Any] = NO_TURNS,
        taken: Callable[[], Taken] = Taken,
    ) -> None:
        """`turn` is held while an entry is made and kept, so that those of several threads are kept in their order.

        `taken` is asked what was taken in, where the life ends.
        """
        self._run = run
        self._executor = executor
        self._keep = keep
        self._life = life
        self._turn = turn
        self._taken = taken
        self._source = ""
        # What its account will hold.
        self._rows = 0
        self._changed: Counter[Change] = Counter()
        self._unknown = NO_UNKNOWN_FIELDS
        self._altered: tuple[Altered, ...] = ()

    def before_transition(self, machine: Lifecycle) -> None:
        """Remember where the machine was: after an error only its compound is known."""
        self._source = leaf(machine)

    def after_transition(
        self,
        event: Any,
        machine: Lifecycle,
        flush: Flush | None = None,
        seconds: float = 0.0,
        attempts: int = 1,
        reason: DataflowError | None = None,
    ) -> None:
        """Write down the transition that has just ended, with what its event brought."""
        self._remember(flush)
        with self._turn:
            self._keep(self._line(str(event), leaf(machine), flush, seconds, attempts, reason).entry())

    def _remember(self, flush: Flush | None) -> None:
        performed = self._executor.performed
        if performed is not None and performed.answer is not None:
            self._altered += performed.answer.altered
        if flush is not None:
            self._rows += flush.rows
            self._changed.update(flush.changed)
            self._unknown = flush.unknown

    def _account(self, life: StreamLife) -> Account:
        kinds = {column.field: column.kind for column in life.tables.columns}
        taken = self._taken()
        return Account(
            read=taken.read,
            bytes=taken.bytes,
            acknowledged=taken.acknowledged,
            rows=self._rows,
            changed=tuple(
                ChangedValues(
                    field=of.field, kind=kinds[of.field], change=of.change, reason=of.reason, values=values
                )
                for of, values in self._changed.most_common()
            ),
            altered=self._altered,
            unknown=self._unknown,
        )

    def _line(
        self,
        event: str,
        target: str,
        flush: Flush | None,
        seconds: float,
        attempts: int,
        reason: DataflowError | None,
    ) -> Line:
        performed, life = self._executor.performed, self._life
        return Line(
            run=self._run,
            machine="stream" if life else "destination",
            stream=str(life.stream.name) if life else None,
            generation=life.stream.generation_id if life else None,
            sync=life.stream.sync_id if life else None,
            source=self._source,
            event=event,
            target=target,
            reason=_reason(reason) if reason else None,
            format=FORMAT if self._source == "idle" else None,
            life=life_to_json(life) if life and self._source == "idle" else None,
            account=account_to_json(self._account(life)) if life and target in (DONE, FAILED) else None,
            at=round(self._executor.clock.now(), 3),
            **(_of_operation(performed) if performed else {}),
            **(_of_flush(flush, seconds, attempts) if flush else {}),
        )


def _of_operation(performed: Performed) -> Mapping[str, Any]:
    """What the entered state's operation adds to a line."""
    common = {"operation": str(performed.operation), "milliseconds": round(performed.milliseconds, 3)}
    error, answer = performed.error, performed.answer or Answer()
    if error is not None:
        return common | {"error": _words(error), "attempt": _repeated(error.attempts)}
    return common | {
        "attempt": _repeated(answer.attempts),
        "rows": answer.rows,
        "note": answer.note or None,
        "altered": altered_to_json(answer.altered) or None,
        "warnings": answer.warnings or None,
        "failed_streams": answer.failed_streams or None,
        "started": answer.started,
        "facts": facts_to_json(answer.facts) if answer.facts else None,
        "left": temp_to_json(answer.left) if answer.left else None,
    }


def _of_flush(flush: Flush, seconds: float, attempts: int) -> Mapping[str, Any]:
    """What a flush adds to a line. One of which the destination did not take every row is undone, and none."""
    return {
        "read": flush.rows,
        "written": flush.rows,
        "rejected": 0,
        "nulled": sum(flush.changed.values()) or None,
        "bytes": flush.size,
        "checkpoint": flush.position or None,
        "milliseconds": round(seconds * 1000, 3),
        "attempt": _repeated(attempts),
    }


def _repeated(attempts: int) -> int | None:
    return attempts if attempts > 1 else None


def _reason(error: DataflowError) -> str:
    # The attempts of the line are those of the entered state's operation.
    tried = f" It was tried {error.attempts} times." if error.attempts > 1 else ""
    return _words(error) + tried


def _words(error: DataflowError) -> str:
    return f"{error.failure_type}: {error.message}"


def facts_to_json(facts: Facts) -> Entry:
    """What INSPECT found, as JSON."""
    return {
        "finalised": facts.finalised,
        "temp": temp_to_json(facts.temp) if facts.temp is not None else None,
        **({"temp_name": _name_to_json(facts.temp_name)} if facts.temp_name is not None else {}),
        **({"generation": facts.generation} if facts.generation is not None else {}),
        **({"lost": recipe_to_json(facts.lost)} if facts.lost is not None else {}),
    }


def facts_from_json(entry: Entry) -> Facts:
    """The facts that were written down."""
    return Facts(
        finalised=entry["finalised"],
        temp=temp_from_json(entry["temp"]) if entry["temp"] is not None else None,
        temp_name=TableName(*entry["temp_name"]) if "temp_name" in entry else None,
        generation=entry.get("generation"),
        lost=recipe_from_json(entry["lost"]) if entry.get("lost") else None,
    )


def temp_to_json(temp: TempFacts) -> Entry:
    """A temp table as it was found, as JSON."""
    return {"empty": temp.empty, "recipe": recipe_to_json(temp.recipe) if temp.recipe else None}


def temp_from_json(entry: Entry) -> TempFacts:
    """The temp table that was written down."""
    return TempFacts(
        empty=entry["empty"], recipe=recipe_from_json(entry["recipe"]) if entry["recipe"] else None
    )


def life_to_json(life: StreamLife) -> Entry:
    """What a stream's machine was made with: the catalog's wishes and the tables' names."""
    return {
        "namespace": life.stream.name.namespace,
        "name": life.stream.name.name,
        "minimum_generation": life.stream.minimum_generation_id,
        "sync": life.stream.sync_id,
        "final": _name_to_json(life.tables.final),
        "temp": _name_to_json(life.tables.temp),
        "recipe": recipe_to_json(life.recipe),
    }


def _name_to_json(table: TableName) -> list[str]:
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
    return StreamLife(stream, tables)
