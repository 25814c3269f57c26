"""Many histories, one a seed: how many, how fast, what they met, and the first of them that broke a law."""

import gc
import io
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, redirect_stderr
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path

from attrs import define, field, frozen

from connectors.contract import Definition
from connectors.simulation.coverage import Met, coverage
from connectors.simulation.history import JOURNAL, History
from connectors.simulation.plan import Plan, plan_from_json, plan_to_json
from connectors.simulation.planning import plan_of
from connectors.simulation.scheduler import Killed
from connectors.simulation.shrinking import described, shortened
from dataflow.runtime.clock import Clock

# Histories that one process makes in one go. Garbage is collected between them: what Python clears away within a
# history would take turns that are not in its plan.
TOGETHER = 25
# How often the progress is shown, in seconds.
PROGRESS = 10.0


@define
class Tally:
    """What a campaign has met so far. `broken` are the seeds that broke a law, and how."""

    histories: int = 0
    met: Met = field(factory=Met)
    broken: list[tuple[int, str]] = field(factory=list)

    def add(self, other: "Tally") -> None:
        """More histories."""
        self.histories += other.histories
        self.met.update(other.met)
        self.broken += other.broken


@frozen(kw_only=True)
class Campaign:
    """Histories of the seeds from `first`: as many as `seeds`, or for `seconds` if that is given."""

    definition: Definition
    first: int
    seeds: int
    atomic: str
    seconds: float | None = None

    def plan_of(self, seed: int) -> Plan:
        """The plan of one of its histories."""
        return plan_of(seed, self.atomic)

    def tallies(self, jobs: int, clock: Clock) -> Iterator[Tally]:
        """What some of the seeds met, after some; as long as somebody asks for more. `jobs` processes work on them."""
        began = clock.monotonic()
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            parts, waiting = self._parts(), set[Future[Tally]]()
            while True:
                in_time = self.seconds is None or clock.monotonic() - began < self.seconds
                waiting |= {
                    pool.submit(simulate, self.definition, self.atomic, part)
                    for part in islice(parts, 2 * jobs - len(waiting) if in_time else 0)
                }
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)

    def _parts(self) -> Iterator[range]:
        last = None if self.seconds is not None else self.first + self.seeds
        for begin in count(self.first, TOGETHER) if last is None else range(self.first, last, TOGETHER):
            yield range(begin, begin + TOGETHER if last is None else min(begin + TOGETHER, last))


def report(campaign: Campaign, jobs: int, clock: Clock) -> Iterator[tuple[str, Tally]]:
    """Lines for a person, each with all that was met up to it."""
    began = shown = clock.monotonic()
    all_of_it = Tally()
    yield f"seeds from {campaign.first}, on memory, which makes {campaign.atomic} durable together", all_of_it
    for tally in campaign.tallies(jobs, clock):
        all_of_it.add(tally)
        for seed, trouble in tally.broken:
            yield f"seed {seed}: {trouble}", all_of_it
        if (now := clock.monotonic()) - shown >= PROGRESS:
            shown = now
            yield _figures(all_of_it, now - began), all_of_it
    yield _figures(all_of_it, clock.monotonic() - began), all_of_it
    for line in coverage(all_of_it.met, all_of_it.histories, campaign.atomic):
        yield line, all_of_it


def simulate(definition: Definition, atomic: str, seeds: range) -> Tally:
    """One history for each of these seeds."""
    tally = Tally()
    with simulating() as folder:
        for seed in seeds:
            history, trouble = happened(plan_of(seed, atomic), definition, folder)
            tally.histories += 1
            tally.met.update(history.met)
            if trouble:
                tally.broken.append((seed, trouble))
        # Here, where what was there before is not looked through.
        gc.collect()
    return tally


def happened(plan: Plan, definition: Definition, folder: Path) -> tuple[History, str]:
    """Let a history happen: what it was, and which law it broke, if it did."""
    history = History(plan, definition, folder)
    return history, history.happen()


def again(text: str, definition: Definition) -> str:
    """Which law a plan that was kept breaks, if it still does."""
    with simulating() as folder:
        return happened(plan_from_json(text), definition, folder)[1]


def keep(plan: Plan, definition: Definition, out: Path) -> Iterator[str]:
    """Shorten a plan that breaks a law, and keep it and its journal in a folder. Lines for a person."""
    out.mkdir(parents=True, exist_ok=True)
    with simulating() as folder:
        plan = shortened(plan, lambda each: happened(each, definition, folder)[1])
        kept, journal = out / f"{plan.seed}.json", out / f"{plan.seed}.jsonl"
        kept.write_text(plan_to_json(plan) + "\n")
        _, trouble = happened(plan, definition, folder)
        journal.write_bytes((folder / JOURNAL).read_bytes())
    yield "The shortest history that was found:"
    yield from described(plan)
    yield trouble
    yield f"Its journal, for dataflow replay: {journal}"
    yield f"To simulate it again: dataflow simulate --plan {kept}"


@contextmanager
def simulating() -> Iterator[Path]:
    """Around all histories: a folder for their files, and no garbage that is collected within one."""
    unraisable = sys.unraisablehook

    def unless_killed(what: "sys.UnraisableHookArgs") -> None:
        if what.exc_type is not Killed:
            unraisable(what)

    sys.unraisablehook = unless_killed
    gc.disable()
    # What is there already stays: to look through it again and again would take a tenth of the time.
    gc.freeze()
    try:
        # What simulated processes complain of is no complaint of this one.
        with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
            yield Path(folder)
    finally:
        gc.unfreeze()
        gc.enable()
        sys.unraisablehook = unraisable


def _figures(tally: Tally, seconds: float) -> str:
    met = tally.met
    return (
        f"{tally.histories:,} histories, {met.runs:,} runs, {met.handovers:,} handovers, "
        f"{len(tally.broken)} violations, {seconds:.1f} s, {tally.histories / max(seconds, 1e-9) * 60:,.0f} a minute"
    )
