"""A database whose names are too short for those of temp tables that are used once is refused, in words."""

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest
from attrs import evolve

from connectors.engine.sync.check import check_connector
from connectors.engine.sync.setting_up import set_up
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.memory.columns import MemoryColumns
from connectors.memory.config import MemoryConfig
from connectors.memory.connector import MemoryConnector
from dataflow.errors import InternalError
from dataflow.names import LEAST_BYTES_OPENED
from dataflow.runtime import SYSTEM
from machines.parts import Atomic

IN_PARTS = [each for each in Atomic if each is not Atomic.EVERYTHING]


class ShortColumns(MemoryColumns):
    naming = evolve(MemoryColumns.naming, max_bytes=LEAST_BYTES_OPENED - 1)


class ShortConnector(MemoryConnector):
    columns = ShortColumns()


class FewCharacters(MemoryColumns):
    naming = evolve(MemoryColumns.naming, max_bytes=192, max_characters=LEAST_BYTES_OPENED - 1)


class FewCharactersConnector(MemoryConnector):
    columns = FewCharacters()


def _set_up(connector: MemoryConnector) -> None:
    set_up(connector, Transactions(connector, RetryPolicy(attempts=1), lambda *_: None), ())


def _check(connector: MemoryConnector) -> None:
    check_connector(connector, "run")


@pytest.mark.parametrize("short", [ShortConnector, FewCharactersConnector])
@pytest.mark.parametrize("command", [_set_up, _check])
@pytest.mark.parametrize("atomic", IN_PARTS)
def test_names_that_are_too_short_for_openings_are_refused(
    command: Callable[[MemoryConnector], None], atomic: Atomic, short: type[MemoryConnector]
) -> None:
    config = MemoryConfig(database=uuid4().hex, atomic=atomic)

    with (
        closing(short(config, SYSTEM)) as connector,
        pytest.raises(InternalError, match=f"56 characters at most, .* needs {LEAST_BYTES_OPENED}"),
    ):
        command(connector)


@pytest.mark.parametrize("command", [_set_up, _check])
def test_the_same_names_are_long_enough_where_temp_tables_keep_theirs(
    command: Callable[[MemoryConnector], None],
) -> None:
    with closing(ShortConnector(MemoryConfig(database=uuid4().hex), SYSTEM)) as connector:
        command(connector)

        assert connector.database.content.ledger == {}
