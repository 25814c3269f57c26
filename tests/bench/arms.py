"""What is compared: arms that take turns on one machine, and the ratios of their medians. Runs none by itself."""

import os
from collections.abc import Callable, Mapping
from statistics import median

from attrs import frozen

from tests.bench.process import Cost


@frozen
class Arm:
    """One side of a comparison."""

    name: str
    run: Callable[[], Cost]


def in_turn(arms: list[Arm], runs: int) -> Mapping[str, list[Cost]]:
    """Every arm `runs` times, one after the other, after a first round that does not count."""
    costs: dict[str, list[Cost]] = {arm.name: [] for arm in arms}
    busiest = dict.fromkeys(costs, 0.0)
    for number in range(runs + 1):
        for arm in arms:
            cost = arm.run()
            if number:
                costs[arm.name].append(cost)
                busiest[arm.name] = max(busiest[arm.name], os.getloadavg()[0])
    for name, found in costs.items():
        seconds = ", ".join(f"{cost.seconds:.2f}" for cost in found)
        memory = max(cost.memory for cost in found)
        cpu = median(cost.cpu for cost in found)
        shown = (
            f"{seconds} s" + (f"; CPU {cpu:.2f} s" if cpu else "") + (f"; {memory:.0f} MiB" if memory else "")
        )
        print(f"    {name:28} {shown}; load average {busiest[name]:.1f}", flush=True)
    return costs


def seconds(costs: list[Cost]) -> float:
    """The median time."""
    return median(cost.seconds for cost in costs)


def speed(costs: Mapping[str, list[Cost]], limit: str) -> str:
    """Ours relative to a limit."""
    return f"{seconds(costs[limit]) / seconds(costs['ours']):.2f} of the speed of {limit}"


def times(costs: Mapping[str, list[Cost]], easy: str, hard: str) -> str:
    """The harder load relative to the easier one."""
    return f"{seconds(costs[hard]) / seconds(costs[easy]):.2f} x the time of {easy}"
