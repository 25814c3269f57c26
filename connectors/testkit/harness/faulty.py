"""A real connector that fails where a script says so: it does the work, then loses the answer. Mocks nothing."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pyarrow as pa
from attrs import define, field

from connectors.contract import Client, Connector, InsertBuffer
from dataflow.errors import ConfigError, TransientError
from dataflow.types import Column, TableName


@define
class Script:
    """What goes wrong next, once, on any client, after `wait` transactions that go well; and how often it did."""

    lose_answer: bool = False
    fail_commit: bool = False
    wait: int = 0
    lost: int = 0
    # The methods of a client or a buffer that refuse whatever has a name that begins with this.
    refused: tuple[str, ...] = ()
    refused_name: str = ""
    # The next answer comes when `resumed` is set; `hangs` is, once somebody waits for it.
    hang_answer: bool = False
    hangs: threading.Event = field(factory=threading.Event)
    resumed: threading.Event = field(factory=threading.Event)
    # The methods that take longer, and by how many seconds.
    slowed: tuple[str, ...] = ()
    delay: float = 0.0
    # How many rows fewer a buffer says it took than it did.
    miscount: int = 0
    # Tables outlive the rollback of the transaction that made them, as where each statement commits by itself.
    tables_outlive: bool = False

    def lose_next_answer(self) -> None:
        """Let the next COMMIT succeed, and its caller not know."""
        self.lose_answer = True

    def fail_next_commit(self) -> None:
        """Let the next transaction be rolled back after all of its work."""
        self.fail_commit = True

    def refuse(self, name: str, *methods: str) -> None:
        """From now on these methods refuse tables and namespaces that are named so: a person must see to it."""
        self.refused, self.refused_name = methods, name

    def hang_next_answer(self) -> None:
        """Let the next COMMIT succeed, and its caller wait for word of it until `resumed` is set."""
        self.hang_answer = True

    def slow(self, seconds: float, *methods: str) -> None:
        """From now on these methods take so much longer."""
        self.slowed, self.delay = methods, seconds

    @property
    def concerned(self) -> set[str]:
        """The methods that are to be asked about."""
        return {*self.refused, *self.slowed}

    def asked(self, method: str, of: Sequence[object]) -> None:
        """Called before a method is."""
        if method in self.slowed:
            time.sleep(self.delay)
        names = [each.name if isinstance(each, TableName) else str(each) for each in of]
        if method in self.refused and any(name.startswith(self.refused_name) for name in names or [""]):
            raise ConfigError(
                f"Permission denied for {method} of {', '.join(names[:1]) or 'the connection'}."
            )

    def before_commit(self) -> None:
        """Called when a transaction's work is done."""
        if self.fail_commit and not self.wait:
            self.fail_commit = False
            raise TransientError("The connection was lost before COMMIT.")

    def after_commit(self) -> None:
        """Called after every COMMIT."""
        if self.wait:
            self.wait -= 1
        elif self.hang_answer:
            self.hang_answer = False
            self.hangs.set()
            self.resumed.wait()
        elif self.lose_answer:
            self.lose_answer = False
            self.lost += 1
            raise TransientError("The connection was lost before COMMIT was answered.")


class FaultyClient:
    """A client whose transactions are the real one's, with the script asked around COMMIT."""

    def __init__(self, real: Client, script: Script, *, locks: bool) -> None:
        self.real = real
        self._script = script
        self._locks = locks
        # Those of this transaction, and how they are made.
        self._made: list[Callable[[], None]] = []

    def __getattr__(self, name: str) -> Any:
        return _asking(self.real, name, self._script)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the real one, unless the script says otherwise."""
        self._made.clear()
        try:
            with self.real.transaction():
                yield
                self._script.before_commit()
        except BaseException:
            self._make_again()
            raise
        self._script.after_commit()

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """As the real one; remembered, should it have to outlive its transaction."""

        def make() -> None:
            self.real.create_namespace(table.namespace)
            self.real.create_table(table, columns, primary_key)

        _asking(self.real, "create_table", self._script)(table, columns, primary_key)
        self._made.append(make)

    def _make_again(self) -> None:
        if self._script.tables_outlive and self._made:
            with self.real.transaction():
                for make in self._made:
                    make()

    def lock(self, *of: Any) -> None:
        """As the real one, unless this stands for a run whose lock died with its connection."""
        self._script.asked("lock", of)
        if self._locks:
            self.real.lock(*of)


class FaultyConnector:
    """A connector whose clients follow a script."""

    def __init__(self, real: Connector, script: Script, *, locks: bool = True) -> None:
        self._real = real
        self._script = script
        self._locks = locks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> Client:
        """A client that follows the script."""
        return cast("Client", FaultyClient(self._real.client(), self._script, locks=self._locks))

    def insert_buffer(self, client: FaultyClient) -> InsertBuffer:
        """The real one's buffer, within the real client's transactions."""
        return FaultyBuffer(self._real.insert_buffer(client.real), self._script)


class FaultyBuffer:
    """A buffer that asks the script first."""

    def __init__(self, real: InsertBuffer, script: Script) -> None:
        self._real = real
        self._script = script

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """As the real one, unless the script says otherwise."""
        self._script.asked("insert", [table])
        return self._real.insert(table, columns, batches) - self._script.miscount


def _asking(real: object, name: str, script: Script) -> Any:
    member = getattr(real, name)
    if name not in script.concerned:
        return member

    def asking(*of: Any) -> Any:
        script.asked(name, of)
        return member(*of)

    return asking


def faulty(real: Connector, script: Script, *, locks: bool = True) -> Connector:
    """The connector, failing by the script."""
    return cast("Connector", FaultyConnector(real, script, locks=locks))
