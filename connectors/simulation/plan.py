"""A history before it happens, as plain values: what is synced, how each run of it is disturbed. Nothing is decided
while it runs but whose turn it is, and that follows from the plan's seed.
"""

from random import Random

from attrs import evolve, field, frozen

APPEND, DEDUPE, OVERWRITE = "append", "append_dedup", "overwrite"
STREAM, GLOBAL = "STREAM", "GLOBAL"
# What may befall a run of a sync at one of its requests to the destination.
KINDS = ("refused", "unanswered")


@frozen
class Fault:
    """What befalls the run's request of this number, or the first after it that it can befall."""

    at: int
    kind: str


@frozen(kw_only=True)
class Asked:
    """A stream of a sync. Its source's log is `lineage`, and has `until` records by then."""

    stream: str
    mode: str
    generation: int
    minimum: int
    lineage: int
    until: int

    @property
    def truncates(self) -> bool:
        """Whether it replaces the table."""
        return self.minimum > 0

    @property
    def dedupes(self) -> bool:
        """Whether the table is to have one row of each key."""
        return self.mode == DEDUPE


@frozen(kw_only=True)
class RunPlan:
    """One run of a sync. It is killed at its handover `dies_at`; `speaks` is how many messages its source sends."""

    faults: tuple[Fault, ...] = ()
    dies_at: int | None = None
    speaks: int | None = None

    @property
    def undisturbed(self) -> bool:
        """Whether nothing befalls it."""
        return self == RunPlan()


@frozen(kw_only=True)
class SyncPlan:
    """A sync, and how often it is tried before the platform gives up. The last sync of a plan is tried once more."""

    asked: tuple[Asked, ...]
    runs: tuple[RunPlan, ...] = ()


@frozen(kw_only=True)
class Plan:
    """A whole history. `restless` and `slips` are the scheduler's; thresholds are the pipeline's."""

    seed: int
    syncs: tuple[SyncPlan, ...]
    restless: float = 0.2
    slips: float = 0.0
    keys: int = 5
    state_every: int = 4
    lines_at_once: int = 3
    flush_rows: int = 4
    parcel_rows: int = 2
    chunk_bytes: int = 600
    state_latency: float = 0.0
    scope: str = STREAM
    atomic: str = field(default="everything")


def plan_of(seed: int, atomic: str = "everything") -> Plan:
    """The history that belongs to a seed."""
    random = Random(seed)
    streams = ("users", "orders")[: random.choice((1, 1, 2))]
    asked = tuple(_begun(random, stream) for stream in streams)
    syncs = []
    for _ in range(random.choice((1, 2, 2, 3))):
        asked = tuple(_next(random, each) for each in asked)
        syncs.append(SyncPlan(asked=asked, runs=tuple(_run(random) for _ in range(random.choice((1, 1, 2))))))
    return Plan(
        seed=seed,
        syncs=tuple(syncs),
        restless=random.choice((0.02, 0.1, 0.3)),
        slips=random.choice((0.0, 0.0, 0.01)),
        keys=random.choice((2, 5, 20)),
        state_every=random.choice((2, 4, 7)),
        lines_at_once=random.choice((1, 3, 10)),
        flush_rows=random.choice((2, 4, 8)),
        parcel_rows=random.choice((1, 2, 4)),
        state_latency=random.choice((0.0, 3.0)),
        scope=random.choice((STREAM, STREAM, GLOBAL)),
        atomic=atomic,
    )


def _begun(random: Random, stream: str) -> Asked:
    return Asked(
        stream=stream,
        mode=random.choice((APPEND, DEDUPE, DEDUPE, OVERWRITE)),
        generation=random.choice((0, 1)),
        minimum=0,
        lineage=0,
        until=0,
    )


def _next(random: Random, before: Asked) -> Asked:
    """The stream a while later: its source has more, or it is refreshed."""
    more = random.randrange(12)
    if before.until and before.mode != OVERWRITE and _likely(random, 0.7):
        return evolve(before, minimum=0, until=before.until + more)
    refreshed = before.mode == OVERWRITE or _likely(random, 0.3)
    generation = before.generation + 1
    return evolve(
        before,
        generation=generation,
        minimum=generation if refreshed else 0,
        lineage=before.lineage + 1,
        until=more,
    )


def _run(random: Random) -> RunPlan:
    faults = [Fault(random.randrange(60), random.choice(KINDS)) for _ in range(random.choice((0, 0, 1, 2)))]
    return RunPlan(
        faults=tuple(faults),
        dies_at=int(random.expovariate(1 / 150)) if _likely(random, 0.5) else None,
        speaks=random.randrange(20) if _likely(random, 0.2) else None,
    )


def _likely(random: Random, chance: float) -> bool:
    return random.random() < chance
