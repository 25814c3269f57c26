"""The suite for what a table looks like and how it changes. What happens between the changes is no part of it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from connectors.testkit.harness.destination import Bench, Suite, needs
from connectors.testkit.harness.rows import VALUES, JsonText, Row, columns, data, row, without
from dataflow.errors import ConfigError
from dataflow.evolution import TableSchema, diff
from dataflow.names import physical_name
from dataflow.types import META, METADATA_COLUMNS, Column, Kind, Scalar, TableName

INT = columns(test=Kind.INTEGER)
ID_TEST = columns(id=Kind.STRING, test=Kind.INTEGER)
ALL_KINDS = columns(**{str(kind): kind for kind in Kind})
BEFORE = columns(
    id=Kind.INTEGER,
    updated_at=Kind.INTEGER,
    to_retain=Kind.STRING,
    to_change=Kind.INTEGER,
    to_drop=Kind.STRING,
)
AFTER = columns(
    id=Kind.INTEGER,
    updated_at=Kind.INTEGER,
    to_retain=Kind.STRING,
    to_change=Kind.STRING,
    to_add=Kind.STRING,
)
FUNNY = "~!@#$%^&*()`[]{}|;':\",./<>?"

K = Kind
# What a value becomes when its column changes from one kind to another: none where it does not fit, never another.
CONVERSIONS: Mapping[tuple[Kind, Kind], list[tuple[Any, Any]]] = {
    (K.INTEGER, K.STRING): [(42, "42"), (-(2**63), "-9223372036854775808")],
    (K.INTEGER, K.NUMBER): [(42, Decimal(42)), (2**63 - 1, Decimal(2**63 - 1))],
    (K.INTEGER, K.JSON): [(42, 42)],
    (K.NUMBER, K.INTEGER): [(Decimal(42), 42), (Decimal("42.5"), None), (Decimal(10**20), None)],
    (K.NUMBER, K.JSON): [(Decimal("0.5"), Decimal("0.5"))],
    (K.BOOLEAN, K.STRING): [(True, "true"), (False, "false")],
    (K.BOOLEAN, K.JSON): [(True, True), (False, False)],
    (K.DATE, K.STRING): [(date(2025, 1, 23), "2025-01-23")],
    (K.DATE, K.JSON): [(date(2025, 1, 23), "2025-01-23")],
    (K.STRING, K.INTEGER): [
        ("42", 42),
        ("-1", -1),
        ("42.5", None),
        ("9223372036854775808", None),
        ("forty-two", None),
        ("", None),
    ],
    (K.STRING, K.NUMBER): [
        ("42.5", Decimal("42.5")),
        ("-1e3", Decimal(-1000)),
        ("forty-two", None),
        ("NaN", None),
        ("Infinity", None),
        ("9" * 40, None),
    ],
    (K.STRING, K.BOOLEAN): [("true", True), ("false", False), ("maybe", None)],
    (K.STRING, K.DATE): [("2025-01-23", date(2025, 1, 23)), ("2025-02-30", None), ("infinity", None)],
    (K.STRING, K.TIME_WITHOUT_TIMEZONE): [("12:34:56", time(12, 34, 56)), ("noon-ish", None)],
    (K.STRING, K.TIME_WITH_TIMEZONE): [("11:34:56-01:00", "11:34:56-01:00"), ("noon-ish", None)],
    (K.STRING, K.TIMESTAMP_WITH_TIMEZONE): [
        ("2025-01-23T12:00:00Z", datetime(2025, 1, 23, 12, tzinfo=UTC)),
        ("soon", None),
        ("infinity", None),
    ],
    (K.STRING, K.TIMESTAMP_WITHOUT_TIMEZONE): [
        ("2025-01-23T12:00:00", datetime(2025, 1, 23, 12)),  # noqa: DTZ001 - the point is that there is no zone
        ("soon", None),
        ("-infinity", None),
    ],
    (K.STRING, K.JSON): [("foo", "foo"), ('{"foo": "bar"}', '{"foo": "bar"}'), ("", "")],
    (K.JSON, K.STRING): [("foo", "foo"), (True, "true"), (0, "0"), (JsonText("null"), None)],
    (K.JSON, K.INTEGER): [(42, 42), ("42", 42), (Decimal("42.5"), None), ({"foo": "bar"}, None)],
    (K.JSON, K.NUMBER): [(Decimal("42.5"), Decimal("42.5")), ({"foo": "bar"}, None)],
    (K.JSON, K.BOOLEAN): [(True, True), ([], None)],
    (K.JSON, K.DATE): [("2025-01-23", date(2025, 1, 23)), ([], None)],
}


class SchemaEvolutionSuite(Suite):
    """TableSchemaEvolutionClient keeps `connectors.contract`."""

    def test_every_kind_of_column_is_discovered_as_it_was_asked_for(self, bench: Bench) -> None:
        bench.make(bench.table("users"), ALL_KINDS)

        assert _discovered(bench) == _schema(bench, ALL_KINDS)

    def test_the_metadata_columns_are_there_and_no_part_of_the_schema(self, bench: Bench) -> None:
        bench.make(bench.table("users"), INT, row(1))

        assert set(bench.rows(bench.table("users"), INT)[0]) == {*METADATA_COLUMNS, "test"}
        assert list(_discovered(bench).columns) == ["test"]

    def test_a_table_as_asked_for_differs_in_nothing(self, bench: Bench) -> None:
        bench.make(bench.table("users"), ALL_KINDS, key=("string",))

        assert diff(_discovered(bench), _schema(bench, ALL_KINDS)).is_noop

    def test_an_added_column_has_its_type_and_is_null_in_the_rows(self, bench: Bench) -> None:
        bench.make(bench.table("users"), INT, row(1, test=42))
        expected = (*INT, *columns(added=Kind.DATE))

        _evolve(bench, expected)

        assert _discovered(bench) == _schema(bench, expected)
        assert data(bench.rows(bench.table("users"), expected)) == [{"test": 42, "added": None}]

    def test_a_dropped_column_is_gone_and_the_others_keep_their_values(self, bench: Bench) -> None:
        bench.make(bench.table("users"), ID_TEST, row(1, id="a", test=42))

        _evolve(bench, INT)

        assert _discovered(bench) == _schema(bench, INT)
        assert bench.rows(bench.table("users"), INT) == [row(1, test=42)]

    def test_a_changed_column_has_its_new_type_and_the_values_in_it(self, bench: Bench) -> None:
        bench.make(bench.table("users"), INT, row(1, test=42), row(2, test=None))
        expected = columns(test=Kind.STRING)

        _evolve(bench, expected)

        assert _discovered(bench) == _schema(bench, expected)
        assert bench.rows(bench.table("users"), expected) == [row(1, test="42"), row(2, test=None)]

    @needs(undoes_tables=True)
    def test_a_changeset_is_undone_with_its_transaction(self, bench: Bench) -> None:
        table, written = bench.table("users"), row(1, id="a", test=42)
        bench.make(table, ID_TEST, written)
        changeset = diff(_discovered(bench), _schema(bench, columns(test=Kind.STRING, other=Kind.DATE)))

        with bench.undone():
            bench.client.apply_changeset(table, changeset)

        assert _discovered(bench) == _schema(bench, ID_TEST)
        assert bench.rows(table, ID_TEST) == [written]

    @pytest.mark.parametrize("key", [(), ("id",)])
    def test_after_a_changeset_the_table_is_what_was_asked_for(
        self, bench: Bench, key: tuple[str, ...]
    ) -> None:
        """Upstream's four `apply changeset` tests: rows and their metadata survive adding, dropping, changing."""
        table = bench.table("users")
        kept = {"id": 1234, "updated_at": 5678, "to_retain": "to_retain original value"}
        bench.make(table, BEFORE, row(1, **kept, to_change=42, to_drop="gone"), key=key)

        _evolve(bench, AFTER)

        assert _discovered(bench) == _schema(bench, AFTER)
        assert bench.rows(table, AFTER) == [row(1, **kept, to_change="42", to_add=None)]

    def test_a_column_of_the_primary_key_can_be_dropped_and_changed(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, ID_TEST, row(1, id="42", test=7), key=("id", "test"))
        expected = columns(id=Kind.INTEGER, other=Kind.STRING)

        _evolve(bench, expected)

        assert data(bench.rows(table, expected)) == [{"id": 42, "other": None}]

    def test_a_changed_table_takes_rows_of_its_new_columns(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, BEFORE, row(1, to_change=42))
        _evolve(bench, AFTER)

        with bench.client.transaction():
            bench.insert(table, AFTER, row(2, to_change="forty-three", to_add="new"))

        assert [(r["to_change"], r["to_add"]) for r in bench.rows(table, AFTER)] == [
            ("42", None),
            ("forty-three", "new"),
        ]

    @pytest.mark.parametrize(("kind", "new"), CONVERSIONS)
    def test_a_value_is_converted_where_it_fits_and_nulled_where_not(
        self, bench: Bench, kind: Kind, new: Kind
    ) -> None:
        table, of = bench.table("users"), columns(value=new)
        values = dict(enumerate([*CONVERSIONS[kind, new], (None, None)]))
        bench.make(table, columns(value=kind), *(row(n, value=old) for n, (old, _) in values.items()))

        _evolve(bench, of)

        found = {n: (values[n][0], r["value"]) for n, r in enumerate(bench.rows(table, of))}
        assert found == values

    def test_a_value_that_a_narrowed_column_cannot_hold_is_nulled_and_noted(self, bench: Bench) -> None:
        """Never lost in silence: the row says which of its cells is null because it had to be."""
        table, of = bench.table("users"), columns(test=Kind.INTEGER)
        texts = ["forty-two", "", "9223372036854775808"]
        bench.make(table, columns(test=Kind.STRING), *(row(n, test=text) for n, text in enumerate(texts)))

        _evolve(bench, of)

        noted = {"changes": [_nulled("test")]}
        assert bench.rows(table, of) == [{**row(n, test=None), META: noted} for n in range(3)]

    def test_a_value_that_fits_and_one_that_is_null_are_not_noted(self, bench: Bench) -> None:
        table, of = bench.table("users"), columns(test=Kind.INTEGER)
        meta = {"sync_id": 7, "changes": []}
        values = enumerate(["42", None, "forty-two"])
        rows = [{**row(n, test=value), META: meta} for n, value in values]
        bench.make(table, columns(test=Kind.STRING), *rows)

        _evolve(bench, of)

        found = bench.rows(table, of)
        assert [r["test"] for r in found] == [42, None, None]
        assert [r[META] for r in found] == [meta, meta, {"sync_id": 7, "changes": [_nulled("test")]}]

    def test_what_a_row_noted_before_is_kept_and_comes_first(self, bench: Bench) -> None:
        table, of = bench.table("users"), columns(test=Kind.INTEGER)
        before = {"field": 'o"ther', "change": "TRUNCATED", "reason": "SOURCE_FIELD_SIZE_LIMITATION"}
        meta = {"sync_id": 2**63 - 1, "changes": [before]}
        bench.make(table, columns(test=Kind.STRING), {**row(1, test="forty-two"), META: meta})

        _evolve(bench, of)

        assert [r[META] for r in bench.rows(table, of)] == [{**meta, "changes": [before, _nulled("test")]}]

    def test_each_column_of_a_changeset_notes_its_own_values(self, bench: Bench) -> None:
        """With a column that widens, one that comes and one that goes beside them, and a name that needs quoting."""
        rules, table = bench.connector.columns.naming, bench.table("users")
        odd = physical_name("narrow" + FUNNY, rules)
        bench.make(
            table,
            columns(day=K.STRING, **{odd: K.JSON}, wider=K.INTEGER, gone=K.STRING),
            row(1, day="someday", **{odd: [1]}, wider=1, gone="x"),
            row(2, day="2025-01-23", **{odd: "soon"}, wider=2, gone="x"),
            row(3, day="2025-02-30", **{odd: 42}, wider=3, gone="x"),
            row(4, day="2025-01-23", **{odd: 42}, wider=4, gone="x"),
        )
        expected = columns(day=K.DATE, **{odd: K.INTEGER}, wider=K.STRING, new=K.STRING)

        _evolve(bench, expected)

        found = bench.rows(table, expected)
        noted = [[change["field"] for change in r[META].get("changes", [])] for r in found]
        assert [sorted(fields) for fields in noted] == [sorted(["day", odd]), [odd], ["day"], []]
        assert [(r["day"], r[odd]) for r in found] == [
            (None, None),
            (date(2025, 1, 23), None),
            (None, 42),
            (date(2025, 1, 23), 42),
        ]
        assert [(r["wider"], r["new"]) for r in found] == [(str(n), None) for n in (1, 2, 3, 4)]

    def test_text_survives_the_way_into_json_and_back(self, bench: Bench) -> None:
        """Upstream's fixture for string and unknown types; what looks like JSON is no less a text."""
        texts = ['"foo"', '{"foo": "bar"}', "true", "0", "foo", "", "null", 'a"b\\c\n']
        table = bench.table("users")
        bench.make(table, columns(test=Kind.STRING), *(row(n, test=text) for n, text in enumerate(texts)))

        for kind in (Kind.JSON, Kind.STRING):
            _evolve(bench, columns(test=kind))

        assert [r["test"] for r in bench.rows(table, columns(test=Kind.STRING))] == texts

    def test_a_document_as_text_still_says_the_same(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, columns(test=Kind.JSON), row(1, test={"foo": ["bar", 1]}))

        for kind in (Kind.STRING, Kind.INTEGER):
            _evolve(bench, columns(test=kind))

        assert [r["test"] for r in bench.rows(table, columns(test=Kind.INTEGER))] == [None]

    def test_any_kind_can_become_any_other_and_no_row_is_lost(self, bench: Bench) -> None:
        table = bench.table("users")
        pairs = [(old, new) for old in Kind for new in Kind if old is not new]
        before = columns(**{f"{old}_to_{new}"[:60]: old for old, new in pairs}, keep=Kind.STRING)
        after = columns(**{f"{old}_to_{new}"[:60]: new for old, new in pairs}, keep=Kind.STRING)
        most = max(map(len, VALUES.values()))
        rows = [row(n, keep=f"row {n}", **_values(before, n)) for n in range(most)]
        bench.make(table, before, *rows)

        _evolve(bench, after)

        changed = [META, *(name.name for name in before if name.name != "keep")]
        assert _discovered(bench) == _schema(bench, after)
        kept = without((row(n, keep=f"row {n}") for n in range(most)), META)
        assert without(bench.rows(table, ()), *changed) == kept

    def test_names_of_punctuation_can_be_added_dropped_and_changed(self, bench: Bench) -> None:
        rules, table = bench.connector.columns.naming, bench.table("users")
        add, drop, change = (physical_name(word + FUNNY, rules) for word in ("add", "drop", "change"))
        bench.make(table, columns(**{drop: K.STRING, change: K.STRING}), row(1, **{drop: "x", change: "42"}))
        expected = columns(**{change: K.INTEGER, add: K.STRING})

        _evolve(bench, expected)

        assert _discovered(bench) == _schema(bench, expected)
        assert data(bench.rows(table, expected)) == [{change: 42, add: None}]

    @needs(foreign_tables=True)
    def test_a_table_without_airbytes_columns_is_refused_and_untouched(self, bench: Bench) -> None:
        table = bench.table("users")
        assert bench.destination.make_foreign is not None
        bench.destination.make_foreign(table)

        with pytest.raises(ConfigError, match="users"), bench.client.transaction():
            bench.client.discover_schema(table)

        assert bench.destination.read(table) == []


def _nulled(column: str) -> Row:
    return {"field": column, "change": "NULLED", "reason": "DESTINATION_TYPECAST_ERROR"}


def _schema(bench: Bench, of: tuple[Column, ...]) -> TableSchema:
    return TableSchema({c.name: bench.connector.columns.column_type(c.kind) for c in of})


def _discovered(bench: Bench) -> TableSchema:
    with bench.client.transaction():
        return bench.client.discover_schema(bench.table("users"))


def _evolve(bench: Bench, to: tuple[Column, ...], table: TableName | None = None) -> None:
    changed = table or bench.table("users")
    with bench.client.transaction():
        changeset = diff(bench.client.discover_schema(changed), _schema(bench, to))
        bench.client.apply_changeset(changed, changeset)


def _values(of: tuple[Column, ...], number: int) -> Row:
    return {
        c.name: values[number]
        for c in of
        if isinstance(c.type, Scalar) and number < len(values := VALUES[c.kind]) and c.name != "keep"
    }
