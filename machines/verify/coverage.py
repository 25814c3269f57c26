"""What a search met, and what it did not: arrows of the machine that some history took, and the ways in which runs were
disturbed. Judges nothing.
"""

from collections.abc import Collection, Iterator
from enum import StrEnum

from machines.formatting import count


class Fault(StrEnum):
    """How a run can be disturbed, in the words of a history."""

    KILLED_BEFORE = "killed before it"
    ERROR = "an error"
    KILLED_AFTER = "killed after it"
    ANSWER_LOST = "done, but its answer is lost for good"
    TRIED_AGAIN = "done, its answer lost, tried again"
    KILLED_AT_WORK = "killed, its statement still at work"
    GIVEN_UP_AT_WORK = "given up, its statement still at work"
    TRIED_AT_WORK = "no answer, to be tried again, its statement still at work"
    INPUT_ENDS = "the input ends without COMPLETE"
    KILLED_AT_THE_END = "killed before it ends with success"
    SILENT = "falls silent, and another starts"
    LEFT_AT_WORK = "a statement of the other is still at work"
    COMES_LATE = "what was still at work takes effect"
    OLDER_RUN = "a transaction of an older run comes late"


def arrow(source: str, event: str, target: str) -> str:
    """A transition of the machine, as it is named here."""
    return f"{source} --{event}--> {target}"


def coverage(met: Collection[str], arrows: Collection[str]) -> Iterator[str]:
    """Lines for a person: how many of each kind some history met."""
    for name, of_it in _all(arrows):
        yield f"{name}: {count(len(of_it.intersection(met)))} of {count(len(of_it))} met"


def missed(met: Collection[str], arrows: Collection[str]) -> Iterator[str]:
    """Lines for a person: what no history met. It says something only of a search that was whole."""
    for name, of_it in _all(arrows):
        yield from (f"never met, of the {name}: {each}" for each in sorted(of_it.difference(met)))


def _all(arrows: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    yield "arrows", set(arrows)
    yield "kinds of disturbance", set(map(str, Fault))
