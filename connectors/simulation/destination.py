"""A destination of the `memory` kind that answers as its plan says: each call of a client is a request, which another
thread may overtake, and which may fail. Its tables and its ledger are memory's own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.contract import CONTRACT, Definition
from connectors.simulation.plan import Fault
from connectors.simulation.scheduler import Process
from dataflow.errors import TransientError
from dataflow.runtime import Runtime
from dataflow.types import TableName


class Server:
    """What the runs of a history share: the database, as readers see it."""

    def __init__(self, database: Any, committed: Callable[[str, Any], None]) -> None:
        """`committed` is called after each commit, with the run's name and the content."""
        self.database = database
        # What is committed: a transaction that is at work has changed the database already.
        self.content = database.content
        self._committed = committed

    def commit(self, session: "Session") -> None:
        """A transaction has just been committed."""
        self.content = self.database.content
        self._committed(session.run, self.content)

    def end_session(self, run: str) -> None:
        """Release what a run had locked."""
        owners: dict[TableName, str] = self.database.owners
        for table in [each for each, owner in owners.items() if owner == run]:
            del owners[table]


class Session:
    """All connections of one run, and what befalls them."""

    def __init__(self, process: Process, server: Server, faults: tuple[Fault, ...]) -> None:
        self.process = process
        self.server = server
        # Given by the engine as it makes the connector.
        self.run = ""
        self.requests = 0
        self.befell: list[str] = []
        self._faults = sorted(faults, key=lambda each: each.at, reverse=True)

    def request(self, where: str) -> None:
        """Called before anything is asked of the database."""
        self.process.scheduler.handover()
        self.requests += 1
        if self._is_due("refused"):
            self.befell.append(f"refused {where}")
            raise TransientError("The database refuses the request.")

    def answer(self) -> None:
        """Called after a commit."""
        self.process.scheduler.handover()
        if self._is_due("unanswered"):
            self.befell.append("unanswered")
            raise TransientError("The connection was lost before COMMIT was answered.")

    def _is_due(self, *kinds: str) -> bool:
        if self._faults and self._faults[-1].at <= self.requests and self._faults[-1].kind in kinds:
            self._faults.pop()
            return True
        return False


class SimulatedDefinition:
    """The destination of one run."""

    name: ClassVar[str] = "memory"
    contract: ClassVar[int] = CONTRACT

    def __init__(self, real: Definition, session: Session) -> None:
        self._real = real
        self._session = session

    def spec(self) -> Mapping[str, Any]:
        """As the real one."""
        return self._real.spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> "SimulatedConnector":
        """The real one's connector, which answers as the session says."""
        self._session.run = run
        return SimulatedConnector(self._real.connector(options, run, runtime), self._session)


class SimulatedConnector:
    """A connector whose clients belong to a session."""

    def __init__(self, real: Any, session: Session) -> None:
        self._real = real
        self._session = session
        self.streams_at_once = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> "SimulatedClient":
        """A client of the session."""
        return SimulatedClient(self._real.client(), self._session)

    def insert_buffer(self, client: "SimulatedClient") -> "Requesting":
        """The real one's buffer, on the real client."""
        return Requesting(self._real.insert_buffer(client.real), self._session)


class Requesting:
    """Something of the real connector, each call of which is a request."""

    def __init__(self, real: Any, session: Session) -> None:
        self.real = real
        self._session = session

    def __getattr__(self, name: str) -> Any:
        member, session = getattr(self.real, name), self._session

        def request(*given: Any) -> Any:
            session.request(name)
            return member(*given)

        setattr(self, name, request)
        return request


class SimulatedClient(Requesting):
    """A client whose calls and commits are requests."""

    def __init__(self, real: Any, session: Session) -> None:
        super().__init__(real, session)
        self.ledger = Requesting(real.ledger, session)
        self.journal = Requesting(real.journal, session)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the real one's: from its beginning to its commit it holds the database."""
        self._session.request("begin")
        with self.real.transaction():
            yield
            self._session.request("commit")
        self._session.server.commit(self._session)
        self._session.answer()

    def recover(self) -> None:
        """A new connection."""

    def close(self) -> None:
        """The locks of a process that was killed are the server's to release."""
        if not self._session.process.dead:
            self.real.close()
