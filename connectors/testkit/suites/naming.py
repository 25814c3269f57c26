"""The suite of names and values that are not what a programmer expects. None is executed, none changes another."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest

from connectors.testkit.harness.destination import Bench
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, state, stream
from connectors.testkit.harness.rows import T1, T2, columns, data, row
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.evolution import TableSchema, diff
from dataflow.names import physical_name
from dataflow.types import Kind, TableName
from machines.operations import Recipe

PUNCTUATION = "~!@#$%^&*()`[]{}|;':\",./<>?"
# Text that means something to somebody on the way: SQL, Python's formats, the drivers' parameters, LIKE, the shell.
HOSTILE = (
    'x"; DROP TABLE users; --',
    "x'; DROP TABLE users; --",
    "x`); DELETE FROM users; --",
    "$$; DROP TABLE users; $$",
    "'",
    '"',
    '""',
    "%s",
    "%(name)s",
    "%%",
    "{}",
    "{0}",
    "$1",
    "$name",
    ":name",
    "?",
    "\\",
    "\\'; --",
    "E'\\x27",
    "/* no */ --",
    "_%",
    "tab\tand\nline",
    "null",
    "users",
    "select",
    "rowid",
    "sqlite_master",
    "pg_catalog",
    "ÜBER 数据 🦆",
    "e\N{COMBINING ACUTE ACCENT}",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "." * 3,
    " ",
)
STREAMS = (
    "streamWithCamelCase",
    "stream_with_underscores",
    "STREAM_WITH_ALL_CAPS",
    "CapitalCase",
    "stream_with_spécial_character",
    "stream_name_with_operator+1",
    "stream_name_with_numbers_123",
    "1stream_with_a_leading_number",
    f"stream_with_{PUNCTUATION}",
    "groups",
    "order",
)
FIELDS = (
    "fieldWithCamelCase",
    "field_with_underscore",
    "FIELD_WITH_ALL_CAPS",
    "field_with_spécial_character",
    "field_name_with_operator+1",
    "field_name_with_numbers_123",
    "1field_with_a_leading_number",
    "order",
    "authorization",
    "ProperCase",
    "Foo.Bar",
    f"field_with_{PUNCTUATION}",
)


class NamingSuite(WarehouseSuite):
    """Names are the sources' own; whatever they hold, a table and a column of each is found again."""

    def test_streams_and_fields_of_any_name_are_read_back(self, warehouse: Warehouse) -> None:
        """Names of every spelling, in namespaces of every spelling, with a line's end in each value.

        Upstream: testFunkyCharacters.
        """
        spaces = (None, "kit_spøcial", "kit_operator-1")
        fields = {"id": INTEGER, **dict.fromkeys(FIELDS, STRING)}
        values: dict[str, Any] = {"id": 42, **dict.fromkeys(FIELDS, "foo\nbar")}
        names = [(name, space) for name in STREAMS for space in spaces]

        outcome = warehouse.sync(
            catalog(*(stream(name, Strategy.APPEND, fields, namespace=space) for name, space in names)),
            *(record(name, namespace=space, **values) for name, space in names),
            *(complete(name, space) for name, space in names),
        )

        assert outcome.errors == []
        assert [_listed(warehouse.data(*name)) for name in names] == [[list(values.values())]] * len(names)
        assert warehouse.left_behind() == set()

    def test_keys_and_cursors_of_any_name_find_their_rows(self, warehouse: Warehouse) -> None:
        """A merge and a dedupe quote what they compare, too.

        Upstream: testFunkyCharactersDedup.
        """
        key, cursor, text = (word + PUNCTUATION for word in ("id", "cursor", "name"))
        fields = {key: INTEGER, cursor: INTEGER, text: STRING}
        for strategy, generation in ((Strategy.DEDUP, 42), (Strategy.DEDUP_TRUNCATE, 43)):
            new: dict[str, Any] = {key: 1, cursor: 2, text: f"new {strategy}"}
            old: dict[str, Any] = {key: 1, cursor: 1, text: "old"}

            outcome = warehouse.sync(
                catalog(stream("users", strategy, fields, key=(key,), cursor=cursor, generation=generation)),
                record("users", **new),
                record("users", **old),
                complete("users"),
            )

            assert outcome.errors == []
            assert _listed(warehouse.data()) == [[1, 2, f"new {strategy}"]]

    def test_names_that_become_alike_stay_apart(self, warehouse: Warehouse) -> None:
        """Two streams never share a table, nor two fields a column, however short names must be."""
        long = "a_name_that_is_longer_than_what_most_databases_would_ever_take_" * 20
        names = ("foo-1", "foo_1", "Foo_1", "foo.1", long + "a", long + "b", "a" * 70)
        fields = {"foo-1": STRING, "foo_1": INTEGER, "FOO_1": STRING, long + "a": STRING, long + "b": INTEGER}
        values: dict[str, Any] = {
            "foo-1": "dash",
            "foo_1": 1,
            "FOO_1": "capital",
            long + "a": "a",
            long + "b": 2,
        }

        outcome = warehouse.sync(
            catalog(*(stream(name, Strategy.APPEND_TRUNCATE, fields) for name in names)),
            *(record(name, **values) for name in names),
            *map(complete, names),
        )

        assert outcome.errors == []
        assert len({warehouse.tables(name).final for name in names}) == len(names)
        assert [_listed(warehouse.data(name)) for name in names] == [[list(values.values())]] * len(names)

    # -- injection

    def test_what_names_and_values_say_is_never_done(self, warehouse: Warehouse) -> None:
        """Whole syncs of streams, namespaces, keys, cursors and values by hostile names, in every strategy.

        Each strategy meets every name as a column's; of the streams it has every fourth.
        """
        victim = catalog(stream("users", Strategy.APPEND, {"id": INTEGER}))
        warehouse.sync(victim, record("users", id=1), complete("users"))
        fields = {"id": INTEGER, **dict.fromkeys(HOSTILE, STRING)}
        strategies = dict(zip(HOSTILE, cycle(Strategy), strict=False))
        entries = [
            stream(name, strategy, fields, namespace=_space(name), key=(name, "id"), cursor=name)
            for name, strategy in strategies.items()
        ]
        values: dict[str, Any] = {"id": 7, **{name: name for name in HOSTILE}}

        for times in (1, 2):
            outcome = warehouse.sync(
                catalog(*entries),
                *(record(name, namespace=_space(name), **values) for name in HOSTILE),
                *(state(name, name, namespace=_space(name)) for name in HOSTILE),
                *(complete(name, _space(name)) for name in HOSTILE),
            )

            assert (outcome.errors, set(outcome.states)) == ([], set(HOSTILE))
            # What appends has them twice; and so has the retry of a generation that was published.
            expected = {
                name: [list(values.values())] * (1 if strategy.dedupes else times)
                for name, strategy in strategies.items()
            }
            assert {name: _listed(warehouse.data(name, _space(name))) for name in HOSTILE} == expected
        assert warehouse.data() == [{"id": 1}]
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("name", HOSTILE)
    def test_every_operation_on_tables_takes_a_hostile_name_as_a_name(self, bench: Bench, name: str) -> None:
        """Each method of the contract, on a namespace, a table and columns of that name."""
        rules = bench.connector.columns.naming
        safe = physical_name(name, rules)
        victim, others = bench.table("victim"), columns(id=Kind.INTEGER)
        bench.make(victim, others, row(1, id=1))
        space, of = (
            physical_name(f"space {name}", rules),
            columns(**{safe: Kind.STRING, "other": Kind.INTEGER}),
        )
        source, target = TableName(space, physical_name(f"{name} tmp", rules)), TableName(space, safe)
        twin = TableName(space, physical_name(f"{name} twin", rules))
        by = Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=(safe,), cursor=safe, columns=of)

        with bench.client.transaction():
            bench.client.create_namespace(space)
        bench.make(target, of, row(1, T1, **{safe: name, "other": 1}), key=(safe,))
        bench.make(source, of, row(2, T2, **{safe: name, "other": 2}), row(3, T1, **{safe: "b", "other": 3}))
        with bench.client.transaction():
            bench.client.expect_meta(target, f'{{"said": "{len(name)}"}}')
            bench.client.merge_table(source, target, by)
            bench.client.dedupe_table(target, by)
            counted = bench.client.count_rows(target)
        # Into a table of its own: no table has two rows of one raw id.
        bench.make(twin, of)
        with bench.client.transaction():
            copied = bench.client.copy_table(source, twin, of), bench.client.count_rows(twin)
            bench.client.drop_table(twin)
        merged = data(bench.rows(target, of))
        wider = columns(
            **{safe: Kind.JSON, "other": Kind.STRING, physical_name(f"+{name}", rules): Kind.DATE}
        )
        with bench.client.transaction():
            schema = TableSchema({c.name: bench.connector.columns.column_type(c.kind) for c in wider})
            bench.client.apply_changeset(target, diff(bench.client.discover_schema(target), schema))
            found = bench.client.discover_schema(target)
            bench.client.overwrite_table(source, target)
            there = [bench.client.table_exists(table) for table in (source, target)]
            bench.client.drop_table(target)

        assert copied == (2, 2)
        assert (counted, merged) == (2, [{safe: name, "other": 2}, {safe: "b", "other": 3}])
        assert (found, there) == (schema, [False, True])
        assert bench.destination.tables() == {victim}
        assert data(bench.rows(victim, others)) == [{"id": 1}]


def _space(name: str) -> str:
    return f"kit {name}"


def _listed(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [list(each.values()) for each in rows]
