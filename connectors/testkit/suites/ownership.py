"""The suite of names that two streams or two fields would share: the one that has it keeps it, whatever comes or goes.

The twins of each test are alike to some destination: one that has letters, digits and underscores alone, or one that
ignores case. To the others they are two names, and the right values are the same.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from typing import Any

import pytest
from attrs import evolve

from connectors.engine.dry_run.plan import plan
from connectors.testkit.harness.destination import Bench, open_bench
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, state, stream
from connectors.testkit.harness.rows import data
from connectors.testkit.harness.runs import open_run
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from dataflow.errors import TransientError
from dataflow.evolution import ColumnChangeset
from dataflow.names import temp_name
from dataflow.types import Kind, StreamName
from machines.operations import StreamOperation

TWINS = (("my-orders", "my_orders"), ("Orders", "orders"))
OF = {"id": INTEGER, "of": STRING}
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP


class OwnershipSuite(WarehouseSuite):
    """What a name means is remembered, and never derived from today's catalog alone."""

    # -- streams

    @pytest.mark.parametrize("strategy", Strategy)
    @pytest.mark.parametrize(("first", "twin"), TWINS)
    def test_a_stream_keeps_its_table_when_a_twin_comes_and_goes(
        self, warehouse: Warehouse, first: str, twin: str, strategy: Strategy
    ) -> None:
        generations = iter(range(1, 5))
        expected: dict[str, list[int]] = {first: [], twin: []}

        for number, names in enumerate([(first,), (first, twin), (twin,), (first, twin)], 1):
            generation = next(generations)
            outcome = _sync(warehouse, strategy, {name: [number] for name in names}, generation)
            for name in names:
                expected[name] = [*([] if strategy.truncates else expected[name]), number]

            assert outcome.errors == []
            found = {name: _ids(warehouse, name) for name in expected if expected[name]}
            assert found == {name: ids for name, ids in expected.items() if ids}

    @pytest.mark.parametrize("strategy", [Strategy.DEDUP, Strategy.DEDUP_TRUNCATE, Strategy.APPEND_TRUNCATE])
    @pytest.mark.parametrize(("first", "twin"), TWINS)
    def test_rows_that_wait_reach_their_own_table_though_a_twin_has_come(
        self, warehouse: Warehouse, first: str, twin: str, strategy: Strategy
    ) -> None:
        warehouse.sync(
            catalog(_stream(first, strategy)), record(first, id=1, of=first), state(first, 1), soft=True
        )

        outcome = _sync(warehouse, strategy, {first: [2], twin: [1, 9]}, 1)

        assert outcome.errors == []
        assert (_ids(warehouse, first), _ids(warehouse, twin)) == ([1, 2], [1, 9])
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize(("first", "twin"), TWINS)
    def test_rows_that_wait_stay_their_streams_though_only_a_twin_is_synced(
        self, warehouse: Warehouse, first: str, twin: str
    ) -> None:
        warehouse.sync(catalog(_stream(first, DEDUP)), record(first, id=1, of=first), state(first, 1))

        _sync(warehouse, DEDUP, {twin: [1, 9]}, 1)
        outcome = _sync(warehouse, DEDUP, {first: [2]}, 1)

        assert outcome.errors == []
        assert (_ids(warehouse, first), _ids(warehouse, twin)) == ([1, 2], [1, 9])

    def test_namespaces_that_become_one_keep_their_streams_apart(self, warehouse: Warehouse) -> None:
        spaces = ("kit-shop", "kit_shop", "Kit_Shop")
        for number in range(1, len(spaces) + 1):
            now = spaces[:number]
            outcome = warehouse.sync(
                catalog(*(stream("orders", DEDUP, OF, key=("id",), namespace=space) for space in now)),
                *(record("orders", namespace=space, id=number, of=space) for space in now),
                *(complete("orders", space) for space in now),
            )

            assert outcome.errors == []

        found = {space: [row["of"] for row in warehouse.data("orders", space)] for space in spaces}
        assert found == {space: [space] * (len(spaces) - at) for at, space in enumerate(spaces)}

    def test_a_plan_names_the_tables_that_the_sync_then_writes_to(self, warehouse: Warehouse) -> None:
        first, twin = TWINS[0]
        _sync(warehouse, DEDUP, {first: [1]}, 1)
        text = catalog(_stream(first, DEDUP), _stream(twin, DEDUP))
        with closing(warehouse.destination.connector()) as connector:
            planned = plan(connector, read_catalog(text))

        _sync(warehouse, DEDUP, {first: [2], twin: [1]}, 1)

        assert [each.final.name for each in planned.streams] == [
            warehouse.tables(name).final for name in (first, twin)
        ]

    def test_a_name_that_another_run_has_taken_meanwhile_is_left_to_it(self, bench: Bench) -> None:
        """Both looked at the ledger when it knew neither: the second to claim stops, and its next sync chooses names
        again.
        """
        with open_run(bench.connector, DEDUP) as first:
            first.do(StreamOperation.CLAIM)
        with open_run(bench.connector, DEDUP) as second:
            other = StreamName("other", "users")
            second.life.stream = evolve(second.life.stream, name=other)
            second.life.tables = evolve(second.life.tables, stream=other)

            with pytest.raises(TransientError, match=r"has meanwhile given names .* to stream users"):
                second.do(StreamOperation.CLAIM)

        with bench.client.transaction():
            entry = bench.client.ledger.hold(first.life.tables.final)
        assert entry is not None
        assert (entry.stream, entry.epoch) == (StreamName(None, "users"), 1)

    def test_a_stream_that_another_run_has_named_meanwhile_gets_no_second_table(self, bench: Bench) -> None:
        """One run knew of a twin, and the other did not: they would share a temp table, and no final one."""
        with open_run(bench.connector, DEDUP) as first:
            first.do(StreamOperation.CLAIM)
        with open_run(bench.connector, DEDUP) as second:
            second.life.tables = evolve(second.life.tables, final=bench.table("users_of_a_twin"))

            with pytest.raises(TransientError, match="Another run has meanwhile named the table"):
                second.do(StreamOperation.CLAIM)

        with bench.client.transaction():
            assert bench.client.ledger.hold(second.life.tables.final) is None

    def test_a_table_that_the_destination_takes_for_anothers_is_left_to_it(self, bench: Bench) -> None:
        """Both looked at the ledger when it knew neither spelling."""
        comparable = bench.connector.columns.naming.comparable
        with open_run(bench.connector, DEDUP) as first:
            first.do(StreamOperation.CLAIM)
            final = first.life.tables.final
        claimed = []
        with open_run(bench.connector, DEDUP, stream="USERS") as second:
            second.life.tables = evolve(second.life.tables, final=bench.table(final.name.upper()))

            with suppress(TransientError):
                claimed.append(second.do(StreamOperation.CLAIM))

        assert bool(claimed) == (comparable(final.name) != comparable(final.name.upper()))

    @pytest.mark.parametrize("strategy", [APPEND, DEDUP])
    def test_a_stream_may_be_called_as_the_temp_table_of_another(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Whichever comes first: neither is refused, and rows that wait are not taken for the other's."""
        with open_bench(warehouse.destination) as bench:
            naming = bench.connector.columns.naming
        one, other = (
            temp_name(StreamName(None, "orders"), naming),
            temp_name(StreamName(None, "users"), naming),
        )
        warehouse.sync(
            catalog(_stream("users", strategy)), record("users", id=1, of="users"), state("users", 1)
        )

        outcomes = [
            _sync(warehouse, strategy, {one: [1], other: [1]}, 1),
            _sync(warehouse, strategy, {one: [2], other: [2], "orders": [1, 2], "users": [2]}, 1),
        ]

        assert [outcome.errors for outcome in outcomes] == [[], []]
        found = {name: _ids(warehouse, name) for name in (one, other, "orders", "users")}
        assert list(found.values()) == [[1, 2]] * len(found)

    # -- fields

    @pytest.mark.parametrize("strategy", [APPEND, DEDUP])
    @pytest.mark.parametrize(("first", "twin"), [("item-name", "item_name"), ("Name", "name")])
    def test_a_field_keeps_its_column_when_a_twin_comes_and_goes(
        self, warehouse: Warehouse, first: str, twin: str, strategy: Strategy
    ) -> None:
        for number, names in enumerate([(first,), (first, twin), (twin,), (first, twin)], 1):
            fields = {"id": INTEGER, **dict.fromkeys(names, STRING)}
            values: dict[str, Any] = {name: f"{name} {number}" for name in names}
            outcome = warehouse.sync(
                catalog(stream("orders", strategy, fields, key=("id",))),
                record("orders", id=number, **values),
                complete("orders"),
            )

            assert outcome.errors == []
            # A column whose field has left the schema is dropped, with its values.
            assert _fields(warehouse)[number] == values

        found = _fields(warehouse)
        assert found[2] == {first: None, twin: f"{twin} 2"}
        assert found[1] == {first: None, twin: None}
        assert found[3] == {first: None, twin: f"{twin} 3"}

    def test_a_key_stays_one_column_though_a_twin_of_it_comes(self, warehouse: Warehouse) -> None:
        alone = {"user-id": INTEGER}
        both = {"user_id": INTEGER, **alone}
        for fields, ids in ((alone, (1, 2, 3)), (both, (1, 2, 3))):
            warehouse.sync(
                catalog(stream("orders", DEDUP, fields, key=("user-id",))),
                *(record("orders", **_all_equal(fields, number)) for number in ids),
                complete("orders"),
            )

        column = warehouse.tables("orders").column("user-id").name
        assert sorted(row[column] for row in warehouse.data("orders")) == [1, 2, 3]

    # -- what people add

    @pytest.mark.parametrize("strategy", [APPEND, DEDUP])
    def test_a_column_that_a_person_added_is_kept(self, warehouse: Warehouse, strategy: Strategy) -> None:
        """Also where a field of its name comes later: that field gets a column of its own."""
        _sync(warehouse, strategy, {"orders": [1]}, 1)
        final = warehouse.tables("orders").final
        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            kind = bench.connector.columns.column_type(Kind.STRING)
            bench.client.apply_changeset(final, ColumnChangeset(add={"note": kind}))

        for number, fields in ((2, {}), (3, {"note": INTEGER})):
            outcome = warehouse.sync(
                catalog(stream("orders", strategy, {**OF, **fields}, key=("id",))),
                record("orders", id=number, of="orders", **_all_equal(fields, number)),
                complete("orders"),
            )

            assert outcome.errors == []
            with open_bench(warehouse.destination) as bench, bench.client.transaction():
                assert bench.client.discover_schema(final).columns["note"] == kind
        assert _ids(warehouse, "orders") == [1, 2, 3]
        assert data(warehouse.rows("orders"))[-1][warehouse.tables("orders").column("note").name] == 3


def _stream(name: str, strategy: Strategy, generation: int = 1) -> dict[str, Any]:
    return stream(name, strategy, OF, key=("id",), generation=generation)


def _sync(warehouse: Warehouse, strategy: Strategy, ids: Mapping[str, list[int]], generation: int) -> Outcome:
    """A complete sync in which each stream brings rows of these ids."""
    return warehouse.sync(
        catalog(*(_stream(name, strategy, generation) for name in ids)),
        *(record(name, id=number, of=name) for name, numbers in ids.items() for number in numbers),
        *map(complete, ids),
    )


def _ids(warehouse: Warehouse, name: str) -> list[int]:
    """The ids in a stream's table, each of which must be a row of that stream."""
    rows = warehouse.data(name)
    assert {row["of"] for row in rows} <= {name}
    return sorted(row["id"] for row in rows)


def _all_equal(fields: Iterable[str], number: int) -> dict[str, Any]:
    return dict.fromkeys(fields, number)


def _fields(warehouse: Warehouse) -> dict[int, dict[str, Any]]:
    """By id, the other fields of each row of the orders."""
    columns = warehouse.tables("orders").columns
    return {
        row["id"]: {each.field: row[each.name] for each in columns if each.field != "id"}
        for row in warehouse.data("orders")
    }
