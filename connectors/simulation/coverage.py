"""What histories met of what there is: arrows of the machines, faults, and turns that went from thread to thread."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product

from attrs import define, field

from connectors.simulation.plan import End, Kind
from machines.diagram.declared import MACHINES, walkable
from machines.journal.entries import Entry

# What befalls a process itself.
KILLED, HUNG, OUTLIVED = "killed", "killed as it hung", "locks that outlive their run"
ABANDONED, STOPPED, DEAF = "taken for dead", "asked to stop", "nobody reads"
LATE = "a request takes effect after the kill"
BEFALL = (HUNG, KILLED, OUTLIVED, ABANDONED, STOPPED, DEAF, LATE)
# What threads are for: those of a run, those of the server, and the world around all of them.
WORLD = "world"
ROLES = ("main", "reader", "writer", "starter", "journal", "watching", "requests", "server", WORLD)
# What a class of databases leaves out: completing a publication, and writing straight into the final table.
EVERYTHING, COMPLETING = "everything", "completing"
STATEMENT, STRAIGHT = "statement", ("opening_final", "stream writing --completed--> done")
# What is performed there sends no request of its own, so nothing befalls it.
CALM = (
    "destination finishing_streams --errored--> aborting",
    "destination aborting --errored--> tearing_down",
    "destination tearing_down --errored--> failed",
)
# Fewer histories do not meet all there is.
ENOUGH = 2000


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

    def journal(self, entries: Iterable[Entry]) -> None:
        """Add the arrows that were taken."""
        self.arrows.update(
            _arrow(each["machine"], each["from"], each["event"], each["to"]) for each in entries
        )

    def turns(self, switches: Mapping[tuple[str, str], int]) -> None:
        """Add how often the turn went from one thread to another, given by their names."""
        for (one, other), times in switches.items():
            self.switches[f"{_role(one)} to {_role(other)}"] += times


def coverage(met: Met, histories: int, atomic: str) -> Iterator[str]:
    """Lines for a person: what was met, and what never was."""
    arrows, switches = set(_arrows()), {f"{one} to {other}" for one, other in product(ROLES, ROLES)}
    # The world waits alone.
    switches.discard(f"{WORLD} to {WORLD}")
    faults = {*Kind, *(f"input that ends: {end}" for end in End), *BEFALL}
    missed = []
    for what, times, all_of_them in (
        ("arrows", met.arrows, arrows),
        ("faults", met.faults, faults),
        ("handovers", met.switches, switches),
    ):
        kinds = _kinds(times, all_of_them)
        yield from _covered(what, kinds, all_of_them, atomic)
        missed += [f"{what[:-1]} {name}" for name in sorted(all_of_them - {*kinds}) if not _why(name, atomic)]
    if missed and histories >= ENOUGH:
        yield f"NOT MET in {histories:,} histories: {'; '.join(missed)}"


def _arrows() -> Iterator[str]:
    for name, machine in MACHINES.items():
        for source, event, target in walkable(machine):
            yield _arrow(name, source, event, target)


def _covered(what: str, kinds: Mapping[str, int], all_of_them: Collection[str], atomic: str) -> Iterator[str]:
    yield f"{what}: {len(kinds)} kinds met of {len(all_of_them)}"
    for name, times in sorted(kinds.items(), key=lambda each: (each[1], each[0])):
        yield f"{times:12,}  {name}"
    for name in sorted({*all_of_them} - {*kinds}):
        yield f"       never  {name}{_why(name, atomic)}"


def _kinds(times: Mapping[str, int], all_of_them: Collection[str]) -> Counter[str]:
    """Faults are met with the request that they befell."""
    kinds = Counter[str]()
    for name, often in times.items():
        exact = name if name in all_of_them else None
        kinds[exact or next((each for each in all_of_them if name.startswith(f"{each}: ")), name)] += often
    return kinds


def _why(name: str, atomic: str) -> str:
    """Why it cannot be met, if it cannot."""
    if name in CALM:
        return " (what is performed there sends no request of its own)"
    if COMPLETING in name and atomic == EVERYTHING:
        return " (no publication is left half done in this class)"
    if atomic == STATEMENT and any(each in name for each in STRAIGHT):
        return " (all rows go to a temp table first in this class)"
    return ""


def _arrow(machine: str, source: str, event: str, target: str) -> str:
    return f"{machine} {source} --{event}--> {target}"


def _role(thread: str) -> str:
    """What a thread is for: its name without a number."""
    return thread.rstrip(" 0123456789")
