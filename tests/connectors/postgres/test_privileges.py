"""What a role of few rights may do, on a real server: the check finds what a sync would lack, and names the GRANT."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve
from psycopg.sql import SQL, Composed, Identifier

from connectors.engine.sync.check import check_connector
from connectors.postgres import DEFINITION
from connectors.testkit import Destination
from connectors.testkit.harness.messages import catalog, complete, record, users
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.servers.address import Address

INTERNAL_TABLES = {"_airbyte_ledger", "_airbyte_streams", "_airbyte_flushes", "_airbyte_journal"}


class Administrator:
    """The database's owner, and the role with few rights."""

    def __init__(self, database: Address, role: str) -> None:
        self.database = database
        self.role = role

    def run(self, *statements: str | Composed) -> list[tuple[Any, ...]]:
        """Run statements as the owner; `loader` in a text is the role. What the last one answers."""
        with psycopg.connect(self.database.dsn) as connection:
            for each in statements:
                text = each if isinstance(each, str) else each.as_string(None)
                cursor = connection.execute(re.sub(r"\bloader\b", self.role, text).encode())
            return cursor.fetchall() if cursor.description else []

    def check(self) -> None:
        """Check as the role."""
        config = evolve(self.database, user=self.role).destination_config("shop")
        with closing(DEFINITION.connector(config, "check", SYSTEM)) as connector:
            check_connector(connector, "check")

    def refusal(self) -> ConfigError:
        """The error that the check ends with."""
        with pytest.raises(ConfigError) as refused:
            self.check()
        return refused.value

    def follow(self, error: ConfigError) -> None:
        """Run the statement that an error's remedy gives."""
        _, _, statement = error.remedy.partition("Let the administrator run: ")
        assert statement
        self.run(statement)


@pytest.fixture
def administrator(postgres_database: Address) -> Iterator[Administrator]:
    """A role that may connect and no more: no schema is made, none may be."""
    made = Administrator(postgres_database, f"loader_{uuid4().hex[:8]}")
    made.run("CREATE ROLE loader LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield made
    made.run("DROP OWNED BY loader", "DROP ROLE loader")


def tables(administrator: Administrator) -> set[str]:
    found = administrator.run(
        "SELECT tablename FROM pg_tables WHERE schemaname IN ('shop', 'airbyte_internal')"
    )
    return {name for (name,) in found}


def set_up_by_the_owner(administrator: Administrator) -> None:
    """Ledger and journal are the owner's; the role may use them, and make nothing beside them."""
    owned = administrator.database.destination_config("shop")
    with (
        closing(DEFINITION.connector(owned, "owner", SYSTEM)) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
        client.journal.prepare()
    administrator.run(
        "CREATE SCHEMA shop AUTHORIZATION loader",
        "GRANT USAGE ON SCHEMA airbyte_internal TO loader",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA airbyte_internal TO loader",
    )


def test_a_schema_that_is_missing_needs_a_right_on_the_database(administrator: Administrator) -> None:
    refusal = administrator.refusal()

    role, database = administrator.role, administrator.database.dbname
    assert f'GRANT CREATE ON DATABASE "{database}" TO "{role}"' in refusal.remedy
    administrator.follow(refusal)
    administrator.check()


def test_schemas_that_exist_need_no_right_on_the_database(administrator: Administrator) -> None:
    administrator.run(
        "CREATE SCHEMA shop",
        "CREATE SCHEMA airbyte_internal",
        "GRANT USAGE, CREATE ON SCHEMA shop, airbyte_internal TO loader",
    )

    administrator.check()

    assert tables(administrator) == set()


@pytest.mark.parametrize(
    ("open_one", "closed_one"), [("shop", "airbyte_internal"), ("airbyte_internal", "shop")]
)
def test_each_schema_must_let_us_make_tables(
    administrator: Administrator, open_one: str, closed_one: str
) -> None:
    administrator.run(
        "CREATE SCHEMA shop",
        "CREATE SCHEMA airbyte_internal",
        f"GRANT USAGE, CREATE ON SCHEMA {open_one} TO loader",
        f"GRANT USAGE ON SCHEMA {closed_one} TO loader",
    )

    refusal = administrator.refusal()

    assert refusal.remedy.endswith(f'GRANT USAGE, CREATE ON SCHEMA "{closed_one}" TO "{administrator.role}";')
    assert tables(administrator) == set()
    administrator.follow(refusal)
    administrator.check()


def test_a_ledger_and_a_journal_that_exist_need_no_right_to_make_them(administrator: Administrator) -> None:
    set_up_by_the_owner(administrator)

    administrator.check()

    assert tables(administrator) == INTERNAL_TABLES


@pytest.mark.parametrize("table", ["_airbyte_streams", "_airbyte_flushes", "_airbyte_journal"])
def test_a_ledger_that_may_only_be_read_is_reported_with_its_grant(
    administrator: Administrator, table: str
) -> None:
    set_up_by_the_owner(administrator)
    administrator.run(
        f"REVOKE INSERT ON airbyte_internal.{table} FROM loader",
    )

    refusal = administrator.refusal()

    wanted = SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(
        Identifier("airbyte_internal", table), Identifier(administrator.role)
    )
    assert wanted.as_string(None) in refusal.remedy
    administrator.follow(refusal)
    administrator.check()


def test_a_sync_sets_up_what_the_check_allowed(administrator: Administrator) -> None:
    set_up_by_the_owner(administrator)
    config = evolve(administrator.database, user=administrator.role).destination_config("shop")
    administrator.check()

    with (
        closing(DEFINITION.connector(config, "sync", SYSTEM)) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        for namespace in ("shop", "airbyte_internal"):
            client.create_namespace(namespace)
        client.ledger.prepare()
        client.journal.prepare()

    assert tables(administrator) == INTERNAL_TABLES


@pytest.mark.parametrize("names", [["users"], ["users", "orders"]])
def test_the_journal_does_without_the_connection_that_rows_need(
    administrator: Administrator, names: list[str]
) -> None:
    """One for the locks, one for the publishing, one for the rows: there is no fourth."""
    administrator.run(
        "CREATE SCHEMA shop AUTHORIZATION loader",
        "CREATE SCHEMA airbyte_internal AUTHORIZATION loader",
        "ALTER ROLE loader CONNECTION LIMIT 3",
    )
    options = evolve(administrator.database, user=administrator.role).destination_config("shop")
    destination = Destination(
        definition=DEFINITION, options=options, soft_delete=options, read=lambda _: [], tables=set
    )

    outcome = Warehouse(destination).sync(
        catalog(*(users(Strategy.DEDUP, 1, name) for name in names)),
        *(record(name, id=1, name="Ada", updated=1) for name in names),
        *map(complete, names),
    )

    assert (outcome.exit_code, outcome.errors) == (0, [])
    assert [administrator.run(f"SELECT id FROM shop.{name}") for name in names] == [[(1,)]] * len(names)
