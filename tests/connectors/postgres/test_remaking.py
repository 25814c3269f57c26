"""A table that has had as many columns as the server allows, the dropped ones included, on a real server."""

from contextlib import closing

import pytest

from connectors.contract import Client, Connector, Statement
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from dataflow.errors import ConfigError
from dataflow.evolution import TableSchema, diff
from dataflow.types import Column, Kind
from tests.connectors.postgres.support import FINAL, as_a_person, column, fill

ID = column("id", Kind.INTEGER)


def columns_of(round_: int) -> tuple[Column, ...]:
    return (ID, *(column(f"c{round_}_{number}", Kind.STRING) for number in range(500)))


def evolve(connector: Connector, client: Client, to: tuple[Column, ...]) -> None:
    wanted = TableSchema({each.name: connector.columns.column_type(each.kind) for each in to})
    with client.transaction():
        client.apply_changeset(FINAL, diff(client.discover_schema(FINAL), wanted))


def test_columns_come_and_go_as_often_as_they_like(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, columns_of(0), [{"id": 1}])
    as_a_person(client, "GRANT SELECT ON users TO PUBLIC; COMMENT ON TABLE users IS 'theirs'")

    for round_ in range(1, 3):
        evolve(connector, client, columns_of(round_))
    statements: list[Statement] = []
    rehearsing = connector.rehearse(statements.append)
    with closing(rehearsing), closing(rehearsing.client()) as rehearsed:
        evolve(rehearsing, rehearsed, columns_of(3))
    for round_ in range(3, 6):
        evolve(connector, client, columns_of(round_))

    kept = as_a_person(client, "SELECT id, c5_1 FROM users").fetchall()
    written = as_a_person(
        client, "SELECT obj_description('users'::regclass), has_table_privilege('public', 'users', 'SELECT')"
    )
    live = client.discover_schema(FINAL).columns
    assert kept == [(1, None)]
    assert any(each.text.startswith("CREATE TABLE") for each in statements)
    assert written.fetchone() == ("theirs", True)
    assert list(live) == [each.name for each in columns_of(5)]


def test_a_table_that_something_holds_on_to_is_not_made_again(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, columns_of(0), [{"id": 1}])
    as_a_person(client, "CREATE VIEW seen AS SELECT id FROM users")
    evolve(connector, client, columns_of(1))
    evolve(connector, client, columns_of(2))

    with pytest.raises(ConfigError, match=r"1600 columns.*view public\.seen would be lost"):
        evolve(connector, client, columns_of(3))

    assert as_a_person(client, "SELECT id FROM seen").fetchall() == [(1,)]
