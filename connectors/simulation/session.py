"""The server that the runs of a history share, and the session of each run: what befalls its requests, and when."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from connectors.simulation.coverage import LATE
from connectors.simulation.plan import Fault, Kind, RunPlan
from connectors.simulation.scheduler import Process, Turn
from dataflow.errors import ConfigError, TransientError
from dataflow.types import TableName

# How long what lasts for a while does, in seconds. Beyond the patience of its platform, a run that hangs is killed.
A_WHILE, SLOW, HANGS = 5.0, 2.0, 100_000.0
# How late what a killed run has sent may take effect, in seconds: where it can be ended, the next run waits for it.
SOON_OVER, LATER = 1.0, 20.0
# What takes space.
FILLS = ("insert", "create_table", "merge_table", "copy_table")
COMMIT = "COMMIT"
# Between two looks whether a request is still at work, in seconds.
SOON = 0.1


class Sending(Protocol):
    """A client in a transaction.

    `ends`: how often the server had ended the sessions as it began. `commits_at_once`: whether a change may be durable
    before the transaction ends.
    """

    ends: int
    commits_at_once: bool

    @property
    def committed(self) -> Any:
        """What of the database is committed, as this client knows it."""
        ...


class Server:
    """What the runs of a history share: the database, as readers see it."""

    def __init__(
        self, database: Any, committed: Callable[[str, Any], None], *, ends_others: bool = True
    ) -> None:
        """`committed` is called after each commit, with the run's name and the content."""
        self.database = database
        self.ends_others = ends_others
        # What is committed: a transaction that is at work has changed the database already.
        self.content = database.content
        self._committed = committed
        self.sessions: list[Session] = []
        # The threads whose request is on its way, or in the database.
        self.at_work: dict[Turn, Session] = {}
        # The runs, each with a table, for which it has ended all others: nothing that these had sent can come late.
        self.undisputed: set[tuple[str, TableName]] = set()

    def look(self, run: str, committed: Any) -> None:
        """A request of the run was answered, and this is committed now."""
        if committed is not self.content:
            self.content = committed
            self._committed(run, committed)

    def end_all_but(self, session: "Session", table: TableName) -> None:
        """Nothing that other runs have sent is at work afterwards; what they begin now is another transaction."""
        for other in self.sessions:
            other.ends += other is not session
        while any(other is not session for other in self.at_work.values()):
            session.process.scheduler.wait(session.process.scheduler.time + SOON)
        self.undisputed.add((session.run, table))

    def holds(self, run: str) -> bool:
        """Whether the run has locks."""
        return run in self.database.owners.values()

    def end_session(self, run: str) -> None:
        """Release what a run had locked."""
        owners: dict[TableName, str] = self.database.owners
        for table in [each for each, owner in owners.items() if owner == run]:
            del owners[table]


class Session:
    """All connections of one run, and what befalls them."""

    def __init__(self, process: Process, server: Server, plan: RunPlan, latency: float) -> None:
        self.process = process
        self.server = server
        # Given by the engine as it makes the connector.
        self.run = ""
        self.befell: list[str] = []
        # Whether anything befell it but delay.
        self.disturbed = False
        # Rows that were inserted and committed.
        self.rows = 0
        # The client of each thread that is in a transaction.
        self.clients: dict[Turn, Sending] = {}
        # How often the server has ended its sessions.
        self.ends = 0
        self._commits_late = plan.commits_late
        server.sessions.append(self)
        self._latency = latency
        self._requests = 0
        self._faults = sorted(plan.faults, key=lambda each: each.at, reverse=True)
        self._until: Counter[Kind] = Counter()

    def request(self, where: str) -> None:
        """Called before anything is asked of the database."""
        self.process.scheduler.handover()
        self._requests += 1
        for kind in (Kind.DOWN, Kind.FULL):
            if self._until[kind] and self._lasts(kind, where):
                raise _error(kind)
        fault = self._due()
        if fault is None or not _may_befall(fault.kind, where):
            return
        self._faults.pop()
        self.befell.append(f"{fault.kind}: {where}")
        self.disturbed = self.disturbed or fault.kind is not Kind.SLOW
        self._happen(fault.kind)

    # -- what the clients of the real database say

    def sending(self, what: str) -> None:
        """A change or a COMMIT is sent. From then on it may take effect although the process is killed."""
        scheduler = self.process.scheduler
        client = self.clients[scheduler.now]
        if client.commits_at_once or what == COMMIT:
            self.request(what)
            if client.ends != self.ends:
                raise _error(Kind.CUT)
            self.server.at_work[scheduler.now] = self
            if self._commits_late:
                scheduler.now.spared = True
                late = SOON_OVER if self.server.ends_others else LATER
                scheduler.wait(scheduler.time + scheduler.random.random() * late)

    def answered(self, what: str) -> None:
        """It took effect; the answer may be lost all the same."""
        turn = self.process.scheduler.now
        client = self.clients[turn]
        self.server.look(self.run, client.committed)
        if client.commits_at_once or what == COMMIT:
            if self.process.dead:
                self.befell.append(LATE)
            turn.spared = False
            self.server.at_work.pop(turn, None)
            self.answer()

    def takes_time(self) -> None:
        """Called where the database has work to do."""
        scheduler = self.process.scheduler
        if self._latency:
            scheduler.wait(scheduler.time + scheduler.random.random() * self._latency)

    def answer(self) -> None:
        """Called after a commit."""
        self.process.scheduler.handover()
        fault = self._due()
        if fault is not None and fault.kind is Kind.UNANSWERED:
            self._faults.pop()
            self.befell.append(str(fault.kind))
            self.disturbed = True
            raise _error(fault.kind)

    def _due(self) -> Fault | None:
        due = self._faults and self._faults[-1].at <= self._requests
        return self._faults[-1] if due else None

    def _happen(self, kind: Kind) -> None:
        scheduler = self.process.scheduler
        match kind:
            case Kind.SLOW:
                scheduler.wait(scheduler.time + SLOW)
            case Kind.HANGING:
                scheduler.wait(scheduler.time + HANGS)
            case Kind.UNLOCKED:
                self.server.end_session(self.run)
            case Kind.CUT:
                self.server.end_session(self.run)
                raise _error(kind)
            case Kind.DOWN | Kind.FULL:
                self._until[kind] = int(scheduler.time + A_WHILE)
                raise _error(kind)
            case _:
                raise _error(kind)

    def _lasts(self, kind: Kind, where: str) -> bool:
        return self.process.scheduler.time < self._until[kind] and _may_befall(kind, where)


def _may_befall(kind: Kind, where: str) -> bool:
    if kind is Kind.FULL:
        return where in FILLS
    return kind is not Kind.UNANSWERED


def _error(kind: Kind) -> Exception:
    """What the connector would make of the driver's error."""
    lasting = kind in (Kind.DENIED, Kind.FULL)
    return (
        ConfigError(f"The request met this: {kind}.")
        if lasting
        else TransientError(f"The request met this: {kind}.")
    )
