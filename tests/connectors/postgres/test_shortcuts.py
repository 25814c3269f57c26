"""What only saves time may fail, and no sync fails with it: indexes, defaults, statistics, on a real server."""

import random
import string
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from attrs import evolve

from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.testkit import Destination
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, stream
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from tests.connectors.postgres.support import as_a_person
from tests.connectors.test_postgres import Look
from tests.servers.address import Address

FIELDS = {"id": STRING, "name": INTEGER}
MANY = [f"k{number}" for number in range(40)]


def warehouse_of(database: Address, **options: Any) -> Warehouse:
    look, config = Look(database), database.destination_config() | options
    return Warehouse(
        Destination(definition=DEFINITION, options=config, soft_delete={}, read=look.read, tables=look.tables)
    )


@pytest.fixture
def warehouse(postgres_database: Address) -> Warehouse:
    return warehouse_of(postgres_database)


def sync(warehouse: Warehouse, by: Strategy, rows: dict[str, int]) -> Outcome:
    users = stream("users", by, FIELDS)
    told = [record("users", id=key, name=value) for key, value in rows.items()]
    return warehouse.sync(catalog(users), *told, complete("users"))


def long_text(length: int) -> str:
    """A text that does not get shorter by compression."""
    return "".join(random.Random(length).choices(string.ascii_letters + string.digits, k=length))


def index(client: PostgresClient) -> list[str]:
    found = as_a_person(
        client, "SELECT indexdef FROM pg_indexes WHERE tablename = 'users' AND schemaname = 'public'"
    )
    return [definition.partition(" USING ")[2] for (definition,) in found]


@pytest.mark.parametrize("length", [6_000, 60_000])
def test_a_key_that_is_too_long_for_an_index_is_merged_by_a_hash_of_it(
    length: int, warehouse: Warehouse, client: PostgresClient
) -> None:
    key = long_text(length)

    outcomes = [sync(warehouse, Strategy.DEDUP, {key: n, "short": n}) for n in (1, 2, 3)]

    assert [(each.errors, each.warnings) for each in outcomes] == [([], [])] * 3
    assert warehouse.data() == [{"id": key, "name": 3}, {"id": "short", "name": 3}]
    assert index(client) == ["hash (id)"]


@pytest.mark.parametrize("length", [6_000, 60_000])
@pytest.mark.parametrize("by", [Strategy.DEDUP, Strategy.APPEND])
def test_a_key_that_becomes_too_long_for_its_index_is_taken(
    by: Strategy, length: int, warehouse: Warehouse, client: PostgresClient
) -> None:
    sync(warehouse, Strategy.DEDUP, {"short": 1})
    indexed = index(client)

    outcome = sync(warehouse, by, {long_text(length): 2})

    assert indexed == ["btree (id)"]
    assert (outcome.errors, outcome.warnings) == ([], [])
    assert warehouse.data() == [{"id": "short", "name": 1}, {"id": long_text(length), "name": 2}]
    assert index(client) == (["hash (id)"] if by is Strategy.DEDUP else [])


def test_a_table_that_is_replaced_inside_takes_a_key_that_is_too_long_for_its_index(
    warehouse: Warehouse, client: PostgresClient
) -> None:
    sync(warehouse, Strategy.DEDUP, {"short": 1})
    as_a_person(client, "CREATE VIEW seen AS SELECT id FROM users")

    outcome = sync(warehouse, Strategy.DEDUP_TRUNCATE, {long_text(6_000): 2})

    assert outcome.errors == []
    assert as_a_person(client, "SELECT length(id) FROM seen").fetchall() == [(6_000,)]


def test_a_key_of_more_columns_than_an_index_has_is_merged_by_the_first_of_them(
    warehouse: Warehouse, client: PostgresClient
) -> None:
    users = stream("users", Strategy.DEDUP, dict.fromkeys(MANY, STRING) | {"value": INTEGER})
    users["primary_key"] = [[name] for name in MANY]

    one: dict[str, Any] = dict.fromkeys(MANY, "a")

    for value in (1, 2):
        outcome = warehouse.sync(
            catalog(users),
            record("users", value=value, **one),
            record("users", value=value, **(one | {"k39": "b"})),
            complete("users"),
        )

    assert (outcome.errors, outcome.warnings) == ([], [])
    assert [(row["k39"], row["value"]) for row in warehouse.data()] == [("a", 2), ("b", 2)]
    assert index(client) == [f"btree ({', '.join(MANY[:32])})"]


@pytest.fixture
def loader(client: PostgresClient, postgres_database: Address) -> Iterator[str]:
    """A user who may make tables of its own."""
    name = f"loader_{postgres_database.dbname}"
    as_a_person(client, f"CREATE ROLE {name} LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO {name}".encode())
    as_a_person(client, f"GRANT CREATE ON DATABASE {postgres_database.dbname} TO {name}".encode())
    yield name
    as_a_person(client, f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


TABLE = """
    CREATE TABLE users (_airbyte_raw_id uuid NOT NULL, _airbyte_extracted_at timestamptz NOT NULL,
    _airbyte_meta jsonb NOT NULL, _airbyte_generation_id bigint NOT NULL, id varchar, name bigint)"""


def test_an_append_needs_no_more_than_the_right_to_insert(
    postgres_database: Address, client: PostgresClient, loader: str
) -> None:
    as_a_person(client, f"{TABLE}; GRANT SELECT, INSERT ON users TO {loader}".encode())
    warehouse = warehouse_of(evolve(postgres_database, user=loader))

    outcome = sync(warehouse, Strategy.APPEND, {"a": 1})

    (warning,) = outcome.warnings
    assert outcome.errors == []
    assert as_a_person(client, "SELECT id, name, _airbyte_meta ->> 'changes' FROM users").fetchall() == [
        ("a", 1, "[]")
    ]
    assert warning == (
        "Stream users: The default of _airbyte_meta in public.users could not be set, so it is sent with each row: "
        "must be owner of table users."
    )


def test_a_merge_goes_on_without_the_index_and_the_statistics_that_a_lock_keeps_from_it(
    postgres_database: Address, client: PostgresClient
) -> None:
    warehouse = warehouse_of(postgres_database, lock_timeout=1)
    sync(warehouse, Strategy.DEDUP, {"a": 1})
    as_a_person(
        client,
        b"DO $$ BEGIN EXECUTE (SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index "
        b"WHERE indrelid = 'users'::regclass); END $$",
    )
    with psycopg.connect(postgres_database.dsn) as person:
        person.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
        outcome = sync(warehouse, Strategy.DEDUP, {"a": 2})

    assert outcome.errors == []
    assert warehouse.data() == [{"id": "a", "name": 2}]
    assert [warning.partition(":")[2].split(",")[0].strip() for warning in outcome.warnings] == [
        "The index on the key of public.users could not be created",
        "The columns of public.users were not analyzed",
    ]
