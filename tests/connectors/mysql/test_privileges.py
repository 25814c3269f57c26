"""What a user of few rights may do, on a real server: the check finds what a sync would lack."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from attrs import evolve

from connectors.engine.sync.check import check_connector
from connectors.mysql import DEFINITION
from connectors.mysql.errors import explain
from connectors.mysql.server import is_mariadb
from connectors.testkit import Destination
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.connectors.mysql.support import refused, send
from tests.connectors.test_mysql import Look, options

NEEDED = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX"]


class Loader:
    """A user with few rights."""

    def __init__(self, socket: Path, server: Any) -> None:
        self._socket = socket
        self._server = server

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        for each in statements:
            self._server.query(each)

    def check(self) -> None:
        """Check as the user."""
        given = {**options(self._socket), "username": "loader"}
        with closing(DEFINITION.connector(given, "check", SYSTEM)) as connector:
            check_connector(connector, "check")


@pytest.fixture
def loader(mysql_server: Path, look: Look, server: Any) -> Iterator[Loader]:
    """One with no rights at all, beside the two databases."""
    loader = Loader(mysql_server, server)
    loader.run(
        "DROP USER IF EXISTS loader@localhost",
        "CREATE USER loader@localhost",
        "CREATE DATABASE kit",
        "CREATE DATABASE airbyte_internal",
    )
    yield loader
    loader.run("DROP USER loader@localhost")


def grant(loader: Loader, privileges: list[str]) -> None:
    """On both databases."""
    for database in ("kit", "airbyte_internal"):
        loader.run(f"GRANT {', '.join(privileges)} ON {database}.* TO loader@localhost")


def test_the_documented_privileges_are_enough(loader: Loader) -> None:
    grant(loader, NEEDED)

    loader.check()


@pytest.mark.parametrize("missing", NEEDED)
def test_the_check_finds_each_privilege_that_is_missing(loader: Loader, missing: str) -> None:
    grant(loader, [each for each in NEEDED if each != missing])

    with pytest.raises(ConfigError, match="The user lacks a privilege") as refused:
        loader.check()

    assert missing in refused.value.remedy


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1142, "DROP command denied to user 'loader'@'%' for table 'users'"),
        (1143, "SELECT command denied to user 'loader'@'%' for column 'id' in table 'users'"),
        (1227, "Access denied; you need (at least one of) the SUPER privilege(s) for this operation"),
    ],
)
def test_the_privileges_are_listed_where_the_server_names_no_database(number: int, said: str) -> None:
    explained = explain(pymysql.err.OperationalError(number, said))

    assert isinstance(explained, ConfigError)
    assert (
        "grant the user SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX and TRIGGER"
        in explained.remedy
    )


@pytest.mark.parametrize("privileges", [NEEDED, [*NEEDED, "TRIGGER"]], ids=["without", "with"])
def test_mysql_shows_a_trigger_to_a_user_with_the_privilege_trigger_alone(
    loader: Loader, destination: Destination, server: Any, privileges: list[str]
) -> None:
    """MariaDB shows it to both."""
    grant(loader, privileges)
    warehouse = Warehouse(evolve(destination, options={**destination.options, "username": "loader"}))
    send(warehouse, Strategy.APPEND)
    loader.run("CREATE TRIGGER kit.audit BEFORE INSERT ON kit.users FOR EACH ROW SET NEW.name = 'a'")

    outcome = send(warehouse, Strategy.APPEND_TRUNCATE, "b", generation=2)

    shown = is_mariadb(server.server_version) or "TRIGGER" in privileges
    assert refused(outcome, "trigger audit would be lost") is shown
