"""What a crash left, and the one step that repairs it: the step that the stream's machine takes from the same facts.

Found by rehearsing the start of each stream that the ledger, or a temp table, names. Changes nothing;
`connectors.engine.dry_run.repair` takes the step.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from attrs import evolve, field, frozen

from connectors.contract import Connector, Writer
from connectors.contract.ledger import LedgerEntry
from connectors.contract.options import Options
from connectors.engine.dry_run.effects import rehearsed
from connectors.engine.dry_run.leftovers import Held, Trace, find_leftovers
from connectors.engine.dry_run.plan import ONCE, Step, Steps
from connectors.engine.dry_run.suspicion import Suspicion, suspected
from connectors.engine.sync.naming import name_streams
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.transactions import Transactions
from dataflow.catalog import DestinationStream, Overwrite, Strategy
from dataflow.types import StreamName, TableName
from machines.journal.entries import life_from_json
from machines.journal.listener import Journal
from machines.lifecycle import Executor
from machines.operations import Recipe, StreamOperation, recipe_to_json
from machines.stream import StreamLife, StreamLifecycle

RUN = "doctor"
# The milliseconds of a raw id, which is a UUID of version 7, stand in its highest 48 bits.
_BELOW_MILLISECONDS = 80


class Kind(StrEnum):
    """What can be left."""

    WAITING = "rows wait in a temp table"
    EMPTY = "an empty temp table"
    UNKNOWN = "a temp table that this ledger does not know"
    MISSING = "a temp table that the ledger knows is missing"
    DEAD_RUN = "the session of a dead run"


@frozen(kw_only=True)
class Finding:
    """One thing that a crash left, and what the next sync does about it.

    `stream` is the catalog's, None without a catalog or if the catalog has none for it; `left` says the latter. `since`
    is the time of the last row that was received. `acknowledged`: a STATE that may have been emitted covers rows of it.
    `state` is where the machine goes from there, by `guard`, and `failure` why it cannot. `fix` is the step that may be
    taken now, None if only the next sync, or a person, may fix it.
    """

    kind: Kind
    table: TableName
    temp: TableName | None = None
    stream: str | None = None
    left: bool = False
    run: str = ""
    since: str = ""
    rows: int | None = None
    acknowledged: bool = False
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
    """What was found; and by final table which live runs are at work, of which nothing is left yet.

    `suspicions` are about what earlier versions did, and not about a crash. `known` is the number of tables in the
    ledger.
    """

    findings: tuple[Finding, ...]
    at_work: Mapping[TableName, Writer]
    suspicions: tuple[Suspicion, ...] = ()
    known: int

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to repair."""
        return not self.findings and not self.suspicions


def examine(
    connector: Connector,
    streams: Sequence[DestinationStream] | None = None,
    options: Options | None = None,
) -> Diagnosis:
    """What is left, as the next sync finds it. With `streams`, those of the catalog, it is their next sync.

    Without them, the same syncs as before, by these options.

    Changes nothing. Raises a DataflowError when the database does not answer.
    """
    with rehearsed(connector) as (rehearsing, watch):
        looking = Transactions(rehearsing, ONCE, lambda *_: None)
        try:
            spaces = {connector.default_namespace, connector.internal_namespace}

            def look() -> tuple[int, tuple[Sequence[Trace], Sequence[Held]]]:
                looking.client.create_namespace(connector.internal_namespace)
                looking.client.ledger.prepare()
                named = name_streams(connector, looking.client, streams or ())
                found = find_leftovers(looking.client, named, connector.columns.naming, spaces)
                return len(looking.client.ledger.entries()), found

            known, (traces, held) = looking.run("looking for leftovers", look)
            # A ledger is rehearsed like the rest: it is none of a stream's steps.
            watch.take()
        finally:
            looking.client.close()
        alive = {each.entry.table: each.writer for each in held if not each.writer.gone}
        findings = []
        for trace in traces:
            life = _life(trace, options or Options(), left=streams is not None)
            if life.tables.final in alive:
                continue
            steps = _rehearse(rehearsing, life, Steps(watch))
            findings.append(_finding(trace, life, steps, left=streams is not None and trace.wanted is None))
    dead = (_dead(each) for each in held if each.writer.gone)
    return Diagnosis(
        findings=(*findings, *dead), at_work=alive, suspicions=tuple(suspected(connector)), known=known
    )


def _life(trace: Trace, options: Options, *, left: bool) -> StreamLife:
    """The life that comes next: the catalog's; or the same again; or, of a stream that left, one that only adds."""
    if trace.wanted is not None:
        return StreamLife(*trace.wanted)
    of = trace.entry.recipe if trace.entry and trace.entry.recipe else _PLAIN
    recipe = evolve(of, strategy=Strategy.APPEND, primary_key=(), cursor=None) if left else of
    final = trace.final
    owner = trace.owner or StreamName(final.namespace, final.name)
    life = life_from_json(
        {
            "namespace": owner.namespace,
            "name": owner.name,
            "minimum_generation": recipe.generation_id if recipe.strategy.truncates else 0,
            "sync": 0,
            "final": [final.namespace, final.name],
            "temp": [trace.temp.namespace, trace.temp.name],
            "recipe": recipe_to_json(recipe),
        }
    )
    if recipe.strategy is Strategy.APPEND_TRUNCATE:
        # This is how overwrites are opened.
        (life.stream,) = options.meant([evolve(life.stream, import_type=Overwrite())])
    if trace.owner is None:
        # Its name is for messages. Whose the table is, is for its own next sync to say.
        life.tables = evolve(life.tables, stream=None)
    return life


_PLAIN = Recipe(strategy=Strategy.APPEND, generation_id=0, primary_key=(), cursor=None, columns=())


def _rehearse(connector: Connector, life: StreamLife, steps: Steps) -> Sequence[Step]:
    """The start of a stream, rehearsed: the steps of its machine, up to writing or to its failure."""
    transactions = Transactions(connector, ONCE, lambda *_: None)
    executor = Executor(StreamOperations(connector, transactions, RUN), connector.runtime.clock)
    journal = Journal(RUN, executor, steps.keep, life)
    try:
        StreamLifecycle(life, listeners=[executor, journal]).send("start")
    finally:
        transactions.client.close()
    return steps.of[str(life.stream.name)]


def _finding(trace: Trace, life: StreamLife, steps: Sequence[Step], *, left: bool) -> Finding:
    entry = trace.entry
    after = _after_inspection(steps)
    acknowledged = entry is not None and entry.checkpoint is not None
    return Finding(
        kind=_kind(trace),
        table=life.tables.final,
        temp=trace.temp,
        stream=str(trace.wanted[0].name) if trace.wanted else None,
        left=left,
        run=entry.owner if entry else "",
        since=_moment(entry.highest_raw_id) if entry and entry.highest_raw_id else "",
        rows=0 if trace.empty else trace.rows,
        acknowledged=acknowledged,
        recipe=str(entry.recipe) if entry and entry.recipe else "",
        state=after.state if after else "",
        guard=after.guard if after else "",
        why=after.why if after else "",
        does=after.does if after else "",
        failure=str(life.failure) if life.failure else "",
        fix=_fix(trace, after, acknowledged=acknowledged),
        life=life,
    )


def _after_inspection(steps: Sequence[Step]) -> Step | None:
    """The step that the machine took after what INSPECT found."""
    following = iter(steps)
    found = any(step.state == "inspecting" for step in following)
    return next(following, None) if found else None


def _kind(trace: Trace) -> Kind:
    if not trace.exists:
        return Kind.MISSING
    if trace.entry is None:
        return Kind.UNKNOWN
    return Kind.EMPTY if trace.empty else Kind.WAITING


def _fix(trace: Trace, after: Step | None, *, acknowledged: bool) -> StreamOperation | None:
    """The machine's step, where it ends what is left, drops no acknowledged row, and belongs to a known table.

    Half a refresh is brought into the final table only for the sync that gives the refresh up, and never because
    its stream is not in the catalog at hand: that may be another connection's, whose own sync goes on with it.
    """
    if after is None or after.error or (trace.entry is None and trace.wanted is None):
        return None
    match after.operation:
        case StreamOperation.SETTLE if trace.wanted is not None or not trace.part_of_refresh:
            return StreamOperation.SETTLE
        case StreamOperation.DISCARD if not acknowledged:
            return StreamOperation.DISCARD
    return None


def _dead(held: Held) -> Finding:
    entry, writer = held.entry, held.writer
    nothing = Trace(
        entry=LedgerEntry(table=entry.table),
        final=entry.table,
        owner=entry.stream,
        temp=entry.table,
        exists=False,
        empty=True,
        rows=None,
        wanted=None,
    )
    return Finding(
        kind=Kind.DEAD_RUN,
        table=entry.table,
        run=writer.run,
        since=writer.since,
        state="claiming",
        does="The next claim ends this session, which releases its lock.",
        fix=StreamOperation.CLAIM,
        life=_life(nothing, Options(), left=False),
    )


def _moment(raw_id: str) -> str:
    milliseconds = UUID(raw_id).int >> _BELOW_MILLISECONDS
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
