"""A connector whose client lacks a method of its database's class is refused before anything is written."""

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest

from connectors.engine.sync.check import check_connector
from connectors.engine.sync.setting_up import set_up
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.memory.client import MemoryClient
from connectors.memory.config import MemoryConfig
from connectors.memory.connector import MemoryConnector
from dataflow.errors import InternalError
from dataflow.runtime import SYSTEM
from machines.parts import Atomic

OF_PARTS = ("expect_publication", "prepare_merge", "end_others")
OF_STATEMENTS = ("rename_table", "holds_rows")


def _set_up(connector: MemoryConnector) -> None:
    set_up(connector, Transactions(connector, RetryPolicy(attempts=1), lambda *_: None), ())


def _check(connector: MemoryConnector) -> None:
    check_connector(connector, "run")


def _lacking(*names: str) -> type[MemoryConnector]:
    """A connector whose client has all methods but these."""

    class Lacking(MemoryClient):
        def __getattribute__(self, name: str) -> object:
            if name in names:
                raise AttributeError(name)
            return super().__getattribute__(name)

    class LackingConnector(MemoryConnector):
        def client(self) -> MemoryClient:
            return Lacking(
                self.database, self.atomic, self.runtime.requests, deletes=self._config.hard_deletes
            )

    return LackingConnector


@pytest.mark.parametrize("command", [_set_up, _check])
@pytest.mark.parametrize(
    ("atomic", "lacked"),
    [(each, name) for each in (Atomic.ROWS, Atomic.STATEMENT, Atomic.TABLE) for name in OF_PARTS]
    + [(Atomic.STATEMENT, name) for name in OF_STATEMENTS],
)
def test_a_client_without_a_method_of_its_class_is_refused_by_name(
    command: Callable[[MemoryConnector], None], atomic: Atomic, lacked: str
) -> None:
    config = MemoryConfig(database=uuid4().hex, atomic=atomic)

    with closing(_lacking(lacked)(config, SYSTEM)) as connector:
        with pytest.raises(InternalError, match=f"does not have {lacked}, .* is {atomic}"):
            command(connector)

        assert connector.database.content.tables == {}
        assert connector.database.content.ledger == {}


@pytest.mark.parametrize("command", [_set_up, _check])
def test_a_class_whose_commit_holds_everything_needs_none_of_them(
    command: Callable[[MemoryConnector], None],
) -> None:
    config = MemoryConfig(database=uuid4().hex)

    with closing(_lacking(*OF_PARTS, "holds_rows")(config, SYSTEM)) as connector:
        command(connector)

        assert connector.database.content.ledger == {}
