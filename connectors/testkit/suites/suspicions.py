"""The suite of what earlier versions did: tables that they mixed and keys that they collapsed are found and named."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from connectors.contract.journal import Transition
from connectors.engine.dry_run.suspicion import Suspicion, suspected
from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, stream
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import META

FIELDS = {"id": INTEGER, "a-b": STRING}
CHANGED = {"changes": [{"field": "id", "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}]}


class SuspicionSuite(WarehouseSuite):
    """What is suspected of tables: found in the journal of earlier versions, and in the rows that they wrote."""

    def test_there_is_nothing_to_suspect_if_no_earlier_version_wrote(self, warehouse: Warehouse) -> None:
        before = _suspected(warehouse)
        _sync(warehouse)

        assert (before, _suspected(warehouse)) == ([], [])

    def test_a_table_that_two_streams_wrote_to_is_named_with_both(self, warehouse: Warehouse) -> None:
        outcome = _sync(warehouse)
        _as_an_earlier_version_did(warehouse, outcome, name="users")
        _as_an_earlier_version_did(warehouse, outcome, name="Users")

        (found,) = _suspected(warehouse)

        assert found.table == warehouse.tables().final
        assert found.says == "The table may hold rows of 2 streams: Users, users."

    def test_a_column_that_two_fields_had_is_named_with_both(self, warehouse: Warehouse) -> None:
        outcome = _sync(warehouse)
        _as_an_earlier_version_did(warehouse, outcome)
        _as_an_earlier_version_did(warehouse, outcome, fields={"a-b": "a.b"})

        (found,) = _suspected(warehouse)

        column = warehouse.tables().column("a-b").name
        assert found.says == f"The column {column} may hold values of 2 fields: a-b, a.b."
        assert found.fix == "Refresh the stream users."

    def test_a_key_that_lost_a_value_is_named(self, warehouse: Warehouse) -> None:
        outcome = _sync(warehouse)
        _as_an_earlier_version_did(warehouse, outcome)
        clean = _suspected(warehouse)
        tables = warehouse.tables()
        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            bench.insert(tables.final, tables.columns, {**row(7, id=None), META: CHANGED})

        (found,) = _suspected(warehouse)

        assert clean == []
        assert "lost its value in the primary key column id" in found.says

    def test_a_table_that_was_replaced_since_is_above_suspicion(self, warehouse: Warehouse) -> None:
        outcome = _sync(warehouse)
        _as_an_earlier_version_did(warehouse, outcome, name="users")
        _as_an_earlier_version_did(warehouse, outcome, name="Users")
        before = _suspected(warehouse)

        _sync(warehouse, Strategy.APPEND_TRUNCATE, 2)

        assert (len(before), _suspected(warehouse)) == (1, [])


def _sync(warehouse: Warehouse, strategy: Strategy = Strategy.DEDUP, generation: int = 1) -> Outcome:
    return warehouse.sync(
        catalog(stream("users", strategy, FIELDS, key=("id",), generation=generation)),
        record("users", id=1),
        complete("users"),
    )


def _suspected(warehouse: Warehouse) -> list[Suspicion]:
    with closing(warehouse.destination.connector()) as connector:
        return list(suspected(connector))


def _as_an_earlier_version_did(
    warehouse: Warehouse,
    outcome: Outcome,
    *,
    name: str = "users",
    fields: Mapping[str, str] | None = None,
) -> None:
    """Write into the journal that a version without a format began a stream on the same table, before now.

    `name` is the stream's, and `fields` are other names for its fields.
    """
    begun = next(entry for entry in outcome.journal if "life" in entry)
    life: dict[str, Any] = {**begun["life"], "name": name}
    columns = [
        {**each, "field": (fields or {}).get(each["field"], each["field"])}
        for each in life["recipe"]["columns"]
    ]
    life["recipe"] = {**life["recipe"], "columns": columns}
    run = f"{name}-{time.time()}"
    entry = {**begun, "run": run, "stream": name, "life": life, "at": time.time()}
    del entry["format"]
    with open_bench(warehouse.destination) as bench, bench.client.transaction():
        bench.client.journal.append([Transition(1, entry)])
