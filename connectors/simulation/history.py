"""Makes a history happen: a platform that starts runs of syncs, hears their STATEs, and tries again or gives up."""

import json
from pathlib import Path
from typing import Any, cast

import msgspec
from attrs import evolve

from connectors.contract import Definition
from connectors.engine.process.write_options import WriteOptions
from connectors.simulation.coverage import HUNG, OUTLIVED, Met
from connectors.simulation.log import catalog, messages
from connectors.simulation.model import BrokenLawError
from connectors.simulation.plan import Asked, Plan, RunPlan, Sizes, SyncPlan
from connectors.simulation.run import Files, Run, start
from connectors.simulation.scheduler import Process, Scheduler, StuckError
from connectors.simulation.session import Server, Session
from connectors.simulation.source import Nothing, Source, cut_short
from connectors.simulation.threads import runtime_of
from connectors.simulation.witness import Witness
from dataflow.pipeline.aggregate import Thresholds
from machines.journal.entries import Entry
from machines.journal.replay import lives, replay

# How long a platform waits for a run, in seconds.
PATIENCE = 3600.0
# How many histories there are for one whose journal is replayed, which takes as long as its runs.
REPLAYED = 20
JOURNAL = "journal.jsonl"


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
        self._journal = folder / JOURNAL
        self._journal.unlink(missing_ok=True)
        self._options = WriteOptions(
            thresholds=_thresholds(plan.sizes), flushes_at_once=plan.flushes_at_once, journal=self._journal
        )
        self._configuration = {"database": f"simulated {plan.seed}", "atomic": plan.atomic}
        self._files = Files(folder / "config.json", folder / "catalog.json")
        self._files.config.write_text(json.dumps(self._configuration))
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
        met.journal(self._entries)
        met.turns(self._scheduler.switches)
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
        succeeded = self._try(sync, sync.runs)
        if succeeded and self.plan.ends_others and self._last_run_is_last():
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

    def _last_run_is_last(self) -> bool:
        """Whether no run that was taken for dead has claimed a stream after the run that was started last."""
        return self.witness.is_last(self.runs[-1].session.run, self._server.content)

    def _try(self, sync: SyncPlan, runs: "tuple[RunPlan, ...] | list[RunPlan]") -> bool:
        """Try a sync until it succeeds or is given up; whether it succeeded."""
        self._end_earlier(sync.asked)
        self._files.catalog.write_bytes(catalog(sync.asked))
        for planned in runs:
            run = self._start(planned, sync.asked)
            self._wait_for(run)
            if self.witness.broken is not None:
                raise self.witness.broken
            if run.code == 0 and not run.abandoned:
                self.witness.succeeded(run.session.run, sync.asked, self._server.content)
                if run.left_locks:
                    raise BrokenLawError("law 4: a lock is left")
                return True
            undisturbed = run.alone and run.plan.undisturbed
            if undisturbed and HUNG in run.befell:
                raise BrokenLawError("no end: a run that nothing disturbed did not come to its end")
            if undisturbed and not (self.plan.may_fail_once or sync.may_be_refused):
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
        self.runs.append(run)
        hear = self.witness.hear
        start(run, self._definition, self._files, self._options, hear, plan.streams_at_once)
        return run


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
