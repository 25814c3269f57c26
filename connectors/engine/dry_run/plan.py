"""What a sync would do, before it does it: a whole sync, rehearsed with a source that completes every stream at once.

Nothing here knows a rule of a lifecycle or a statement of a database. The machines walk their own arrows, `Sync`
performs what they ask, on a connector that changes nothing; the journal gives the path, and this module keeps it.
"""

import json
import tempfile  # noqa: TID251 - a file of its own
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from inspect import cleandoc
from typing import Any

from attrs import define, field, frozen

from connectors.contract import Client, Connector, Statement, Statistics, Writer
from connectors.contract.ledger import LedgerEntry
from connectors.engine.dry_run.effects import Effect, Watch, rehearsed
from connectors.engine.dry_run.former_keys import Keys, former_keys
from connectors.engine.sync.naming import name_streams
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from connectors.engine.sync.temp_tables import TempTables
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.catalog import DestinationStream
from dataflow.errors import ConfigError
from dataflow.pipeline.checkpoints import Checkpoint
from dataflow.types import StreamName, TableName
from machines.diagram.declared import arrows
from machines.journal.entries import Entry
from machines.journal.standing import way
from machines.operations import MEANING, Publishing, StreamOperation
from machines.stream import StreamLife, StreamLifecycle

# A plan reports the error; only a sync retries.
ONCE = RetryPolicy(attempts=1)
RUN = "plan"


@frozen(kw_only=True)
class TableState:
    """A table as it is now. `columns` are the user's, with their types; none of a table that is not Airbyte's."""

    name: TableName
    exists: bool
    columns: Mapping[str, str] = field(factory=dict)
    statistics: Statistics = field(factory=Statistics)


@frozen(kw_only=True)
class Step:
    """An arrow that a stream's machine walked, and what was done on entry.

    `guard` is the rule that chose the arrow, `why` what it says; `does` is what the entered state asks for.
    """

    state: str
    event: str
    guard: str = ""
    why: str = ""
    operation: str | None = None
    does: str = ""
    note: str = ""
    error: str = ""
    effects: tuple[Effect, ...] = ()
    statements: tuple[Statement, ...] = ()


@frozen(kw_only=True)
class StreamPlan:
    """One stream: what is there, what the ledger says, and its steps. `failure` is how it would end, if not well.

    `strategy` is what the catalog asks for, `way` what that amounts to now.
    """

    stream: StreamName
    strategy: str
    way: str
    generation: int
    final: TableState
    temp: TableState
    entry: LedgerEntry | None
    writer: Writer | None
    steps: tuple[Step, ...]
    failure: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The states it would be in, one after the other."""
        return tuple(step.state for step in self.steps)


@frozen(kw_only=True)
class Plan:
    """What a sync would do. `set_up` is done once, before any stream; `failure` is that of no stream."""

    set_up: tuple[Statement, ...]
    streams: tuple[StreamPlan, ...]
    failure: str = ""

    @property
    def destructive(self) -> tuple[Effect, ...]:
        """What would be gone that a person had."""
        return tuple(
            effect
            for stream in self.streams
            for step in stream.steps
            for effect in step.effects
            if effect.deed.destructive
        )

    @property
    def fails(self) -> bool:
        """Whether it is already known that a stream would fail, or all."""
        return bool(self.failure) or any(stream.failure for stream in self.streams)


@define
class Steps:
    """Makes steps of the journal's entries, with what the rehearsal did for each. `around` is done for no stream."""

    _watch: Watch
    around: list[Statement] = field(factory=list)
    of: dict[str, list[Step]] = field(factory=lambda: defaultdict(list))
    # What INSPECT found, and the publication that CLAIM found begun, by stream.
    facts: dict[str, Entry] = field(factory=dict)
    publishing: dict[str, str] = field(factory=dict)

    def keep(self, entry: Entry) -> None:
        """A transition has ended."""
        statements, effects = self._watch.take()
        if entry["machine"] != "stream":
            self.around.extend(statements)
            return
        operation = StreamOperation(entry["operation"]) if "operation" in entry else None
        if "facts" in entry:
            self.facts[entry["stream"]] = entry["facts"]
        if "publishing" in entry:
            self.publishing[entry["stream"]] = entry["publishing"]
        guard, why = reason(entry["from"], entry["event"], entry["to"])
        self.of[entry["stream"]].append(
            Step(
                state=entry["to"],
                event=entry["event"],
                guard=guard,
                why=why,
                operation=operation,
                does=MEANING[operation] if operation else "",
                note=entry.get("note", ""),
                error=entry.get("error", "") or entry.get("reason", ""),
                effects=tuple(effects),
                statements=tuple(statements),
            )
        )


def begun_words(entry: LedgerEntry) -> str:
    """The publication that an entry says was begun, in a sentence; empty if there is none."""
    if entry.publishing is None or entry.recipe is None:
        return ""
    kind = "a swap" if entry.publishing is Publishing.REPLACE else "an addition"
    return f"{kind} of generation {entry.recipe.generation_id} was begun; the next sync completes it"


def reason(source: str, event: str, target: str) -> tuple[str, str]:
    """The guard of an arrow of a stream's machine, and what it says: the first words of its own docstring."""
    beside = [arrow for arrow in arrows(StreamLifecycle) if (arrow.source, arrow.event) == (source, event)]
    guard = next((arrow.guard for arrow in beside if arrow.target == target), "")
    if guard:
        return guard, " ".join(cleandoc(getattr(StreamLife, guard).__doc__).split("\n\n")[0].split())
    return "", "No other guard holds." if any(arrow.guard for arrow in beside) else ""


def plan(connector: Connector, streams: Sequence[DestinationStream]) -> Plan:
    """What a sync of these streams would do now. Changes nothing; raises a DataflowError when the database does not
    answer.
    """
    with rehearsed(connector) as (rehearsing, watch):
        present = _present(rehearsing, streams)
        merged = [present[each.name]["final"] for each in streams if each.strategy.dedupes]
        watch.keys = _former_keys(rehearsing, [each.name for each in merged if each.exists])
        steps, reported = Steps(watch), _Reported()
        with tempfile.TemporaryFile() as source:
            source.writelines(_complete(each.name) for each in streams)
            source.seek(0)
            run_sync(
                Sync(
                    run=RUN,
                    connector=rehearsing,
                    streams=streams,
                    source=source.fileno(),
                    outlet=reported,
                    keep=steps.keep,
                    retry=ONCE,
                    probe=lambda *_: None,
                )
            )
    failures = reported.failures
    return Plan(
        set_up=tuple(steps.around),
        streams=tuple(
            _stream(each, steps, present[each.name], failures.get(each.name, "")) for each in streams
        ),
        failure=failures.get(None, ""),
    )


def _stream(of: DestinationStream, steps: Steps, present: Mapping[str, Any], failure: str) -> StreamPlan:
    facts, strategy = steps.facts.get(str(of.name), {}), str(of.strategy)
    return StreamPlan(
        stream=of.name,
        strategy=strategy,
        way=way(strategy, of.generation_id, facts, steps.publishing.get(str(of.name))),
        generation=facts.get("generation", of.generation_id),
        **present,
        steps=tuple(steps.of[str(of.name)]),
        failure=failure,
    )


def _present(connector: Connector, streams: Sequence[DestinationStream]) -> Mapping[StreamName, Any]:
    """What is there before the sync."""
    looking = Transactions(connector, ONCE, lambda *_: None)
    client = looking.client

    def look() -> Mapping[StreamName, Any]:
        entries = {entry.table: entry for entry in client.ledger.entries()}
        found = {}
        for each in name_streams(connector, client, streams):
            tables, entry = each.tables, entries.get(each.tables.final)
            temp = entry.temp if entry and entry.temp else tables.temp
            opened = TempTables(connector).opened(client, entry) if entry else None
            found[each.stream.name] = {
                "final": table_state(client, tables.final),
                "temp": table_state(client, opened or temp),
                "entry": entry,
                "writer": client.writer(tables.final),
            }
        return found

    try:
        return looking.run("inspecting the tables", look)
    finally:
        client.close()


def _former_keys(connector: Connector, tables: Sequence[TableName]) -> Keys:
    looking = Transactions(connector, ONCE, lambda *_: None)
    with closing(looking.client) as client:
        return looking.run(
            "reading the journal", lambda: former_keys(client, connector.internal_namespace, tables)
        )


def table_state(client: Client, table: TableName) -> TableState:
    """A table as it is now, in a transaction of the client."""
    if not client.table_exists(table):
        return TableState(name=table, exists=False)
    try:
        columns = {name: str(kind) for name, kind in client.discover_schema(table).columns.items()}
    except ConfigError:
        # Not Airbyte's: the sync will say so.
        columns = {}
    return TableState(name=table, exists=True, columns=columns, statistics=client.statistics(table))


def _complete(stream: StreamName) -> bytes:
    """The source's word that a stream is complete."""
    descriptor = {"name": stream.name, "namespace": stream.namespace}
    status = {"stream_descriptor": descriptor, "status": "COMPLETE"}
    trace = {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": status}
    return json.dumps({"type": "TRACE", "trace": trace}).encode() + b"\n"


@define
class _Reported:
    """The outlet of a rehearsed sync, which keeps what is reported of each stream. Nothing is emitted or logged."""

    failures: dict[StreamName | None, str] = field(factory=dict)

    def emit(self, checkpoint: Checkpoint) -> None:
        pass

    def log(self, level: str, message: str) -> None:
        pass

    def report(self, error: BaseException, stream: StreamName | None = None) -> None:
        self.failures[stream] = str(error)
