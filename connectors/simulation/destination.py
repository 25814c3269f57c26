"""A destination of the `memory` kind that answers as its plan says: each call of a client is a request, which another
thread may overtake, and which may fail. Its tables and its ledger are memory's own.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.contract import CONTRACT, Definition
from connectors.simulation.plan import Fault, Kind, RunPlan
from connectors.simulation.scheduler import Process, Turn
from dataflow.errors import ConfigError, TransientError
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.runtime import Runtime
from dataflow.types import Kind as ColumnKind
from dataflow.types import Limits, TableName

# How long what lasts for a while does, in seconds. Beyond the patience of its platform, a run that hangs is killed.
A_WHILE, SLOW, HANGS = 5.0, 2.0, 100_000.0
# How late what a killed run has sent may take effect, in seconds: where it can be ended, the next run waits for it.
SOON_OVER, LATE = 1.0, 20.0
# What takes space.
FILLS = ("insert", "create_table", "merge_table", "copy_table")
COMMIT = "COMMIT"
# Between two looks whether a request is still at work, in seconds.
SOON = 0.1


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
        # The runs of which it has ended all others: nothing that these had sent can come late.
        self.undisputed: set[str] = set()

    def look(self, run: str, committed: Any) -> None:
        """A request of the run was answered, and this is committed now."""
        if committed is not self.content:
            self.content = committed
            self._committed(run, committed)

    def end_all_but(self, session: "Session") -> None:
        """Nothing that other runs have sent is at work afterwards; what they begin now is another transaction."""
        for other in self.sessions:
            other.ends += other is not session
        while any(other is not session for other in self.at_work.values()):
            session.process.scheduler.wait(session.process.scheduler.time + SOON)
        self.undisputed.add(session.run)

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
        self.clients: dict[Turn, SimulatedClient] = {}
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
                late = SOON_OVER if self.server.ends_others else LATE
                scheduler.wait(scheduler.time + scheduler.random.random() * late)

    def answered(self, what: str) -> None:
        """It took effect; the answer may be lost all the same."""
        turn = self.process.scheduler.now
        client = self.clients[turn]
        self.server.look(self.run, client.committed)
        if client.commits_at_once or what == COMMIT:
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


class SimulatedDefinition:
    """The destination of one run."""

    name: ClassVar[str] = "memory"
    contract: ClassVar[int] = CONTRACT

    def __init__(self, real: Definition, session: Session, streams_at_once: int) -> None:
        self._real = real
        self._session = session
        self._streams_at_once = streams_at_once

    def spec(self) -> Mapping[str, Any]:
        """As the real one."""
        return self._real.spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> "SimulatedConnector":
        """The real one's connector, which answers as the session says."""
        self._session.run = run
        return SimulatedConnector(
            self._real.connector(options, run, runtime), self._session, self._streams_at_once
        )


class SimulatedColumns:
    """Memory's columns under the names of a database that allows few."""

    naming = NamingRules(max_bytes=60, plain=True, ignore_case=True)
    limits = Limits()

    def column_type(self, kind: ColumnKind) -> ColumnType:
        """The kind's own name, as memory has it."""
        return ColumnType(str(kind))


class SimulatedConnector:
    """A connector whose clients belong to a session."""

    columns = SimulatedColumns()

    def __init__(self, real: Any, session: Session, streams_at_once: int) -> None:
        self._real = real
        self._session = session
        self.streams_at_once = streams_at_once

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> "SimulatedClient":
        """A client of the session."""
        return SimulatedClient(self._real.client(), self._session)

    def insert_buffer(self, client: "SimulatedClient") -> "SimulatedBuffer":
        """The real one's buffer, on the real client."""
        return SimulatedBuffer(self._real.insert_buffer(client.real), client, self._session)


class Requesting:
    """Something of the real connector, each call of which is a request."""

    def __init__(self, real: Any, session: Session) -> None:
        self.real = real
        self.session = session

    def __getattr__(self, name: str) -> Any:
        member, session = getattr(self.real, name), self.session

        def request(*given: Any) -> Any:
            session.request(name)
            return member(*given)

        setattr(self, name, request)
        return request


class SimulatedBuffer(Requesting):
    """A buffer whose rows are counted once they are committed."""

    def __init__(self, real: Any, client: "SimulatedClient", session: Session) -> None:
        super().__init__(real, session)
        self._client = client

    def insert(self, *given: Any) -> int:
        """As the real one."""
        self.session.request("insert")
        self.session.takes_time()
        taken = int(self.real.insert(*given))
        self._client.inserted += taken
        return taken


class SimulatedClient(Requesting):
    """A client whose calls and commits are requests."""

    def __init__(self, real: Any, session: Session) -> None:
        super().__init__(real, session)
        self.ledger = Requesting(real.ledger, session)
        self.journal = Requesting(real.journal, session)
        # In the transaction that is at work; and how often the server had ended the sessions as it began.
        self.inserted = self.ends = 0
        # Whether a change may be durable before its transaction ends.
        self.commits_at_once = not real.undoes_all

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the real one's."""
        session, turn = self.session, self.session.process.scheduler.now
        session.request("BEGIN")
        self.inserted, self.ends = 0, session.ends
        session.clients[turn] = self
        try:
            with self.real.transaction():
                yield
            session.rows += self.inserted
        finally:
            session.server.at_work.pop(turn, None)
            turn.spared = False
            del session.clients[turn]

    def end_others(self, table: TableName, claim: str) -> bool:
        """As a server that can end its sessions, or as one that cannot."""
        self.session.request("end_others")
        if self.session.server.ends_others:
            self.session.server.end_all_but(self.session)
        return self.session.server.ends_others

    @property
    def committed(self) -> Any:
        """What of the database is committed, as this client knows it."""
        return self.real.committed

    def recover(self) -> None:
        """A new connection."""

    def close(self) -> None:
        """The locks of a process that was killed are the server's to release."""
        if not self.session.process.dead:
            self.real.close()
