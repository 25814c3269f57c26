"""Makes the plan of a history from a seed: pure, and the same each time."""

from random import Random

from attrs import evolve

from connectors.simulation.plan import (
    CLASHING,
    Asked,
    End,
    Fault,
    Kind,
    Mode,
    Plan,
    RunPlan,
    Scope,
    Sizes,
    SyncPlan,
)

# Names that are one to a database with plain names.
TWINS = ("my-users", "my_users", "My users")
NAMES = ("users", "orders", "carts")
# The last sync of a history has to succeed.
SCHEMAS = CLASHING
# What a run's request meets: most of it passes, so that runs come far.
USUAL = (Kind.REFUSED, Kind.UNANSWERED, Kind.UNANSWERED, Kind.SLOW)
UNUSUAL = tuple(Kind)


def plan_of(seed: int, atomic: str = "everything") -> Plan:
    """The history that belongs to a seed."""
    random = Random(seed)
    misfits = _likely(random, 0.05)
    tight = _likely(random, 0.08)
    changing = not misfits and _likely(random, 0.25)
    names = random.choice((NAMES, NAMES, NAMES, TWINS))[: 1 if tight else random.choice((1, 1, 1, 2, 3))]
    asked = tuple(_begun(random, name, only_keys=misfits) for name in names)
    syncs = []
    for _ in range(random.choice((1, 1, 2, 2, 3))):
        asked = tuple(_next(random, each, changing=changing, tight=tight) for each in asked)
        runs = tuple(_run(random) for _ in range(random.choice((1, 1, 1, 2, 3))))
        syncs.append(SyncPlan(asked=asked, runs=runs))
    if changing and len(syncs) > 1 and _likely(random, 0.2):
        syncs[0] = evolve(syncs[0], asked=_clashing(syncs[0].asked))
    return Plan(
        seed=seed,
        syncs=tuple(syncs),
        restless=random.choice((0.02, 0.1, 0.3)),
        slips=random.choice((0.0, 0.0, 0.01)),
        keys=random.choice((2, 5, 20)),
        dirty=not misfits and _likely(random, 0.3),
        misfits=misfits,
        state_every=random.choice((2, 4, 8)),
        lines_at_once=random.choice((1, 3, 10)),
        pause=0.01 if tight else random.choice((0.01, 0.05, 1.5)),
        latency=1.0 if tight else random.choice((0.0, 0.0, 0.3)),
        streams_at_once=random.choice((1, 2, 3)),
        flushes_at_once=random.choice((1, 1, 2, 3)),
        scope=random.choice((Scope.STREAM, Scope.STREAM, Scope.GLOBAL, Scope.PARTITION)),
        sizes=Sizes(
            chunk_bytes=random.choice((300, 600, 2000)),
            parcel_rows=random.choice((1, 2, 4)),
            flush_rows=random.choice((2, 4, 8)),
            state_latency=random.choice((0.0, 3.0)),
            held_bytes=4000 if tight else None,
        ),
        atomic=atomic,
        ends_others=atomic == "everything" or not _likely(random, 0.3),
    )


def _begun(random: Random, stream: str, *, only_keys: bool) -> Asked:
    mode = (
        Mode.DEDUPE if only_keys else random.choice((Mode.APPEND, Mode.DEDUPE, Mode.DEDUPE, Mode.OVERWRITE))
    )
    return Asked(stream=stream, mode=mode, generation=random.choice((0, 1)), minimum=0, lineage=0, until=0)


def _next(random: Random, before: Asked, *, changing: bool, tight: bool) -> Asked:
    """The stream a while later: its source has more, or it is refreshed, or asked for in another way."""
    more = random.randrange(20, 100) if tight else random.randrange(12)
    if changing:
        before = evolve(before, schema=random.randrange(SCHEMAS))
        if _likely(random, 0.3):
            before = evolve(before, mode=random.choice(tuple(Mode)))
    if before.until and before.mode is not Mode.OVERWRITE and _likely(random, 0.7):
        return evolve(before, minimum=0, until=before.until + more)
    refreshed = before.mode is Mode.OVERWRITE or _likely(random, 0.3)
    generation = before.generation + 1
    minimum: int | None = generation if refreshed else 0
    if before.mode is Mode.OVERWRITE and _likely(random, 0.25):
        generation, minimum = before.generation, None
    if before.until and before.minimum and _likely(random, 0.3):
        # The refresh is cancelled: the same generation, which replaces nothing any more.
        return evolve(before, minimum=0, until=before.until + more)
    return evolve(before, generation=generation, minimum=minimum, lineage=before.lineage + 1, until=more)


def _clashing(asked: tuple[Asked, ...]) -> tuple[Asked, ...]:
    return evolve(asked[0], schema=CLASHING), *asked[1:]


def _run(random: Random) -> RunPlan:
    kinds = random.choice((USUAL, USUAL, UNUSUAL))
    faults = [Fault(random.randrange(70), random.choice(kinds)) for _ in range(random.choice((0, 0, 1, 2)))]
    how = random.random()
    run = RunPlan(faults=tuple(faults), ahead=random.choice((0.0, 0.0, -3600.0, 3600.0)))
    if how < KILLED:
        return evolve(
            run,
            dies_at=_moment(random),
            commits_late=_likely(random, 0.5),
            lingers=random.choice((0.0, 0.0, 3.0)),
        )
    if how < ABANDONED:
        return evolve(run, abandoned_at=_moment(random), unlocked=_likely(random, 0.7))
    if how < ENDED:
        return evolve(run, speaks=random.randrange(25), end=random.choice(tuple(End)))
    if how < STOPPED:
        return evolve(run, stopped_after=random.random() * 2)
    if how < DEAF:
        return evolve(run, deaf_at=random.randrange(12))
    return run


# Shares of all runs, added up.
KILLED, ABANDONED, ENDED, STOPPED, DEAF = 0.45, 0.6, 0.75, 0.8, 0.85


def _moment(random: Random) -> int:
    return int(random.expovariate(1 / 200))


def _likely(random: Random, chance: float) -> bool:
    return random.random() < chance
