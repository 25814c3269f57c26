"""Makes a plan that breaks a law shorter, as long as it breaks the same law. What it finds need not be the shortest.

What is left out moves everything after it, so each shorter plan is tried under a few seeds of the scheduler.
"""

from collections.abc import Callable, Iterator

from attrs import evolve, fields

from connectors.simulation.plan import Plan, RunPlan, SyncPlan

# Seeds that each shorter plan is tried under, and histories in all.
SEEDS = 3
MOST = 400


def law_of(trouble: str) -> str:
    """What is broken, without how."""
    return trouble.partition(":")[0]


def shortened(plan: Plan, breaks: Callable[[Plan], str]) -> Plan:
    """A shorter plan of which `breaks` says the same law as of this one."""
    law, tried = law_of(breaks(plan)), 0
    going = True
    while going:
        going = False
        for shorter in filter(_grows, _shorter(plan)):
            for seed in range(plan.seed, plan.seed + SEEDS):
                tried += 1
                candidate = evolve(shorter, seed=seed)
                if law_of(breaks(candidate)) == law:
                    plan, going = candidate, True
                    break
            if tried >= MOST:
                return plan
            if going:
                break
    return plan


def described(plan: Plan) -> Iterator[str]:
    """A plan for a person: its syncs, and what befalls their runs."""
    usual = Plan(seed=plan.seed, syncs=())
    settings = _said(plan, usual, ("seed", "syncs"))
    yield f"seed {plan.seed}{', ' if settings else ''}{settings}"
    for sync in plan.syncs:
        yield "sync of " + "; ".join(
            f"{each.stream} ({each.mode}, generation {each.generation}, minimum {each.minimum}, "
            f"log {each.lineage} up to {each.until})"
            for each in sync.asked
        )
        for run in sync.runs:
            yield f"  run: {_said(run, RunPlan(), ()) or 'undisturbed'}"
    yield "  run: undisturbed"


def _said(value: Plan | RunPlan, usual: Plan | RunPlan, but: tuple[str, ...]) -> str:
    names = [each.name for each in fields(type(value)) if each.name not in but]
    found = {name: getattr(value, name) for name in names if getattr(value, name) != getattr(usual, name)}
    return ", ".join(f"{name} {what}" for name, what in found.items())


def _shorter(plan: Plan) -> Iterator[Plan]:
    """Plans with less in them, those that leave out most first."""
    for at in range(len(plan.syncs)):
        if len(plan.syncs) > 1:
            yield evolve(plan, syncs=plan.syncs[:at] + plan.syncs[at + 1 :])
    streams = [each.stream for each in plan.syncs[0].asked]
    for stream in streams if len(streams) > 1 else ():
        yield evolve(
            plan,
            syncs=tuple(
                evolve(sync, asked=tuple(each for each in sync.asked if each.stream != stream))
                for sync in plan.syncs
            ),
        )
    for at, sync in enumerate(plan.syncs):
        for fewer in _shorter_sync(sync):
            yield evolve(plan, syncs=(*plan.syncs[:at], fewer, *plan.syncs[at + 1 :]))
    usual = Plan(seed=plan.seed, syncs=())
    for name in (
        "slips",
        "dirty",
        "misfits",
        "latency",
        "scope",
        "sizes",
        "pause",
        "streams_at_once",
        "flushes_at_once",
        "ends_others",
    ):
        if getattr(plan, name) != getattr(usual, name):
            yield evolve(plan, **{name: getattr(usual, name)})


def _grows(plan: Plan) -> bool:
    """Whether no log loses records from one sync to the next."""
    last: dict[tuple[str, int], int] = {}
    for each in (each for sync in plan.syncs for each in sync.asked):
        if each.until < last.get((each.stream, each.lineage), 0):
            return False
        last[each.stream, each.lineage] = each.until
    return True


def _shorter_sync(sync: SyncPlan) -> Iterator[SyncPlan]:
    for at, run in enumerate(sync.runs):
        before, after = sync.runs[:at], sync.runs[at + 1 :]
        yield evolve(sync, runs=before + after)
        for calmer in _calmer(run):
            yield evolve(sync, runs=(*before, calmer, *after))
    for at, each in enumerate(sync.asked):
        for until in dict.fromkeys((each.until // 2, each.until - 1)):
            if 0 <= until < each.until:
                fewer = evolve(each, until=until)
                yield evolve(sync, asked=(*sync.asked[:at], fewer, *sync.asked[at + 1 :]))


def _calmer(run: RunPlan) -> Iterator[RunPlan]:
    for at in range(len(run.faults)):
        yield evolve(run, faults=run.faults[:at] + run.faults[at + 1 :])
    usual = RunPlan()
    for each in fields(RunPlan):
        if each.name != "faults" and getattr(run, each.name) != getattr(usual, each.name):
            yield evolve(run, **{each.name: getattr(usual, each.name)})
