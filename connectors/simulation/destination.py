"""A destination of the `memory` kind that answers as its plan says: each call of a client is a request, which another
thread may overtake, and which may fail. Its tables and its ledger are memory's own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.contract import CONTRACT, Definition, Recipe
from connectors.simulation.session import Session
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.runtime import Runtime
from dataflow.types import Kind as ColumnKind
from dataflow.types import Limits, TableName


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

    def expect_publication(self, table: TableName, recipe: Recipe) -> None:
        """As the real one, which asks nothing."""

    def end_others(self, table: TableName, claim: str) -> bool:
        """As a server that can end its sessions, or as one that cannot."""
        self.session.request("end_others")
        if self.session.server.ends_others:
            self.session.server.end_all_but(self.session, table)
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
