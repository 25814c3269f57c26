"""A history before it happens, as plain values: what is synced, and how each run of it is disturbed.

All that is decided while it runs is whose turn it is, and that follows from the plan's seed.
"""

import json
from enum import StrEnum
from typing import Any

import cattrs
from attrs import field, frozen

# Schemas of a stream: in one its key is a text, and in one its fields get no columns, unless they have them already.
TEXT_KEYS, CLASHING = 6, 7


class Mode(StrEnum):
    """How a stream reaches its table: the destination sync modes of the protocol."""

    APPEND = "append"
    DEDUPE = "append_dedup"
    OVERWRITE = "overwrite"


class Scope(StrEnum):
    """What a STATE covers, and by which means it says so."""

    STREAM = "STREAM"
    GLOBAL = "GLOBAL"
    PARTITION = "PARTITION"


class Kind(StrEnum):
    """What may befall a run at one of its requests to the destination."""

    REFUSED = "refused in passing"
    DENIED = "denied"
    DOWN = "down for a while"
    FULL = "full for a while"
    UNANSWERED = "committed, and the answer lost"
    SLOW = "slow"
    HANGING = "hanging"
    CUT = "cut, and the lock lost"
    UNLOCKED = "the lock lost"


class End(StrEnum):
    """How the input of a run ends before its source is done."""

    SILENT = "silent"
    INCOMPLETE = "INCOMPLETE"
    CUT = "cut within a line"
    JUNK = "no message"


@frozen
class Fault:
    """What befalls the run's request of this number, or the first after it that it can befall."""

    at: int
    kind: Kind


@frozen(kw_only=True)
class Asked:
    """A stream of a sync. Its source's log is `lineage`, and has `until` records by then.

    `minimum` is None for a client that counts no generations.
    """

    stream: str
    mode: Mode
    generation: int
    minimum: int | None
    lineage: int
    until: int
    schema: int = 0

    @property
    def truncates(self) -> bool:
        """Whether it replaces the table."""
        return self.minimum is None or self.minimum > 0

    @property
    def dedupes(self) -> bool:
        """Whether the table is to have one row of each key."""
        return self.mode is Mode.DEDUPE

    @property
    def starts_over(self) -> bool:
        """Whether each run of it reads the source from its beginning."""
        return self.minimum is None


@frozen(kw_only=True)
class RunPlan:
    """One run of a sync, and what disturbs it. Moments are numbers of the run's own handovers.

    `dies_at`: it is killed, and if it `commits_late`, its COMMIT is on its way and takes effect. `lingers`: its locks
    are released this many seconds later. `abandoned_at`: the platform presumes it dead and starts the next, while it
    goes on; `unlocked` says that it has lost its locks by then. `speaks` is how many messages its source sends before
    its input ends by `end`. `stopped_after` seconds it is asked to stop. From the line `deaf_at` on, nobody reads what
    it says. Its clock is `ahead` by this many seconds, or behind.
    """

    faults: tuple[Fault, ...] = ()
    dies_at: int | None = None
    commits_late: bool = False
    lingers: float = 0.0
    abandoned_at: int | None = None
    unlocked: bool = False
    speaks: int | None = None
    end: End = End.SILENT
    stopped_after: float | None = None
    deaf_at: int | None = None
    ahead: float = 0.0

    @property
    def undisturbed(self) -> bool:
        """Whether nothing befalls it."""
        return self == RunPlan(ahead=self.ahead)


@frozen(kw_only=True)
class SyncPlan:
    """A sync, and how often it is tried before the platform gives up. The last sync of a plan is tried once more."""

    asked: tuple[Asked, ...]
    runs: tuple[RunPlan, ...] = ()

    @property
    def may_be_refused(self) -> bool:
        """Whether each of its runs may fail, although nothing disturbs it."""
        return any(each.schema == CLASHING for each in self.asked)


@frozen(kw_only=True)
class Sizes:
    """How much the pipeline takes at a time, and holds: `Thresholds` in little. Bytes, rows and seconds."""

    chunk_bytes: int = 600
    parcel_rows: int = 2
    flush_rows: int = 4
    state_latency: float = 0.0
    # None: far more than a history has.
    held_bytes: int | None = None


@frozen(kw_only=True)
class Plan:
    """A whole history.

    `restless` is the chance of a change of threads at a handover, `slips` the chance that time passes there. `keys` is
    how many keys the records have; some are `dirty`, and some have keys that are `misfits`. A source sends a STATE
    after `state_every` records, and `lines_at_once` lines, with up to `pause` seconds between. An insert takes up to
    `latency` seconds. A database that `ends_others` can end what other runs have sent.
    """

    seed: int
    syncs: tuple[SyncPlan, ...]
    restless: float = 0.2
    slips: float = 0.0
    keys: int = 5
    dirty: bool = False
    misfits: bool = False
    state_every: int = 4
    lines_at_once: int = 3
    pause: float = 0.05
    latency: float = 0.0
    streams_at_once: int = 2
    flushes_at_once: int = 1
    scope: Scope = Scope.STREAM
    sizes: Sizes = field(factory=Sizes)
    atomic: str = "everything"
    ends_others: bool = True

    @property
    def steady(self) -> bool:
        """Whether the columns of all streams stay as they are."""
        return self._schemas <= {0}

    @property
    def may_fail_once(self) -> bool:
        """Whether a run may fail although nothing disturbs it, and the next may not.

        It finds what keys need; or columns that a late statement of another run has changed.
        """
        return self.misfits or TEXT_KEYS in self._schemas or not (self.ends_others or self.steady)

    @property
    def _schemas(self) -> set[int]:
        return {each.schema for sync in self.syncs for each in sync.asked}


def plan_to_json(plan: Plan) -> str:
    """A plan as it is kept in a file."""
    return json.dumps(cattrs.unstructure(plan), indent=1)


def plan_from_json(text: str) -> Plan:
    """The plan that was kept. Raises cattrs' errors for anything else."""
    value: Any = json.loads(text)
    return cattrs.structure(value, Plan)
