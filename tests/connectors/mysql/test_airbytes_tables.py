"""Tables of Airbyte's own destination go on, or are refused in words, on a real server."""

from typing import Any

import pytest

from connectors.testkit.harness.messages import catalog, complete, record, stream
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from tests.connectors.mysql.support import refused, send

# The tables of Airbyte's own destination; an older one has no metadata but the first two columns.
AIRBYTES = (
    "CREATE TABLE kit.users (_airbyte_raw_id varchar(256) NOT NULL, _airbyte_extracted_at timestamp(6) NOT NULL{}, "
    "id bigint, name text, updated bigint)"
)
METADATA = ", _airbyte_meta json NOT NULL, _airbyte_generation_id bigint"
LATE = "2020-01-02 03:04:05.678"


@pytest.mark.parametrize("metadata", ["", METADATA], ids=["older", "newer"])
@pytest.mark.parametrize("charset", ["utf8mb4", "utf8mb3", "latin1"])
def test_a_table_of_airbytes_own_destination_goes_on(
    warehouse: Warehouse, server: Any, metadata: str, charset: str
) -> None:
    server.query("CREATE DATABASE kit")
    server.query(f"{AIRBYTES.format(metadata)} CHARACTER SET {charset}")
    for number, name in enumerate(("old", "kept é"), start=1):
        more = "'{}', 0, " if metadata else ""
        server.query(
            f"INSERT INTO kit.users VALUES ('0f4b8c3e-1111-4111-8111-11111111111{number}', '{LATE}', "
            f"{more}{number * number}, '{name}', 0)"
        )

    outcome = send(warehouse, Strategy.DEDUP, "€😀", "second")

    assert (outcome.exit_code, outcome.states) == (0, ["s1"])
    assert sorted((row["id"], row["name"]) for row in warehouse.data()) == [
        (1, "€😀"),
        (2, "second"),
        (4, "kept é"),
    ]


def test_keys_in_a_table_of_airbytes_own_destination_are_compared_exactly(
    warehouse: Warehouse, server: Any
) -> None:
    """Its columns' own collation takes both as one."""
    server.query("CREATE DATABASE kit")
    server.query(f"{AIRBYTES.format(METADATA)} CHARACTER SET utf8mb4")
    server.query(f"INSERT INTO kit.users VALUES ('0f4b8c3e', '{LATE}', '{{}}', 0, 1, 'a', 0)")
    by_name = stream("users", Strategy.DEDUP, key=("name",))

    outcome = warehouse.sync(catalog(by_name), record("users", id=2, name="A"), complete("users"))

    assert outcome.exit_code == 0
    assert sorted((row["id"], row["name"]) for row in warehouse.data()) == [(1, "a"), (2, "A")]


@pytest.mark.parametrize(
    "made",
    [
        "(_airbyte_ab_id varchar(256) PRIMARY KEY, _airbyte_data json, _airbyte_emitted_at timestamp(6))",
        "(_airbyte_unique_key text, id bigint, _airbyte_ab_id varchar(256), _airbyte_normalized_at timestamp)",
    ],
    ids=["raw", "normalised"],
)
def test_a_table_of_the_oldest_destinations_is_refused_and_left_as_it_was(
    warehouse: Warehouse, server: Any, made: str
) -> None:
    server.query("CREATE DATABASE kit")
    server.query(f"CREATE TABLE kit.users {made}")

    outcome = send(warehouse, Strategy.APPEND_TRUNCATE, "a")

    assert refused(outcome, "does not contain Airbyte's internal columns")


def test_a_table_without_transactions_is_refused_with_the_statement_that_corrects_it(
    warehouse: Warehouse, server: Any
) -> None:
    server.query("CREATE DATABASE kit")
    server.query(f"{AIRBYTES.format(METADATA)} ENGINE = MyISAM")

    outcome = send(warehouse, Strategy.APPEND, "a")
    server.query("ALTER TABLE `kit`.`users` ENGINE = InnoDB")
    corrected = send(warehouse, Strategy.APPEND, "a")

    assert refused(outcome, "run: ALTER TABLE `kit`.`users` ENGINE = InnoDB;")
    assert (corrected.exit_code, corrected.states) == (0, ["s1"])
