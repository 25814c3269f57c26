"""What a crash left, and the one step that mends it: the step that the stream's machine takes from the same facts.

Found by rehearsing the start of each stream that the ledger, or a temp table, tells of. Mending is the same walk for
real, up to that step and no further: claimed, under the fence, by the operations of a sync. Rows of which a STATE was
told are never dropped here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from attrs import evolve, field, frozen

from connectors.contract import Client, Connector, Writer
from connectors.ledger import LedgerEntry
from connectors.operations import StreamOperations
from connectors.options import Generations
from connectors.plan import ONCE, Step, Steps
from connectors.rehearsal import rehearsed
from connectors.transactions import RetryPolicy, Transactions
from dataflow.catalog import DestinationStream, Overwrite, Strategy
from dataflow.errors import DataflowError
from dataflow.names import TEMP_MARK, StreamTables, table_catalog
from dataflow.types import TableName
from machines.journal import Journal, life_from_json
from machines.lifecycle import Executor
from machines.operations import Answer, Recipe, StreamOperation, recipe_to_json
from machines.stream import StreamLife, StreamLifecycle

RUN = "doctor"
# The milliseconds of a raw id, which is a UUID of version 7, stand in its highest 48 bits.
_BELOW_MILLISECONDS = 80


class Kind(StrEnum):
    """What can be left."""

    WAITING = "rows wait in a temp table"
    EMPTY = "an empty temp table"
    UNKNOWN = "a temp table that the ledger does not know"
    MISSING = "a temp table that the ledger knows is missing"
    DEAD_RUN = "the session of a dead run"


@frozen(kw_only=True)
class Finding:
    """One thing that a crash left, and what the next sync does about it.

    `stream` is the catalog's, None where no catalog was given or it has none for it; `left` says the latter. `since`
    is when the last row was taken in. `told`: a STATE that may have been told covers rows of it. `state` is where the
    machine goes from there, by `guard`, and `failure` why it cannot. `fix` is the step that may be taken now, None if
    only the next sync, or a person, may mend it.
    """

    kind: Kind
    table: TableName
    temp: TableName | None = None
    stream: str | None = None
    left: bool = False
    run: str = ""
    since: str = ""
    rows: int | None = None
    told: bool = False
    recipe: str = ""
    state: str = ""
    guard: str = ""
    why: str = ""
    does: str = ""
    failure: str = ""
    fix: StreamOperation | None = None
    life: StreamLife = field(repr=False, eq=False)


@frozen(kw_only=True)
class Diagnosis:
    """What was found; and by final table which live runs are at work, of which nothing is left yet."""

    findings: tuple[Finding, ...]
    at_work: Mapping[TableName, Writer]


@frozen(kw_only=True)
class _Trace:
    """A temp table, as the ledger tells of it and as it is; one of them may be missing. `wanted` is its next sync."""

    entry: LedgerEntry | None
    temp: TableName
    exists: bool
    empty: bool
    rows: int | None
    wanted: tuple[DestinationStream, StreamTables] | None


def examine(
    connector: Connector,
    streams: Sequence[DestinationStream] | None = None,
    generations: Generations = Generations.CATALOG,
) -> Diagnosis:
    """What is left, as the next sync finds it. With `streams`, those of the catalog, it is their next sync.

    Changes nothing. Raises a DataflowError when it cannot be told.
    """
    wanted = _wanted(connector, streams or ())
    with rehearsed(connector) as (rehearsing, watch):
        looking = Transactions(rehearsing, ONCE, lambda *_: None)
        try:
            traces, writers = looking.run("looking for what is left", lambda: _look(looking.client, wanted))
        finally:
            looking.client.close()
        findings = []
        for trace in traces:
            life = _life(trace, left=streams is not None)
            if life.tables.final in writers and not writers[life.tables.final].gone:
                continue
            steps = _rehearse(rehearsing, life, Steps(watch), generations)
            findings.append(_finding(trace, life, steps, left=streams is not None and trace.wanted is None))
    dead = (_dead(table, writer) for table, writer in writers.items() if writer.gone)
    alive = {table: writer for table, writer in writers.items() if not writer.gone}
    return Diagnosis(findings=(*findings, *dead), at_work=alive)


def mend(
    connector: Connector,
    finding: Finding,
    run: str,
    generations: Generations = Generations.CATALOG,
    retry: RetryPolicy | None = None,
) -> str:
    """Take the finding's step, once, as a sync would; what came of it, in words. Raises why it could not."""
    transactions = Transactions(connector, retry or RetryPolicy(), lambda *_: None)
    life = StreamLife(finding.life.stream, finding.life.tables)
    operations = StreamOperations(connector, transactions, run, generations=generations)
    port = _UpTo(operations, finding.fix)
    try:
        StreamLifecycle(life, listeners=[Executor(port)]).send("start")
    except _StoppedError as stopped:
        if stopped.answer is not None:
            return stopped.answer.note or "done"
    finally:
        transactions.client.close()
    if life.failure is not None:
        raise life.failure
    return "left alone: it is no longer as it was found"


class _StoppedError(Exception):
    """The walk is over; with the step's answer, if it was taken."""

    def __init__(self, answer: Answer | None) -> None:
        super().__init__()
        self.answer = answer


class _UpTo:
    """A stream's port that performs what leads to one step, then that step, and nothing after it or beside it."""

    def __init__(self, operations: StreamOperations, step: StreamOperation | None) -> None:
        self._operations = operations
        self._step = step

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """As the sync's own port; stops the walk by an exception that no machine catches."""
        if operation not in (StreamOperation.CLAIM, StreamOperation.INSPECT, self._step):
            raise _StoppedError(None)
        answer = self._operations.perform(operation, life)
        if operation is self._step:
            raise _StoppedError(answer)
        return answer


def _wanted(
    connector: Connector, streams: Sequence[DestinationStream]
) -> Sequence[tuple[DestinationStream, StreamTables]]:
    named = table_catalog(
        [(each.name, each.fields) for each in streams], connector.columns.naming, connector.default_namespace
    )
    return [(each, named[each.name]) for each in streams]


def _look(
    client: Client, wanted: Sequence[tuple[DestinationStream, StreamTables]]
) -> tuple[Sequence[_Trace], Mapping[TableName, Writer]]:
    """Every temp table that the ledger or the database knows; and who holds a table that the ledger knows."""
    entries = client.ledger.entries()
    by_final = {tables.final: (stream, tables) for stream, tables in wanted}
    by_temp = {tables.temp: (stream, tables) for stream, tables in wanted}
    known = {entry.temp: entry for entry in entries if entry.temp is not None}
    unknown = [table for table in client.tables_named(TEMP_MARK) if table not in known]
    traces = [_trace(client, temp, entry, by_final.get(entry.table)) for temp, entry in known.items()]
    traces += [_trace(client, temp, None, by_temp.get(temp)) for temp in unknown]
    held = ((entry.table, client.writer(entry.table)) for entry in entries)
    return traces, {table: writer for table, writer in held if writer is not None}


def _trace(
    client: Client,
    temp: TableName,
    entry: LedgerEntry | None,
    wanted: tuple[DestinationStream, StreamTables] | None,
) -> _Trace:
    exists = client.table_exists(temp)
    return _Trace(
        entry=entry,
        temp=temp,
        exists=exists,
        empty=exists and client.table_is_empty(temp),
        rows=client.statistics(temp).rows if exists else None,
        wanted=wanted,
    )


def _life(trace: _Trace, *, left: bool) -> StreamLife:
    """The life that comes next: the catalog's; or the same again; or, of a stream that left, one that only adds."""
    if trace.wanted is not None:
        return StreamLife(*trace.wanted)
    of = trace.entry.recipe if trace.entry and trace.entry.recipe else _PLAIN
    recipe = evolve(of, strategy=Strategy.APPEND, primary_key=(), cursor=None) if left else of
    final = trace.entry.table if trace.entry else _final_of(trace.temp)
    life = life_from_json(
        {
            "namespace": final.namespace,
            "name": final.name,
            "minimum_generation": recipe.generation_id if recipe.strategy.truncates else 0,
            "sync": 0,
            "final": [final.namespace, final.name],
            "temp": [trace.temp.namespace, trace.temp.name],
            "recipe": recipe_to_json(recipe),
        }
    )
    if recipe.strategy is Strategy.APPEND_TRUNCATE:
        # Who counts the generations matters to overwrites alone, and this is how they are opened.
        life.stream = evolve(life.stream, import_type=Overwrite())
    return life


_PLAIN = Recipe(strategy=Strategy.APPEND, generation_id=0, primary_key=(), cursor=None, columns=())


def _final_of(temp: TableName) -> TableName:
    """The final table of a temp table that nobody tells of, as far as its name says."""
    return TableName(temp.namespace, temp.name.rpartition(TEMP_MARK)[0] or temp.name)


def _rehearse(
    connector: Connector, life: StreamLife, steps: Steps, generations: Generations
) -> Sequence[Step]:
    """The start of a stream, rehearsed: the steps of its machine, up to writing or to its failure."""
    transactions = Transactions(connector, ONCE, lambda *_: None)
    executor = Executor(StreamOperations(connector, transactions, RUN, generations=generations))
    journal = Journal(RUN, executor, steps.keep, life)
    try:
        StreamLifecycle(life, listeners=[executor, journal]).send("start")
    finally:
        transactions.client.close()
    return steps.of[str(life.stream.name)]


def _finding(trace: _Trace, life: StreamLife, steps: Sequence[Step], *, left: bool) -> Finding:
    entry = trace.entry
    after = _after_inspection(steps)
    told = entry is not None and entry.checkpoint is not None and not trace.empty
    return Finding(
        kind=_kind(trace),
        table=life.tables.final,
        temp=trace.temp,
        stream=str(trace.wanted[0].name) if trace.wanted else None,
        left=left,
        run=entry.owner if entry else "",
        since=_moment(entry.highest_raw_id) if entry and entry.highest_raw_id else "",
        rows=0 if trace.empty else trace.rows,
        told=told,
        recipe=str(entry.recipe) if entry and entry.recipe else "",
        state=after.state if after else "",
        guard=after.guard if after else "",
        why=after.why if after else "",
        does=after.does if after else "",
        failure=str(life.failure) if life.failure else "",
        fix=_fix(trace, after, told=told),
        life=life,
    )


def _after_inspection(steps: Sequence[Step]) -> Step | None:
    """Where the machine went from what INSPECT found."""
    following = iter(steps)
    found = any(step.state == "inspecting" for step in following)
    return next(following, None) if found else None


def _kind(trace: _Trace) -> Kind:
    if not trace.exists:
        return Kind.MISSING
    if trace.entry is None:
        return Kind.UNKNOWN
    return Kind.EMPTY if trace.empty else Kind.WAITING


def _fix(trace: _Trace, after: Step | None, *, told: bool) -> StreamOperation | None:
    """The machine's step, where it ends what is left, drops no told row, and whose table it is, is known."""
    if after is None or after.error or (trace.entry is None and trace.wanted is None):
        return None
    match after.operation:
        case StreamOperation.SETTLE:
            return StreamOperation.SETTLE
        case StreamOperation.DISCARD if not told:
            return StreamOperation.DISCARD
    return None


def _dead(table: TableName, writer: Writer) -> Finding:
    nothing = _Trace(
        entry=LedgerEntry(table=table), temp=table, exists=False, empty=True, rows=None, wanted=None
    )
    return Finding(
        kind=Kind.DEAD_RUN,
        table=table,
        run=writer.run,
        since=writer.since,
        state="claiming",
        does="The next claim ends this session, and so frees its lock.",
        fix=StreamOperation.CLAIM,
        life=_life(nothing, left=False),
    )


def _moment(raw_id: str) -> str:
    milliseconds = UUID(raw_id).int >> _BELOW_MILLISECONDS
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def try_mending(
    connector: Connector, diagnosis: Diagnosis, run: str, generations: Generations
) -> Iterator[str]:
    """Mend what can be mended, and say of each what came of it."""
    for finding in diagnosis.findings:
        if finding.fix is None:
            continue
        try:
            came = mend(connector, finding, run, generations)
        except DataflowError as error:
            came = f"failed. {error}"
        yield f"{finding.table}: {finding.fix}: {came}"
