"""What a search met: arrows of the machine that some history took, and the ways in which runs were disturbed. Judges
nothing; what was never met is named, too.
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
    """Lines for a person: how many of each kind some history met, and those that none did."""
    for name, all_of_them in (("arrows", set(arrows)), ("kinds of disturbance", set(map(str, Fault)))):
        missed = sorted(all_of_them.difference(met))
        yield f"{name}: {count(len(all_of_them) - len(missed))} of {count(len(all_of_them))} met"
        yield from (f"  never met: {each}" for each in missed)
