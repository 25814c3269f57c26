"""The suite of rehearsals: they change nothing, and walk the path that the sync then walks. Names no database."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.testkit.harness.destination import needs
from connectors.testkit.harness.interruptions import PRIOR, THEN, cut_off, sync_users
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, stream, users
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from dataflow.types import TableName
from machines.journal.history import runs

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE


class RehearsalSuite(WarehouseSuite):
    """`Connector.rehearse`, as a plan uses it."""

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_first_sync_is_planned_and_nothing_is_made(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        planned = plan_of(warehouse, users(strategy))
        made = warehouse.destination.tables()

        outcome = warehouse.sync(catalog(users(strategy)), complete("users"))

        assert made == set()
        assert (planned.destructive, planned.fails) == ((), False)
        assert paths(planned) == walked(outcome)

    def test_a_plan_walks_the_path_of_every_sync_that_meets_a_temp_table(self, warehouse: Warehouse) -> None:
        """Both kinds, with and without a new generation: what is planned is what is done."""
        pairs = {
            f"{first} then {then} {'of the same' if same else 'of the next'} generation": (first, then, same)
            for first in (DEDUP, DEDUP_TRUNCATE)
            for then in Strategy
            for same in (True, False)
        }
        sync_users(warehouse, *(users(APPEND, 1, name) for name in pairs), sent=PRIOR)
        cut_off(warehouse, *(users(first, 2, name) for name, (first, _, _) in pairs.items()))
        wanted = [users(then, 2 if same else 3, name) for name, (_, then, same) in pairs.items()]
        before = everything(warehouse)

        planned = plan_of(warehouse, *wanted)
        after = everything(warehouse)
        outcome = warehouse.sync(catalog(*wanted), *map(complete, pairs))

        assert after == before
        assert paths(planned) == walked(outcome)
        assert {step.state for each in planned.streams for step in each.steps} >= {
            "discarding",
            "settling",
            "resuming_temp",
            "merging",
            "swapping",
            "deduping_and_swapping",
        }

    def test_what_a_person_would_lose_is_called_destructive(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(APPEND, 1), users(APPEND, 1, "others"), sent=PRIOR)
        other = {"id": STRING, "name": STRING, "more": INTEGER}

        planned = plan_of(warehouse, users(APPEND_TRUNCATE, 2), stream("others", APPEND, other))

        final, others = warehouse.tables().final, warehouse.tables("others").final
        assert {(each.deed, each.table) for each in planned.destructive} == {
            (Deed.REPLACE, final),
            (Deed.DROP_COLUMN, others),
            (Deed.CHANGE_COLUMN, others),
        }

    def test_an_overwrite_without_generations_is_called_destructive(self, warehouse: Warehouse) -> None:
        counted = users(APPEND_TRUNCATE, 1)
        uncounted = {name: value for name, value in counted.items() if "generation" not in name}
        sync_users(warehouse, uncounted, sent=PRIOR)

        planned = plan_of(warehouse, uncounted)
        outcome = warehouse.sync(catalog(uncounted), complete("users"))

        (stream_plan,) = planned.streams
        assert [each.deed for each in planned.destructive] == [Deed.REPLACE]
        assert paths(planned) == walked(outcome)
        assert (stream_plan.way, stream_plan.generation) == (
            "append_truncate (each sync replaces the table)",
            2,
        )

    @pytest.mark.parametrize(
        ("strategy", "way"),
        [
            (APPEND_TRUNCATE, "append (generation 3 was published already)"),
            (DEDUP_TRUNCATE, "dedup (generation 3 was published already)"),
        ],
    )
    def test_the_retry_of_a_published_generation_is_planned_and_reported_as_one_that_adds(
        self, warehouse: Warehouse, strategy: Strategy, way: str
    ) -> None:
        sync_users(warehouse, users(strategy, 3), sent=PRIOR)

        (planned,) = plan_of(warehouse, users(strategy, 3)).streams
        outcome = sync_users(warehouse, users(strategy, 3), sent=THEN)

        (run,) = runs(outcome.journal)
        (life,) = run.streams
        assert (planned.way, life.strategy) == (way, way)
        assert life.notes[0] == "generation 3 was published already: this sync adds to the table"

    def test_a_plan_shows_what_is_there(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))

        (planned,) = plan_of(warehouse, users(DEDUP, 3)).streams

        assert planned.entry is not None
        assert (planned.final.name, planned.temp.name) == (warehouse.tables().final, warehouse.temp())
        assert (planned.final.exists, planned.temp.exists) == (True, True)
        assert list(planned.final.columns) == ["id", "name", "updated"]
        assert planned.entry.checkpoint is not None

    @needs(foreign_tables=True)
    def test_a_plan_reports_that_a_table_is_not_airbytes(self, warehouse: Warehouse) -> None:
        warehouse.sync(catalog(users(APPEND, name="others")), complete("others"))
        foreign = TableName(warehouse.tables("others").final.namespace, "users")
        assert warehouse.destination.make_foreign is not None
        warehouse.destination.make_foreign(foreign)

        planned = plan_of(warehouse, users(APPEND), users(APPEND, name="others"))

        assert planned.fails
        assert planned.streams[0].path[-1] == "failed"
        assert str(foreign) in planned.streams[0].failure
        assert planned.streams[1].failure == ""

    def test_a_temp_table_is_found_by_its_mark(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))
        temp = warehouse.temp()

        with (
            closing(warehouse.destination.connector()) as connector,
            closing(connector.client()) as client,
            client.transaction(),
        ):
            found = client.tables_named("_airbyte_tmp_")
            rows = client.statistics(temp).rows

        assert list(found) == [temp]
        assert rows is None or rows >= 0


def plan_of(warehouse: Warehouse, *streams: Mapping[str, Any]) -> Plan:
    """The plan of a sync of these streams."""
    with closing(warehouse.destination.connector()) as connector:
        return plan(connector, warehouse.options.meant(read_catalog(catalog(*streams))))


def paths(planned: Plan) -> dict[str, list[str]]:
    """The states of each stream that has any, as planned."""
    return {str(each.stream): list(each.path) for each in planned.streams}


def walked(outcome: Outcome) -> dict[str, list[str]]:
    """The same as it was walked."""
    found: dict[str, list[str]] = {}
    for entry in outcome.journal:
        if entry["machine"] == "stream":
            found.setdefault(entry["stream"], []).append(entry["to"])
    return found


def everything(warehouse: Warehouse) -> tuple[Mapping[TableName, Any], Sequence[Any]]:
    """All rows of all tables, and the ledger."""
    rows = {table: warehouse.destination.read(table) for table in warehouse.destination.tables()}
    with (
        closing(warehouse.destination.connector()) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        return rows, client.ledger.entries()
