"""The suite of sources that change: rows are updated and deleted, keys, cursors and columns are others than before."""

from typing import Any

import pytest

from connectors.testkit.harness.messages import (
    DATE_TIME,
    INTEGER,
    STRING,
    UNKNOWN,
    catalog,
    complete,
    record,
    stream,
)
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy

APPEND, DEDUP, APPEND_TRUNCATE = Strategy.APPEND, Strategy.DEDUP, Strategy.APPEND_TRUNCATE


class ChangingSourceSuite(WarehouseSuite):
    """Complete syncs of a stream that is not what it was."""

    # -- dedupe

    @pytest.mark.parametrize("key", [1, "8a3d8e3c-0b1f-4a67-9b4c-6f5a2f0e4f11"], ids=["number", "text"])
    @pytest.mark.parametrize("deletion", ["hard", "soft"])
    def test_a_cdc_source_updates_deletes_and_undeletes(
        self, warehouse: Warehouse, key: int | str, deletion: str
    ) -> None:
        """A key has one row, its latest; a deletion removes it, or is kept as its tombstone.

        Upstream: testDedup, testDedupWithStringKey.
        """
        fields = {
            "id1": INTEGER if isinstance(key, int) else STRING,
            "id2": INTEGER,
            "updated_at": DATE_TIME,
            "name": STRING,
            "_ab_cdc_deleted_at": DATE_TIME,
        }
        people = stream("people", DEDUP, fields, key=("id1", "id2"), cursor="updated_at")

        def person(id2: int, minute: int, name: str | None, **more: Any) -> bytes:
            moment = f"2000-01-01T00:{minute:02}:00Z"
            return record("people", id1=key, id2=id2, updated_at=moment, name=name, **more)

        def gone(id2: int, minute: int) -> bytes:
            return person(id2, minute, None, _ab_cdc_deleted_at=f"2000-01-01T00:{minute:02}:00Z")

        warehouse.sync(
            catalog(people),
            *(person(200, 0, "Alice1"), person(200, 1, "Alice2"), person(201, 2, "Bob1"), complete("people")),
            soft=deletion == "soft",
        )
        first = {(row["id2"], row["name"]) for row in warehouse.data("people")}
        warehouse.sync(
            catalog(people),
            *(person(200, 3, "Alice3"), person(201, 4, "Bob2"), gone(201, 5)),
            *(person(202, 6, "Charlie"), gone(202, 7), gone(203, 8), complete("people")),
            soft=deletion == "soft",
        )

        tombstones = {(201, None), (202, None), (203, None)} if deletion == "soft" else set()
        assert first == {(200, "Alice2"), (201, "Bob1")}
        assert {(row["id2"], row["name"]) for row in warehouse.data("people")} == {
            (200, "Alice3"),
            *tombstones,
        }

    @pytest.mark.parametrize("deletion", ["hard", "soft"])
    def test_what_a_cdc_source_deleted_can_come_back_and_go_again(
        self, warehouse: Warehouse, deletion: str
    ) -> None:
        """A key's life over four syncs, each of which is the later word."""
        fields = {"id": INTEGER, "name": STRING, "order": INTEGER, "_ab_cdc_deleted_at": DATE_TIME}
        lives = [
            ("born", None),
            (None, "2000-01-01T00:01:00Z"),
            ("again", None),
            (None, "2000-01-01T00:03:00Z"),
        ]
        seen = []

        for at, (name, deleted) in enumerate(lives):
            warehouse.sync(
                catalog(stream("users", DEDUP, fields, cursor="order")),
                record("users", **_values(id=1, name=name, order=at, _ab_cdc_deleted_at=deleted)),
                complete("users"),
                soft=deletion == "soft",
            )
            seen.append([row["name"] for row in warehouse.data()])

        gone: list[Any] = [None] if deletion == "soft" else []
        assert seen == [["born"], gone, ["again"], gone]

    @pytest.mark.parametrize(
        ("brings", "left"), [({}, None), ({"name": "Ann"}, "Ann")], ids=["the key", "all"]
    )
    def test_a_soft_delete_leaves_what_the_deletions_record_brings(
        self, warehouse: Warehouse, brings: dict[str, Any], left: str | None
    ) -> None:
        """The latest record of a key is its row; what it does not bring is null."""
        fields = {"id": INTEGER, "name": STRING, "_ab_cdc_lsn": INTEGER, "_ab_cdc_deleted_at": DATE_TIME}
        people = stream("people", DEDUP, fields, cursor="_ab_cdc_lsn")
        deleted = {"_ab_cdc_deleted_at": "2026-01-02T00:00:00Z", **brings}
        sent = (
            (
                record("people", id=1, name="Ann", _ab_cdc_lsn=1),
                record("people", id=2, name="Bob", _ab_cdc_lsn=2),
            ),
            (record("people", id=1, _ab_cdc_lsn=3, **deleted),),
        )
        for records in sent:
            warehouse.sync(catalog(people), *records, complete("people"), soft=True)

        rows = {row["id"]: row for row in warehouse.data("people")}
        assert {key: row["name"] for key, row in rows.items()} == {1: left, 2: "Bob"}
        assert [key for key, row in rows.items() if row["_ab_cdc_deleted_at"] is not None] == [1]

    def test_without_a_cursor_what_was_extracted_later_wins(self, warehouse: Warehouse) -> None:
        """The source says nothing of order, so its clock does; a record that comes late does not win by it.

        Upstream: testDedupNoCursor.
        """
        for at, name in ((1234, "a"), (5678, "b"), (3456, "c")):
            warehouse.sync(
                catalog(stream("users", DEDUP)), record("users", id=1234, name=name, at=at), complete("users")
            )

        assert warehouse.data() == [{"id": 1234, "name": "b", "updated": None}]

    def test_a_cursor_that_was_exchanged_starts_from_nothing(self, warehouse: Warehouse) -> None:
        """If no row has a value of the new cursor, whatever brings one is later.

        Upstream: testDedupChangeCursor.
        """
        for at, cursor in ((1000, "cursor1"), (2000, "cursor2")):
            fields = {"id": INTEGER, cursor: INTEGER, "name": STRING}
            warehouse.sync(
                catalog(stream("users", DEDUP, fields, cursor=cursor)),
                record("users", at=at, **_values(id=1, name=f"by {cursor}", **{cursor: 1})),
                complete("users"),
            )

        assert warehouse.data() == [{"id": 1, "cursor2": 1, "name": "by cursor2"}]

    def test_a_primary_key_that_was_exchanged_keeps_the_rows_of_the_old_one(
        self, warehouse: Warehouse
    ) -> None:
        """The old row's new key column is null, and so it is another key.

        Upstream: testDedupChangePk.
        """
        for second, name in (("id2", "foo_100"), ("id3", "foo_200")):
            fields = {"id1": INTEGER, second: INTEGER, "name": STRING}
            warehouse.sync(
                catalog(stream("users", DEDUP, fields, key=("id1", second))),
                record("users", **_values(id1=1, name=name, **{second: 200})),
                complete("users"),
            )

        assert [(row["id3"], row["name"]) for row in warehouse.data()] == [
            (None, "foo_100"),
            (200, "foo_200"),
        ]

    # -- a schema that changed between two syncs

    @pytest.mark.parametrize("strategy", [APPEND, DEDUP])
    def test_rows_that_stay_are_moved_to_the_new_schema(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A schema that changes loses no row, and a value only where the new type cannot hold it.

        Upstream: testAppendSchemaEvolution.
        """
        before = {"id": INTEGER, "to_drop": STRING, "to_change": INTEGER}
        after = {"id": INTEGER, "to_change": STRING, "to_add": STRING}

        warehouse.sync(
            catalog(stream("users", strategy, before)),
            record("users", id=42, to_drop="val1", to_change=42),
            complete("users"),
        )
        warehouse.sync(
            catalog(stream("users", strategy, after)),
            record("users", id=43, to_change="val2", to_add="val3"),
            complete("users"),
        )

        assert warehouse.data() == [
            {"id": 42, "to_change": "42", "to_add": None},
            {"id": 43, "to_change": "val2", "to_add": "val3"},
        ]

    def test_text_and_json_change_places(self, warehouse: Warehouse) -> None:
        """A text is no document, and a document that is a text is that text.

        Upstream: testAppendJsonSchemaEvolution.
        """
        for number, (a, b) in enumerate(((UNKNOWN, STRING), (STRING, UNKNOWN)), 1):
            warehouse.sync(
                catalog(stream("users", APPEND, {"a": a, "b": b})),
                record("users", a=f"foo{number}", b=f"bar{number}"),
                complete("users"),
            )

        assert warehouse.data() == [{"a": "foo1", "b": "bar1"}, {"a": "foo2", "b": "bar2"}]

    def test_a_truncate_brings_its_own_schema_and_the_next_sync_adds_to_it(
        self, warehouse: Warehouse
    ) -> None:
        """The table that is replaced has no say in the schema of the one that replaces it.

        Upstream: testOverwriteSchemaEvolution.
        """
        before = {"id": INTEGER, "to_drop": STRING, "to_change": INTEGER}
        after = {"id": INTEGER, "to_change": STRING, "to_add": STRING}
        new = _values(to_change="val2", to_add="val3")

        warehouse.sync(
            catalog(stream("users", APPEND, before, generation=1)), record("users", id=42), complete("users")
        )
        warehouse.sync(
            catalog(stream("users", APPEND_TRUNCATE, after, generation=2)),
            record("users", id=43, **new),
            complete("users"),
        )
        warehouse.sync(
            catalog(stream("users", APPEND, after, generation=2)),
            record("users", id=44, **new),
            complete("users"),
        )

        assert warehouse.data() == [{"id": 43, **new}, {"id": 44, **new}]


def _values(**fields: Any) -> dict[str, Any]:
    return fields
