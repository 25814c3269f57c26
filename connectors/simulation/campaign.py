"""Many histories, one a seed: how many, how fast, what they met, and the first of them that broke a law."""

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from attrs import define, field

from connectors.contract import Definition
from connectors.simulation.history import History, Met
from connectors.simulation.plan import Plan, plan_of
from connectors.simulation.scheduler import Killed

# Histories between two collections of garbage. None happens in a history: what Python clears away there would take
# turns that are not in its plan.
COLLECTED = 25
# How often the progress is shown, in seconds.
PROGRESS = 10.0


@define
class Tally:
    """What a campaign has met so far."""

    histories: int = 0
    met: Met = field(factory=Met)
    broken: list[tuple[int, str]] = field(factory=list)

    def add(self, seed: int, history: History, trouble: str) -> None:
        """One more history."""
        self.histories += 1
        self.met.update(history.met)
        if trouble:
            self.broken.append((seed, trouble))


def campaign(
    definition: Definition,
    seeds: range,
    *,
    atomic: str,
    seconds: float | None,
    clock: Any,
    show: Callable[[str], None],
) -> list[tuple[int, str]]:
    """Simulate them all, or for that time; the seeds that broke a law, and how."""
    show(f"seeds from {seeds.start}, memory with atomic {atomic}")
    began = shown = clock.monotonic()
    tally = Tally()
    with simulating() as folder:
        for seed in seeds if seconds is None else count(seeds.start):
            history, trouble = happened(plan_of(seed, atomic), definition, folder)
            tally.add(seed, history, trouble)
            if trouble:
                show(f"seed {seed}: {trouble}")
            now = clock.monotonic()
            if seconds is not None and now - began >= seconds:
                break
            if now - shown >= PROGRESS:
                shown = now
                show(_figures(tally, now - began))
    show(_figures(tally, clock.monotonic() - began))
    for line in tally.met.lines():
        show(line)
    return tally.broken


def happened(plan: Plan, definition: Definition, folder: Path) -> tuple[History, str]:
    """Let a history happen: what it was, and which law it broke, if it did."""
    history = History(plan, definition, folder)
    return history, history.happen()


@contextmanager
def simulating() -> Iterator[Path]:
    """Around all histories: a folder for their files, and no garbage that is collected within one."""
    unraisable = sys.unraisablehook

    def unless_killed(what: "sys.UnraisableHookArgs") -> None:
        if what.exc_type is not Killed:
            unraisable(what)

    sys.unraisablehook = unless_killed
    gc.disable()
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    finally:
        gc.enable()
        sys.unraisablehook = unraisable


def _figures(tally: Tally, seconds: float) -> str:
    met = tally.met
    return (
        f"{tally.histories:,} histories, {met.runs:,} runs, {met.handovers:,} handovers, "
        f"{len(tally.broken)} violations, {seconds:.1f} s, {tally.histories / max(seconds, 1e-9) * 60:,.0f} a minute"
    )
