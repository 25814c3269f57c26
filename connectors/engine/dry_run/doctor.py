"""What a crash left, and the one step that repairs it: the step that the stream's machine takes from the same facts.

Found by rehearsing the start of each stream that the ledger, or a temp table, names. Changes nothing;
`connectors.engine.dry_run.repair` takes the step.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from attrs import evolve

from connectors.contract import Connector
from connectors.contract.ledger import LedgerEntry
from connectors.contract.options import Options
from connectors.engine.dry_run.diagnosis import Diagnosis, Finding, Kind
from connectors.engine.dry_run.effects import rehearsed
from connectors.engine.dry_run.leftovers import Held, Trace, find_leftovers
from connectors.engine.dry_run.plan import ONCE, Step, Steps, begun_words
from connectors.engine.dry_run.suspicion import suspected
from connectors.engine.sync.naming import name_streams
from connectors.engine.sync.operations import RESERVED, StreamOperations
from connectors.engine.sync.transactions import Transactions
from dataflow.catalog import DestinationStream, Overwrite, Strategy
from dataflow.raw_ids import first_at
from dataflow.types import StreamName
from machines.journal.entries import life_from_json
from machines.journal.listener import Journal
from machines.lifecycle import Executor
from machines.loads import written
from machines.operations import Recipe, StreamOperation, recipe_to_json
from machines.parts import NEEDLESS, Atomic, Part
from machines.stream import StreamLife, StreamLifecycle

RUN = "doctor"
# The milliseconds of a raw id, which is a UUID of version 7, stand in its highest 48 bits.
_BELOW_MILLISECONDS = 80


# What is ended by the start of any sync, and in which state.
_BEFORE_INSPECTION = {Kind.BEGUN: "completing", Kind.UNNAMED: "claiming"}
_FINISHES = (
    "a sync of this table is refused until then. Finish the load with the same `dataflow load` command, or with "
    "`dataflow shards publish PLAN`. To drop what it loaded: `dataflow shards discard PLAN`"
)
_SWEEPS = "The next claim drops it: what it held is published, or no STATE covers it."


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
            life = _life(connector.atomic, trace, options or Options(), left=streams is not None)
            if life.tables.final in alive:
                continue
            if trace.open_load:
                findings.append(_load(connector.atomic, trace, life))
                continue
            steps = _rehearse(rehearsing, life, Steps(watch))
            left = streams is not None and trace.wanted is None
            findings.append(_finding(connector.atomic, trace, life, steps, left=left))
    dead = (_dead(connector.atomic, each) for each in held if each.writer.gone)
    return Diagnosis(
        findings=(*findings, *dead), at_work=alive, suspicions=tuple(suspected(connector)), known=known
    )


def _life(atomic: Atomic, trace: Trace, options: Options, *, left: bool) -> StreamLife:
    """The life that comes next: the catalog's; or the same again; or, of a stream that left, one that only adds."""
    if trace.wanted is not None:
        return StreamLife(*trace.wanted, atomic=atomic)
    of = trace.entry.recipe if trace.entry and trace.entry.recipe else _PLAIN
    # What comes after a load is a sync.
    recipe = _only_adding(of) if left or of.load is not None else of
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
            "atomic": atomic,
        }
    )
    if recipe.strategy is Strategy.APPEND_TRUNCATE:
        # This is how overwrites are opened.
        (life.stream,) = options.meant([evolve(life.stream, import_type=Overwrite())])
    if trace.owner is None:
        # Its name is for messages. Whose the table is, is for its own next sync to say.
        life.tables = evolve(life.tables, stream=None)
    return life


def _only_adding(of: Recipe) -> Recipe:
    """The recipe of a sync that adds, and continues no temp table."""
    return evolve(
        of,
        strategy=Strategy.APPEND,
        generation_id=of.generation_id + 1,
        primary_key=(),
        cursor=None,
        load=None,
    )


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


def _finding(atomic: Atomic, trace: Trace, life: StreamLife, steps: Sequence[Step], *, left: bool) -> Finding:
    entry, kind = trace.entry, _kind(atomic, trace)
    after = _fixing(kind, steps)
    acknowledged = entry is not None and entry.checkpoint is not None
    return Finding(
        kind=kind,
        table=life.tables.final,
        temp=trace.temp,
        stream=str(trace.wanted[0].name) if trace.wanted else None,
        left=left,
        run=entry.owner if entry else "",
        since=_moment(atomic, entry.highest_raw_id) if entry and entry.highest_raw_id else "",
        rows=0 if trace.empty else trace.rows,
        acknowledged=acknowledged,
        recipe=str(entry.recipe) if entry and entry.recipe else "",
        begun=begun_words(entry) if entry else "",
        state=after.state if after else "",
        guard=after.guard if after else "",
        why=after.why if after else "",
        does=_SWEEPS if kind is Kind.UNNAMED else after.does if after else "",
        failure=str(life.failure) if life.failure and _concerns(kind, after) else "",
        fix=_fix(kind, trace, after, acknowledged=acknowledged),
        life=life,
    )


def _load(atomic: Atomic, trace: Trace, life: StreamLife) -> Finding:
    """A load that is open: its own commands go on with it, and nothing else may."""
    entry = trace.entry
    return Finding(
        kind=Kind.LOAD,
        table=life.tables.final,
        temp=trace.temp,
        stream=str(trace.wanted[0].name) if trace.wanted else None,
        run=entry.owner if entry else "",
        since=_moment(atomic, first_at(trace.shards[0].millisecond)) if trace.shards else "",
        rows=sum(shard.rows or 0 for shard in trace.shards),
        recipe=str(entry.recipe) if entry else "",
        does=_FINISHES,
        shards=len(trace.shards),
        written=written(trace.shards),
        life=life,
    )


def _fixing(kind: Kind, steps: Sequence[Step]) -> Step | None:
    """The step that ends what is left: mostly the one that the machine took after what INSPECT found."""
    if kind in _BEFORE_INSPECTION:
        return next((step for step in steps if step.state == _BEFORE_INSPECTION[kind]), None)
    following = iter(steps)
    found = any(step.state == "inspecting" for step in following)
    return next(following, None) if found else None


def _concerns(kind: Kind, step: Step | None) -> bool:
    """Whether a failure of the start is one of this step, and not of a later one."""
    return kind not in _BEFORE_INSPECTION or step is None or bool(step.error)


def _kind(atomic: Atomic, trace: Trace) -> Kind:
    if trace.entry is not None and trace.entry.publishing is not None:
        return Kind.BEGUN
    if trace.entry is None and trace.claimed and atomic is not Atomic.EVERYTHING:
        return Kind.UNNAMED
    if not trace.exists:
        return Kind.MISSING
    if trace.entry is None:
        return Kind.UNKNOWN
    return Kind.EMPTY if trace.empty else Kind.WAITING


def _fix(kind: Kind, trace: Trace, after: Step | None, *, acknowledged: bool) -> StreamOperation | None:
    """The machine's step, where it ends what is left, drops no acknowledged row, and belongs to a known table.

    Half a refresh is brought into the final table only for the sync that gives the refresh up, and never because
    its stream is not in the catalog at hand: that may be another connection's, whose own sync goes on with it.
    A publication that was decided has all of its rows, and nothing takes the decision back: it is completed for anyone.
    """
    if after is None or after.error:
        return None
    if kind in _BEFORE_INSPECTION:
        return StreamOperation(after.operation) if after.operation else None
    if trace.entry is None and trace.wanted is None:
        return None
    match after.operation:
        case StreamOperation.SETTLE if trace.wanted is not None or not trace.part_of_refresh:
            return StreamOperation.SETTLE
        case StreamOperation.DISCARD if not acknowledged:
            return StreamOperation.DISCARD
    return None


def _dead(atomic: Atomic, held: Held) -> Finding:
    entry, writer = held.entry, held.writer
    nothing = Trace(
        entry=LedgerEntry(table=entry.table),
        claimed=True,
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
        life=_life(atomic, nothing, Options(), left=False),
    )


def _moment(atomic: Atomic, raw_id: str) -> str:
    """The time of the raw id; where ids are reserved, the earliest that it stands for."""
    reserved = RESERVED if Part.RESERVE_IDS not in NEEDLESS[atomic] else 0
    milliseconds = (UUID(raw_id).int >> _BELOW_MILLISECONDS) - reserved
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
