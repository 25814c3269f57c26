"""Tables whose changes a publication sends on: the server lets a row go only where it can say which."""

import re
from collections.abc import Mapping

import pytest

from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.testkit import Destination
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, state, stream
from connectors.testkit.harness.warehouse import SMALL, Outcome, Warehouse
from dataflow.catalog import Strategy
from tests.connectors.postgres.support import as_a_person
from tests.connectors.test_postgres import Look
from tests.servers.address import Address

FIELDS = {"id": INTEGER, "name": STRING}
OF_ALL = ["CREATE PUBLICATION p FOR ALL TABLES", "CREATE PUBLICATION p FOR TABLES IN SCHEMA public"]


@pytest.fixture
def warehouse(postgres_database: Address) -> Warehouse:
    look = Look(postgres_database)
    options = postgres_database.destination_config()
    return Warehouse(
        Destination(
            definition=DEFINITION, options=options, soft_delete={}, read=look.read, tables=look.tables
        )
    )


def sync(
    warehouse: Warehouse, by: Strategy, generation: int, rows: Mapping[int, str], *, ends: bool = True
) -> Outcome:
    users = stream("users", by, FIELDS, generation=generation)
    told = [record("users", id=n, name=name) for n, name in rows.items()]
    last = [complete("users")] if ends else []
    return warehouse.sync(catalog(users), *told, state("users", generation), *last, thresholds=SMALL)


@pytest.mark.parametrize("publication", OF_ALL)
@pytest.mark.parametrize("by", Strategy)
def test_tables_that_a_sync_makes_are_synced_time_and_again(
    by: Strategy, publication: str, warehouse: Warehouse, client: PostgresClient
) -> None:
    as_a_person(client, publication)

    outcomes = [sync(warehouse, by, n, {1: f"a{n}", 2: f"b{n}", 3: "c"}) for n in (1, 2, 3)]

    assert [each.errors for each in outcomes] == [[], [], []]
    assert {"id": 1, "name": "a3"} in warehouse.data()
    assert len(warehouse.data()) == (9 if by is Strategy.APPEND else 3)
    assert warehouse.left_behind() == set()


@pytest.mark.parametrize("by", [Strategy.DEDUP, Strategy.DEDUP_TRUNCATE])
def test_a_temp_table_that_comes_into_a_publication_is_resumed(
    by: Strategy, warehouse: Warehouse, client: PostgresClient
) -> None:
    sync(warehouse, by, 1, {1: "a", 2: "b", 3: "c"}, ends=False)
    as_a_person(client, "CREATE PUBLICATION p FOR ALL TABLES")

    outcome = sync(warehouse, by, 1, {2: "B"})

    assert outcome.errors == []
    assert warehouse.data() == [{"id": 1, "name": "a"}, {"id": 3, "name": "c"}, {"id": 2, "name": "B"}]


@pytest.mark.parametrize("publication", [*OF_ALL, "CREATE PUBLICATION p FOR TABLE users"])
@pytest.mark.parametrize("by", [Strategy.DEDUP, Strategy.DEDUP_TRUNCATE, Strategy.APPEND_TRUNCATE])
def test_a_final_table_that_came_into_a_publication_is_reported_with_the_statement_that_repairs_it(
    by: Strategy, publication: str, warehouse: Warehouse, client: PostgresClient
) -> None:
    sync(warehouse, by, 1, {1: "a"})
    as_a_person(client, publication)

    refused = sync(warehouse, by, 2, {1: "b"})
    (error,) = refused.errors
    found = re.search(r"Let the table's owner run: ([^;]*);", error["message"])
    as_a_person(client, found[1].encode() if found else b"")
    later = sync(warehouse, by, 2, {})

    assert error["failure_type"] == "config_error"
    assert later.errors == []
    assert warehouse.data() == [{"id": 1, "name": "b"}]


def test_a_publication_of_inserts_alone_hinders_nothing(warehouse: Warehouse, client: PostgresClient) -> None:
    sync(warehouse, Strategy.DEDUP, 1, {1: "a"})
    as_a_person(client, "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert')")

    outcome = sync(warehouse, Strategy.DEDUP, 1, {1: "b"})

    identity = as_a_person(
        client, "SELECT relreplident FROM pg_class WHERE oid = 'users'::regclass"
    ).fetchone()
    assert outcome.errors == []
    assert identity == ("d",)
