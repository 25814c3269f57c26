"""The check does what a sync does, in every destination, and leaves nothing, wherever it fails."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector, Definition
from connectors.duckdb import DEFINITION as DUCKDB
from connectors.engine.sync.check import check_connector
from connectors.memory import DEFINITION as MEMORY
from connectors.memory.connector import DATABASES, MemoryConnector
from connectors.postgres import DEFINITION as POSTGRES
from connectors.sql.text import sql
from connectors.testkit.harness.faulty import Script, faulty
from dataflow.errors import ConfigError, InternalError
from dataflow.runtime import SYSTEM
from tests.servers.address import Address

STEPS = [
    "lock",
    "create_namespace",
    "create_table",
    "insert",
    "count_rows",
    "discover_schema",
    "apply_changeset",
    "merge_table",
    "dedupe_table",
    "overwrite_table",
    "drop_table",
]


@pytest.fixture(params=["memory", "duckdb", "postgres"])
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connector]:
    definition: Definition
    options: dict[str, Any]
    if request.param == "memory":
        definition, options = MEMORY, {"database": str(tmp_path)}
    elif request.param == "duckdb":
        definition, options = DUCKDB, {"destination_path": str(tmp_path / "it.duckdb"), "schema": "shop"}
    else:
        database: Address = request.getfixturevalue("postgres_database")
        definition, options = POSTGRES, database.destination_config("shop")
    with closing(definition.connector(options, "check", SYSTEM)) as made:
        yield made


def left(connector: Connector) -> object:
    """All that a database holds which an empty one does not: schemas and tables."""
    if isinstance(connector, MemoryConnector):
        content = DATABASES[connector._config.database].content
        return {*content.tables, *content.ledger}
    found: set[object] = set()
    with closing(connector.client()) as client, client.transaction():
        execute = client.execute  # type: ignore[attr-defined]
        schemas = sql(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ('shop', 'airbyte_internal')"
        )
        tables = sql(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        found.update(execute(schemas), execute(tables))
    return found


def test_a_check_leaves_nothing_behind(connector: Connector) -> None:
    check_connector(connector, "check")

    assert left(connector) == set()


def test_a_check_can_be_made_again(connector: Connector) -> None:
    check_connector(connector, "check")

    check_connector(connector, "check")


def test_a_check_leaves_what_was_there(connector: Connector) -> None:
    with closing(connector.client()) as client, client.transaction():
        for namespace in (connector.default_namespace, connector.internal_namespace):
            client.create_namespace(namespace)
        client.ledger.prepare()
        client.journal.prepare()
    before = left(connector)

    check_connector(connector, "check")

    assert left(connector) == before


@pytest.mark.parametrize("step", STEPS)
def test_a_check_that_fails_leaves_nothing_behind(connector: Connector, step: str) -> None:
    script = Script()
    script.refuse("", step)

    with pytest.raises(ConfigError, match=f"Permission denied for {step}"):
        check_connector(faulty(connector, script), "check")

    assert left(connector) == set()


def test_a_destination_that_takes_fewer_rows_fails_the_check(connector: Connector) -> None:
    with pytest.raises(InternalError, match=r"Failed to insert expected rows .* Actual written: 1"):
        check_connector(faulty(connector, Script(miscount=1)), "check")

    assert left(connector) == set()
