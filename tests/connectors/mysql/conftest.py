"""A server without databases but its own, what looks into it, and a destination that writes to it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest

from connectors.mysql import DEFINITION
from connectors.testkit import Destination
from connectors.testkit.harness.warehouse import Warehouse
from tests.connectors.test_mysql import Look, options


@pytest.fixture
def look(mysql_server: Path) -> Iterator[Look]:
    with closing(Look(mysql_server)) as look:
        look.empty()
        yield look


@pytest.fixture
def server(mysql_server: Path) -> Iterator[Any]:
    """A session of an administrator's."""
    with closing(
        pymysql.connect(unix_socket=str(mysql_server), user="root", autocommit=True, ssl_disabled=True)
    ) as session:
        yield session


@pytest.fixture
def destination(look: Look, mysql_server: Path) -> Destination:
    return Destination(
        definition=DEFINITION,
        options=options(mysql_server),
        soft_delete={"cdc_deletion_mode": "Soft delete"},
        read=look.read,
        tables=look.tables,
        make_foreign=look.make_foreign,
        make_view=look.make_view,
        drop_columns=look.drop_columns,
    )


@pytest.fixture
def warehouse(destination: Destination) -> Warehouse:
    """The destination, to be synced into."""
    return Warehouse(destination)
