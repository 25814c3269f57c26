"""Pure work shared out to processes of its own, for what computes and touches nothing. A sync never starts any."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def in_processes(jobs: int, of: Callable[[Given], Found], given: Sequence[Given]) -> Iterator[Found]:
    """What the function returns of each, in their order. As many processes as `jobs` work on it; for one, our own."""
    if jobs == 1:
        yield from map(of, given)
        return
    # A process that is forked would have our threads' locks and not our threads.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(of, given)
