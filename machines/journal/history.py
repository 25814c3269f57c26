"""What a journal amounts to: its runs, each with the lives in it, and the time a life spent in each state. Pure.

Reads what is there. A run that was killed, or goes on, has lives that end in a state that is not final.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property

from attrs import define, evolve, field, fields_dict, frozen

from machines.journal.account import Account, account_from_json, changes_in
from machines.journal.entries import Entry
from machines.journal.replay import lives
from machines.journal.standing import course_of, standing, way
from machines.lifecycle import ENDS

Arrow = tuple[str, str, str]


class Outcome(StrEnum):
    """How a life stands: `unfinished` was killed or goes on, which a journal cannot distinguish."""

    DONE = "done"
    FAILED = "failed"
    LEFT_OPEN = "left open"
    GIVEN_UP = "given up"
    UNFINISHED = "unfinished"


@frozen(kw_only=True)
class Stay:
    """A stretch of time in one state, in seconds since 1970. `operation` is what the state asked for."""

    state: str
    began: float
    ended: float
    operation: str | None = None

    @property
    def seconds(self) -> float:
        """How long it was."""
        return max(self.ended - self.began, 0.0)


@frozen(kw_only=True)
class Failure:
    """The failures of the life: the state of each, and its moment in seconds since 1970."""

    error: str
    state: str
    at: float


@frozen(kw_only=True)
class Counts:
    """Sums over flushes, and of `read` and `bytes` all that was taken in. `checkpoint` counts the records that are
    covered by a STATE which may be emitted.
    """

    flushes: int = 0
    read: int = 0
    written: int = 0
    rejected: int = 0
    nulled: int = 0
    bytes: int = 0
    checkpoint: int = 0
    # Attempts beyond the first, of operations and flushes.
    retries: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        names = fields_dict(Counts)
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})


@define(slots=False, frozen=True)
class Life:
    """One machine's life in one run. `stream` is None for the destination's."""

    stream: str | None
    entries: tuple[Entry, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.stream if self.stream is not None else "destination"

    @property
    def machine(self) -> str:
        """`stream` or `destination`."""
        return str(self.entries[0]["machine"])

    @property
    def state(self) -> str:
        """Its state, as far as the entries say."""
        return str(self.entries[-1]["to"])

    @property
    def outcome(self) -> Outcome:
        """How it stands."""
        return Outcome(self.state.replace("_", " ")) if self.state in ENDS else Outcome.UNFINISHED

    @property
    def began(self) -> float:
        """When it left `idle`."""
        return entered(self.entries[0])

    @property
    def ended(self) -> float:
        """When its last transition ended."""
        return float(self.entries[-1].get("at", 0.0))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Failures, in order: each reason and each operation's error, once."""
        found: dict[str, Failure] = {}
        for failure in (each for entry in self.entries for each in _failures(entry)):
            found.setdefault(failure.error, failure)
        return tuple(found.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there was to say."""
        return tuple(entry["note"] for entry in self.entries if "note" in entry)

    @property
    def strategy(self) -> str | None:
        """How the stream reaches its table, and why if that is not what the catalog says; None for the destination."""
        match self.entries[0].get("life"):
            case {"recipe": {"strategy": str(strategy)}}:
                return way(strategy, self.generation or 0, self._facts, self._publishing)
        return None

    @property
    def generation(self) -> int | None:
        """The catalog's, or the ledger's own; None for the destination."""
        found: int | None = self._facts.get("generation", self.entries[0].get("generation"))
        return found

    @property
    def _publishing(self) -> str | None:
        return next((entry["publishing"] for entry in self.entries if "publishing" in entry), None)

    @property
    def _facts(self) -> Entry:
        return next((entry["facts"] for entry in self.entries if "facts" in entry), {})

    @cached_property
    def counts(self) -> Counts:
        """Its flushes, summed."""
        covered = max((entry.get("checkpoint", 0) for entry in self.entries), default=0)
        flushed = sum(map(_counts, self.entries), Counts())
        account = self.account or Account()
        return evolve(
            flushed,
            checkpoint=covered,
            read=max(flushed.read, account.read),
            bytes=max(flushed.bytes, account.bytes),
        )

    @property
    def account(self) -> Account | None:
        """What became of its input, where it came to its end."""
        return account_from_json(self.entries[-1].get("account"))

    @property
    def changes(self) -> Sequence[str]:
        """What was changed of its values and columns, in words; nothing where it did not come to its end."""
        return changes_in(self.account) if self.account is not None else ()

    @property
    def standing(self) -> str:
        """What is in its table now, and what waits; empty where it is no stream's life, or not known."""
        return standing(course_of(self.entries)) if self.stream is not None else ""

    @cached_property
    def stays(self) -> tuple[Stay, ...]:
        """The states of the life, each with the moments of entering and leaving. The last ends with the last entry."""
        stays: list[Stay] = []
        for entry in self.entries:
            if entry["from"] == entry["to"]:
                continue
            if stays:
                stays[-1] = _until(stays[-1], entered(entry))
            ended = float(entry.get("at", 0.0))
            stays.append(
                Stay(state=entry["to"], began=entered(entry), ended=ended, operation=entry.get("operation"))
            )
        if stays and self.outcome is Outcome.UNFINISHED:
            stays[-1] = _until(stays[-1], self.ended)
        return tuple(stays)

    @cached_property
    def walked(self) -> Mapping[Arrow, int]:
        """How often each arrow was walked."""
        return Counter((e["from"], e["event"], e["to"]) for e in self.entries)

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """The time spent in each state that it was in."""
        total: dict[str, float] = {}
        for stay in self.stays:
            total[stay.state] = total.get(stay.state, 0.0) + stay.seconds
        return total


@define(slots=False, frozen=True)
class Run:
    """One process, and the lives it drove: the destination's and each stream's."""

    name: str
    lives: tuple[Life, ...] = field(repr=False)

    @property
    def destination(self) -> Life | None:
        """The life around the streams'; None while it has no entry."""
        return next((life for life in self.lives if life.stream is None), None)

    @property
    def streams(self) -> tuple[Life, ...]:
        """The streams' lives, in the order of their starts."""
        return tuple(life for life in self.lives if life.stream is not None)

    @property
    def began(self) -> float:
        """Seconds since 1970."""
        return min(life.began for life in self.lives)

    @property
    def ended(self) -> float:
        """The end of its last entry."""
        return max(life.ended for life in self.lives)

    @property
    def outcome(self) -> Outcome:
        """The destination's; a run of which it says nothing is not at its end."""
        return self.destination.outcome if self.destination else Outcome.UNFINISHED

    @cached_property
    def counts(self) -> Counts:
        """The streams' counts, summed."""
        return sum((life.counts for life in self.streams), Counts())


def runs(entries: Sequence[Entry]) -> list[Run]:
    """The runs of a journal, in the order in which they began."""
    found: dict[str, list[Life]] = {}
    for life in lives(entries):
        found.setdefault(life[0]["run"], []).append(Life(life[0].get("stream"), tuple(life)))
    return [Run(name, tuple(of)) for name, of in found.items()]


def together(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, those of flushes that follow each other in one list."""
    group: list[Entry] = []
    for entry in entries:
        if group and not (entry["event"] == group[-1]["event"] == "flushed"):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def entered(entry: Entry) -> float:
    """When a transition entered its state: its moment is that of the end of what the state asked for."""
    took = entry.get("milliseconds", 0.0) if "operation" in entry else 0.0
    return float(entry.get("at", 0.0)) - took / 1000


def walked(of: Iterable[Life]) -> Mapping[Arrow, int]:
    """How often each arrow was walked by any of these lives."""
    return sum((Counter(life.walked) for life in of), Counter())


def seconds(of: Iterable[Life]) -> Mapping[str, float]:
    """The time that these lives spent in each state, together."""
    total: Counter[str] = Counter()
    for life in of:
        total.update(life.seconds)
    return total


def _until(stay: Stay, moment: float) -> Stay:
    return Stay(state=stay.state, began=stay.began, ended=max(moment, stay.began), operation=stay.operation)


def _failures(entry: Entry) -> Iterator[Failure]:
    """A reason is of the state that was left for it, an error of the one whose operation met it."""
    if "reason" in entry:
        yield Failure(error=entry["reason"], state=entry["from"], at=entered(entry))
    if "error" in entry:
        yield Failure(error=entry["error"], state=entry["to"], at=float(entry.get("at", 0.0)))


def _counts(entry: Entry) -> Counts:
    flushed = entry["event"] == "flushed"
    return Counts(
        flushes=int(flushed),
        read=entry.get("read", 0),
        written=entry.get("written", 0),
        rejected=entry.get("rejected", 0),
        nulled=entry.get("nulled", 0),
        bytes=entry.get("bytes", 0) if flushed else 0,
        retries=entry.get("attempt", 1) - 1,
    )
