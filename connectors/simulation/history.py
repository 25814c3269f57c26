"""Makes a history happen: a platform that starts runs of syncs, hears their STATEs, and tries again or gives up."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from attrs import define, field, frozen

from connectors.contract import Definition
from connectors.contract.journal import TABLE, transition_of
from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.simulation.destination import Server, Session, SimulatedDefinition
from connectors.simulation.model import BrokenLawError
from connectors.simulation.plan import Plan, RunPlan, SyncPlan
from connectors.simulation.scheduler import NEVER, Process, Scheduler, StuckError
from connectors.simulation.source import Nothing, Source, catalog, messages
from connectors.simulation.threads import runtime_of
from connectors.simulation.witness import Witness
from dataflow.pipeline.aggregate import Thresholds
from dataflow.types import TableName
from machines.journal.entries import Entry

# A source waits for so long between its messages, in seconds, at most.
PAUSE = 0.05


@define
class Met:
    """What histories met: of each kind, how often."""

    runs: int = 0
    handovers: int = 0
    arrows: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    switches: Counter[str] = field(factory=Counter)

    def update(self, other: "Met") -> None:
        """Add what another history met."""
        self.runs += other.runs
        self.handovers += other.handovers
        self.arrows.update(other.arrows)
        self.faults.update(other.faults)
        self.switches.update(other.switches)

    def lines(self) -> Iterator[str]:
        """For a person, the rarest first."""
        for name, counts in (("arrows", self.arrows), ("faults", self.faults), ("handovers", self.switches)):
            rarest = sorted(counts.items(), key=lambda each: each[1])
            yield f"{name}: " + ", ".join(f"{what} {times:,}" for what, times in rarest)


@define
class Run:
    """One run of a sync, as the platform sees it."""

    plan: RunPlan
    process: Process
    session: Session
    code: int | None = None

    @property
    def befell(self) -> list[str]:
        """What disturbed it."""
        killed = ["killed"] if self.process.killed else []
        return [*self.session.befell, *killed]


class History:
    """What happens under one plan."""

    def __init__(self, plan: Plan, definition: Definition, folder: Path) -> None:
        """`folder` takes the files that a run is started with."""
        self.plan = plan
        self.runs: list[Run] = []
        self._scheduler = Scheduler(plan.seed, restless=plan.restless, slips=plan.slips)
        self._witness = Witness(plan.keys, self._end)
        self._definition = definition
        self._folder = folder
        self._configuration = {"database": f"simulated {plan.seed}"}
        # The database belongs to no process that may die.
        server = runtime_of(Process(self._scheduler, "server"), Nothing())
        self._reader = cast("Any", definition.connector(self._configuration, "reader", server))
        self._server = Server(self._reader.database, self._witness.committed)

    def happen(self) -> str:
        """Run it to its end; which law it broke, if it did."""
        try:
            for number, sync in enumerate(self.plan.syncs):
                self._sync(sync, last=number == len(self.plan.syncs) - 1)
        except BrokenLawError as broken:
            return str(broken)
        except StuckError as stuck:
            return f"no end: {stuck}"
        finally:
            self._end()
            self._scheduler.reap()
            self._reader.forget()
        return ""

    @property
    def met(self) -> Met:
        """What it met."""
        met = Met(runs=len(self.runs), handovers=self._scheduler.handovers)
        for run in self.runs:
            met.faults.update(run.befell)
        met.arrows.update(map(_arrow, self._journal()))
        met.switches.update(f"{one} to {other}" for one, other in self._scheduler.switches.elements())
        return met

    def _journal(self) -> Iterator[Entry]:
        """What the runs wrote of their lives: a run that was killed lacks its last seconds."""
        tables = self._server.content.tables
        journal = tables.get(TableName(self._reader.internal_namespace, TABLE))
        return (transition_of(row).entry for row in journal.rows) if journal else iter(())

    def _end(self) -> None:
        for run in self.runs:
            run.process.kill()

    # -- the platform

    def _sync(self, sync: SyncPlan, *, last: bool) -> None:
        """Try a sync until it succeeds or is given up. The last is tried once more, undisturbed."""
        for planned in (*sync.runs, *([RunPlan()] if last else [])):
            run = self._run(planned, sync)
            if run.code == 0:
                self._witness.succeeded(sync.asked, self._server.content, self._server.database.owners)
                return
            if planned.undisturbed:
                raise BrokenLawError("law 3: a run failed although nothing disturbed it")

    def _run(self, planned: RunPlan, sync: SyncPlan) -> Run:
        """One run of a sync, to its end."""
        process = Process(self._scheduler, f"run {len(self.runs) + 1}")
        process.dies_at = NEVER if planned.dies_at is None else planned.dies_at
        lines = list(messages(self.plan, sync.asked, self._witness.heard))
        source = Source(
            self._scheduler, lines[: planned.speaks], self._witness.sent, self.plan.lines_at_once, PAUSE
        )
        run = Run(planned, process, Session(process, self._server, planned.faults))
        self.runs.append(run)
        self._witness.begin(sync.asked)
        self._start(run, source, sync)
        while not process.over:
            self._scheduler.wait()
        self._server.end_session(run.session.run)
        source.close()
        if self._witness.broken is not None:
            raise self._witness.broken
        return run

    def _start(self, run: Run, source: Source, sync: SyncPlan) -> None:
        """Start a process as a platform does."""
        config, configured = self._folder / "config.json", self._folder / "catalog.json"
        config.write_text(json.dumps(self._configuration))
        configured.write_bytes(catalog(sync.asked))
        options = WriteOptions(thresholds=_thresholds(self.plan))
        definition = SimulatedDefinition(self._definition, run.session)
        out = _Out(self._scheduler, self._witness)
        destination = Destination(definition, out, runtime_of(run.process, source))

        def main() -> None:
            run.code = destination.guard(
                lambda: destination.write(config, configured, source.read_end, options)
            )
            # Threads that are left end with their process.
            run.process.kill()

        self._scheduler.start(main, "main", run.process)


@frozen
class _Out:
    """The stdout of a run."""

    scheduler: Scheduler
    witness: Witness

    def write(self, line: bytes) -> None:
        self.scheduler.handover()
        self.witness.hear(line)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


def _arrow(entry: Entry) -> str:
    return f"{entry['machine']} {entry['from']} {entry['event']} {entry['to']}"


def _thresholds(plan: Plan) -> Thresholds:
    return Thresholds(
        chunk_bytes=plan.chunk_bytes,
        chunk_bytes_per_stream=plan.chunk_bytes,
        parcel_rows=plan.parcel_rows,
        flush_rows=plan.flush_rows,
        state_latency=plan.state_latency,
    )
