"""Makes a history happen: a platform that starts runs of syncs, hears their STATEs, and tries again or gives up."""

import errno
import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import msgspec
from attrs import define, evolve, field, frozen

from connectors.contract import Definition
from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.simulation.destination import Server, Session, SimulatedDefinition
from connectors.simulation.log import catalog, messages
from connectors.simulation.model import BrokenLawError
from connectors.simulation.plan import Asked, Plan, RunPlan, Sizes, SyncPlan
from connectors.simulation.scheduler import Process, Scheduler, StuckError
from connectors.simulation.source import Nothing, Source, cut_short
from connectors.simulation.stopping import stopped_after
from connectors.simulation.threads import runtime_of
from connectors.simulation.witness import Witness
from dataflow.pipeline.aggregate import Thresholds
from machines.journal.entries import Entry
from machines.journal.replay import lives, replay

# How long a platform waits for a run, in seconds.
PATIENCE = 3600.0
# What befalls a process itself.
KILLED, HUNG, OUTLIVED = "killed", "killed as it hung", "locks that outlive their run"
ABANDONED, STOPPED, DEAF = "taken for dead", "asked to stop", "nobody reads"
BEFALL = (HUNG, KILLED, OUTLIVED, ABANDONED, STOPPED, DEAF)
# How many histories there are for one whose journal is replayed, which takes as long as its runs.
REPLAYED = 20
JOURNAL = "journal.jsonl"


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


@define(eq=False)
class Run:
    """One run of a sync, as its platform sees it."""

    plan: RunPlan
    asked: tuple[Asked, ...]
    process: Process
    session: Session
    source: Source
    # Whether nothing disturbs it, not even a run before it.
    alone: bool
    code: int | None = None
    # The platform takes it for dead.
    abandoned: bool = False
    # It had locks as it ended.
    left_locks: bool = False
    befell: list[str] = field(factory=list)
    lines: int = 0

    def happens(self, what: str) -> None:
        """Something befalls the process itself."""
        self.befell.append(what)


class History:
    """What happens under one plan."""

    def __init__(self, plan: Plan, definition: Definition, folder: Path) -> None:
        """`folder` takes the files of the runs: what they are started with, and their journal."""
        self.plan = plan
        self.runs: list[Run] = []
        self.witness = Witness(plan, self._end)
        self._entries: list[Entry] = []
        self._scheduler = Scheduler(plan.seed, restless=plan.restless, slips=plan.slips)
        self._definition = definition
        self._folder = folder
        self._journal = folder / JOURNAL
        self._journal.unlink(missing_ok=True)
        self._options = WriteOptions(
            thresholds=_thresholds(plan.sizes), flushes_at_once=plan.flushes_at_once, journal=self._journal
        )
        self._configuration = {"database": f"simulated {plan.seed}", "atomic": plan.atomic}
        self._config, self._catalog = folder / "config.json", folder / "catalog.json"
        self._config.write_text(json.dumps(self._configuration))
        # The database belongs to no process that may die.
        self._served = Process(self._scheduler, "server")
        reader = definition.connector(self._configuration, "reader", runtime_of(self._served, Nothing()))
        self._reader = cast("Any", reader)
        self._server = Server(self._reader.database, self.witness.committed, ends_others=plan.ends_others)
        self.witness.undisputed = self._server.undisputed

    def happen(self) -> str:
        """Run it to its end; which law it broke, if it did."""
        try:
            for sync in self.plan.syncs[:-1]:
                self._try(sync, sync.runs)
            self._finish(self.plan.syncs[-1])
            if self.plan.seed % REPLAYED == 0:
                self._entries = self._read_journal()
                self._expect_replay()
        except BrokenLawError as broken:
            return str(broken)
        except StuckError as stuck:
            return f"no end: {stuck}"
        finally:
            self._end()
            self._scheduler.reap()
            self._entries = self._read_journal()
            for run in self.runs:
                run.source.close()
            self._reader.forget()
        return ""

    @property
    def met(self) -> Met:
        """What it met."""
        met = Met(runs=len(self.runs), handovers=self._scheduler.handovers)
        for run in self.runs:
            met.faults.update((*run.befell, *run.session.befell))
        met.arrows.update(map(_arrow, self._entries))
        for (one, other), times in self._scheduler.switches.items():
            met.switches[f"{_role(one)} to {_role(other)}"] += times
        return met

    def _expect_replay(self) -> None:
        for life in lives(self._entries):
            if trouble := replay(life).trouble:
                raise BrokenLawError(f"the journal does not replay: {trouble}")

    def _read_journal(self) -> list[Entry]:
        lines = self._journal.read_bytes().splitlines() if self._journal.exists() else []
        return [msgspec.json.decode(line) for line in lines]

    def _end(self) -> None:
        for process in (self._served, *(run.process for run in self.runs)):
            process.kill(at_once=True)

    # -- the platform

    def _finish(self, sync: SyncPlan) -> None:
        """The last sync has to succeed once nothing disturbs it any more."""
        if self._try(sync, sync.runs) and self.plan.ends_others:
            return
        for run in self.runs:
            self._wait_for(run)
        # What a killed run has sent is over too, and its locks are released.
        while self._served.turns or any(run.process.turns for run in self.runs):
            self._scheduler.wait()
        self.witness.quiet = True
        # One run finds what keys need, and the next has it.
        needed = 1 + len(sync.asked) if self.plan.may_fail_once else 1
        if not self._try(sync, [RunPlan()] * needed):
            raise BrokenLawError("law 3: a run failed although nothing disturbed it")

    def _try(self, sync: SyncPlan, runs: "tuple[RunPlan, ...] | list[RunPlan]") -> bool:
        """Try a sync until it succeeds or is given up; whether it succeeded."""
        self._end_earlier(sync.asked)
        self._catalog.write_bytes(catalog(sync.asked))
        for planned in runs:
            run = self._start(planned, sync.asked)
            self._wait_for(run)
            if self.witness.broken is not None:
                raise self.witness.broken
            if run.code == 0 and not run.abandoned:
                self.witness.succeeded(sync.asked, self._server.content)
                if run.left_locks:
                    raise BrokenLawError("law 4: a lock is left")
                return True
            undisturbed = run.alone and run.plan.undisturbed
            if undisturbed and HUNG in run.befell:
                raise BrokenLawError("no end: a run that nothing disturbed did not come to its end")
            if undisturbed and not self.plan.may_fail_once:
                raise BrokenLawError("law 3: a run failed although nothing disturbed it")
        return False

    def _end_earlier(self, asked: tuple[Asked, ...]) -> None:
        """End what is left of earlier syncs: it would publish an older sync of a stream that it has yet to claim."""
        for run in self.runs:
            if run.asked != asked:
                run.process.kill()

    def _wait_for(self, run: Run) -> None:
        """Until the run is over, or the platform takes it for dead."""
        until = self._scheduler.time + PATIENCE
        known = run.abandoned
        while not run.process.over and run.abandoned == known:
            self._scheduler.wait(until)
            if self._scheduler.time >= until and not run.process.over:
                run.happens(HUNG)
                run.process.kill(at_once=True)
        if run.process.over:
            self._release(run)

    def _release(self, run: Run) -> None:
        """The server ends the sessions of a run that is over, at once or a while later."""
        lingers = run.plan.lingers
        if not lingers or not self._server.holds(run.session.run):
            self._server.end_session(run.session.run)
            return

        def later() -> None:
            self._scheduler.wait(self._scheduler.time + lingers)
            self._server.end_session(run.session.run)

        run.happens(OUTLIVED)
        self._scheduler.start(later, "server", self._served)

    def _start(self, planned: RunPlan, asked: tuple[Asked, ...]) -> Run:
        """Start a run of a sync as a platform does."""
        process = Process(self._scheduler, f"run {len(self.runs) + 1}")
        alone = not any(run.process.turns for run in self.runs) and not self._server.database.owners
        said = cut_short(messages(self.plan, asked, self.witness.heard), planned.speaks, planned.end)
        session, plan = Session(process, self._server, planned, self.plan.latency), self.plan
        voice = self.witness.begin(asked, session)
        source = Source(self._scheduler, said, voice.sent, at_once=plan.lines_at_once, pause=plan.pause)
        # Then it is refused, and its records become no rows.
        session.disturbed = not alone
        run = Run(planned, asked, process, session, source, alone)
        if planned.speaks is not None:
            run.happens(f"input that ends: {planned.end}")
        self._set_moments(run)
        self.runs.append(run)
        definition = SimulatedDefinition(self._definition, session, plan.streams_at_once)
        destination = Destination(
            definition, _Out(self, run), runtime_of(process, source, planned.ahead, session)
        )
        options = stopped_after(planned.stopped_after, self._options, lambda: run.happens(STOPPED))

        def main() -> None:
            run.code = destination.guard(
                lambda: destination.write(self._config, self._catalog, source.read_end, options)
            )
            run.left_locks = self._server.holds(session.run)
            # Threads that are left end with their process.
            process.kill()

        self._scheduler.start(main, "main", process)
        return run

    def _set_moments(self, run: Run) -> None:
        def dies() -> None:
            run.happens(KILLED)
            run.process.kill()

        def is_abandoned() -> None:
            run.happens(ABANDONED)
            run.abandoned = run.session.disturbed = True
            if run.plan.unlocked:
                self._server.end_session(run.session.run)
            self._scheduler.wake(self._scheduler.world)

        run.process.at(run.plan.dies_at, dies)
        run.process.at(run.plan.abandoned_at, is_abandoned)


@frozen
class _Out:
    """The stdout of a run, which its platform reads."""

    history: History
    run: Run

    def write(self, line: bytes) -> None:
        run = self.run
        run.session.process.scheduler.handover()
        run.lines += 1
        if run.plan.deaf_at is not None and run.lines > run.plan.deaf_at:
            run.happens(DEAF)
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if not run.abandoned:
            self.history.witness.hear(line)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


def _arrow(entry: Entry) -> str:
    return f"{entry['machine']} {entry['from']} --{entry['event']}--> {entry['to']}"


def _role(thread: str) -> str:
    """What a thread is for: its name without a number."""
    return thread.rstrip(" 0123456789")


def _thresholds(sizes: Sizes) -> Thresholds:
    usual = Thresholds(
        chunk_bytes=sizes.chunk_bytes,
        chunk_bytes_per_stream=sizes.chunk_bytes,
        parcel_rows=sizes.parcel_rows,
        flush_rows=sizes.flush_rows,
        state_latency=sizes.state_latency,
    )
    if sizes.held_bytes is None:
        return usual
    return evolve(
        usual,
        held_bytes=sizes.held_bytes,
        packed_at_start_bytes=sizes.held_bytes // 2,
        packed_bytes=sizes.held_bytes // 4,
        unwritten_bytes=sizes.held_bytes // 4,
        open_bytes=sizes.held_bytes // 2,
        state_bytes=sizes.held_bytes // 4,
    )
