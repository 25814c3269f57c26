"""A server without databases but its own, what looks into it, and a destination that writes to it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest

from connectors.testkit import Destination
from connectors.testkit.harness.warehouse import Warehouse
from tests.connectors.test_mysql import Look, destination_at


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
    return destination_at(mysql_server, look)


@pytest.fixture
def warehouse(destination: Destination) -> Warehouse:
    """The destination, to be synced into."""
    return Warehouse(destination)
