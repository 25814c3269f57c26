"""The suite of undisturbed syncs: what each sync mode leaves in the table, and that nothing else is left."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.testkit.harness.destination import needs
from connectors.testkit.harness.messages import (
    INTEGER,
    catalog,
    complete,
    global_state,
    record,
    state,
    stream,
    users,
)
from connectors.testkit.harness.model import Stint, User, found, published
from connectors.testkit.harness.rows import data
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, TableName

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
FIRST = (User(1, "a", 10), User(2, "b", 10), User(1, "c", 20), User(2, "d", 5))
SECOND = (User(2, "e", 30), User(3, "f", 1), User(1, "g", 15), User(3, "h", 1))


class SyncSuite(WarehouseSuite):
    """Complete syncs, one after the other."""

    # -- the four strategies

    @pytest.mark.parametrize("strategy", Strategy)
    def test_syncs_in_a_row_leave_what_the_sync_mode_says(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The sync mode alone decides what stays; each sync is of a new generation, as a refresh makes it.

        Upstream: testAppend.
        """
        expected: list[User] = []
        for generation, sent in enumerate((FIRST, SECOND, (), FIRST), 1):
            stint = Stint(strategy, generation, sent)
            outcome = warehouse.sync(
                catalog(users(strategy, generation)), *(u.message() for u in sent), complete("users")
            )
            expected = published(expected, strategy, stint.users)

            assert (outcome.exit_code, outcome.errors) == (0, [])
            assert found(warehouse.rows()) == sorted(expected)
            assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_stream_without_records_makes_an_empty_table(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A stream of nothing is published like any other: its table is there to be queried.

        Upstream: testNoData.
        """
        outcome = warehouse.sync(catalog(users(strategy)), complete("users"))

        assert outcome.exit_code == 0
        assert warehouse.rows() == []
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_a_truncate_without_records_empties_the_table(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Nothing is the new truth: rows of the old generation do not outlive it.

        Upstream: testTruncateRefreshNoData.
        """
        warehouse.sync(catalog(users(strategy, 12)), record("users", id=42), complete("users"))

        warehouse.sync(catalog(users(strategy, 13)), complete("users"))

        assert warehouse.rows() == []

    def test_a_clear_is_acknowledged_and_leaves_an_empty_table(self, warehouse: Warehouse) -> None:
        """A clear is a sync of no record, whose GLOBAL state has a shared state of null.

        Upstream: testClear.
        """
        outcome = warehouse.sync(
            catalog(users(APPEND_TRUNCATE)), global_state(None, count=0), complete("users")
        )

        assert (outcome.exit_code, outcome.states) == (0, [None])
        assert warehouse.rows() == []

    @pytest.mark.parametrize("strategy", Strategy)
    def test_records_without_columns_have_their_metadata(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A record without a column is a row; what dedupes needs a key, and so a column.

        Upstream: testNoColumns.
        """
        fields = {"id": INTEGER} if strategy.dedupes else {}
        configured = catalog(stream("users", strategy, fields))

        for number in range(2):
            values: dict[str, Any] = {"id": number} if strategy.dedupes else {}
            warehouse.sync(configured, record("users", **values), complete("users"))

        expected = [{"id": 0}, {"id": 1}] if strategy.dedupes else [{}, {}]
        assert warehouse.data() == expected

    def test_many_streams_complete(self, warehouse: Warehouse) -> None:
        """Each stream has its own life; twenty-one of them hinder each other in nothing.

        Upstream: testManyStreamsCompletion.
        """
        names = [f"stream_{number}" for number in range(21)]

        outcome = warehouse.sync(
            catalog(*(users(APPEND_TRUNCATE, 42, name) for name in names)),
            *(record(name, id=number) for number, name in enumerate(names)),
            *(complete(name) for name in names),
        )

        assert outcome.exit_code == 0
        assert [warehouse.data(name)[0]["id"] for name in names] == list(range(21))
        assert warehouse.left_behind() == set()

    @needs(file_transfer=True)
    def test_a_file_that_a_record_refers_to_is_there_under_its_path(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        """A record of a file is durable when the file is.

        Upstream: testBasicWriteFile.
        """
        staged = tmp_path / "staged"
        staged.write_bytes(b"123")
        reference = {
            "staging_file_url": str(staged),
            "source_file_relative_path": "path/to/file",
            "file_size_bytes": 3,
        }
        line = json.loads(record("users", id=1))
        line["record"]["file_reference"] = reference

        outcome = warehouse.sync(
            catalog(users(APPEND)), json.dumps(line).encode() + b"\n", state("users", 1), complete("users")
        )

        assert warehouse.destination.read_file is not None
        assert (outcome.exit_code, outcome.states) == (0, [1])
        assert warehouse.destination.read_file("path/to/file") == b"123"

    # -- what a row is

    def test_a_row_says_when_in_which_sync_and_with_which_changes_it_came(self, warehouse: Warehouse) -> None:
        """The source's own changes stand before ours, and a record is counted once.

        Upstream: testBasicWrite.
        """
        change = {"field": "foo", "change": "NULLED", "reason": "SOURCE_FIELD_SIZE_LIMITATION"}
        sent = record("users", id=5678, name={}, at=1234, changes=[change])

        outcome = warehouse.sync(
            catalog(stream("users", APPEND, generation=7)),
            sent,
            state("users", "bar", count=1),
            complete("users"),
        )

        (row,) = warehouse.rows()
        assert data([row]) == [{"id": 5678, "name": "{}", "updated": None}]
        assert row[EXTRACTED_AT] == datetime.fromtimestamp(1.234, UTC)
        assert row[GENERATION_ID] == 7
        assert row[META] == {"sync_id": 42, "changes": [change]}
        assert [s["destinationStats"]["recordCount"] for s in outcome.emitted] == [1.0]
        assert [s["committedRecordsCount"] for s in outcome.emitted] == [1]

    def test_a_cell_that_does_not_fit_is_nulled_and_its_row_kept(self, warehouse: Warehouse) -> None:
        """Exact values or none: a value is never replaced by another, and never the reason of a failed sync."""
        warehouse.sync(
            catalog(users(APPEND)),
            record("users", id=1, updated="yesterday"),
            record("users", id=2, updated=2**63),
            record("users", id=3, updated=2**63 - 1),
            complete("users"),
        )

        rows = warehouse.rows()
        reasons = [[change["reason"] for change in row[META]["changes"]] for row in rows]
        assert [row["updated"] for row in rows] == [None, None, 2**63 - 1]
        assert reasons == [
            ["DESTINATION_SERIALIZATION_ERROR"],
            ["DESTINATION_FIELD_SIZE_LIMITATION"],
            [],
        ]

    def test_numbers_keep_the_digits_that_their_column_holds(self, warehouse: Warehouse) -> None:
        """Decimals never pass through a float."""
        text = "12345678901234567890123456789.123456789"
        raw = record("users", id=1, amount=0).replace(b'"amount": 0', f'"amount": {text}'.encode())

        warehouse.sync(
            catalog(stream("users", APPEND, {"id": INTEGER, "amount": {"type": "number"}})),
            raw,
            complete("users"),
        )

        assert warehouse.data() == [{"id": 1, "amount": Decimal(text)}]

    def test_streams_of_one_name_in_three_namespaces_are_three_tables(self, warehouse: Warehouse) -> None:
        """A stream without namespace goes to the configured default.

        Upstream: testNamespaces.
        """
        spaces = ("kit_1", "kit_2", None)

        warehouse.sync(
            catalog(*(stream("users", APPEND, namespace=space) for space in spaces)),
            *(record("users", id=number, namespace=space) for number, space in enumerate(spaces)),
            *(complete("users", space) for space in spaces),
        )

        assert [warehouse.data("users", space)[0]["id"] for space in spaces] == [0, 1, 2]
        assert warehouse.left_behind() == set()

    # -- other readers of the table

    @needs(foreign_tables=True)
    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_table_that_is_not_airbytes_is_never_written_to_nor_replaced(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A person's table of the stream's name would be lost to a swap."""
        warehouse.sync(catalog(users(APPEND, name="others")), complete("others"))
        others = warehouse.tables("others").final
        foreign = TableName(others.namespace, "users")
        assert warehouse.destination.make_foreign is not None
        warehouse.destination.make_foreign(foreign)

        outcome = warehouse.sync(catalog(users(strategy)), record("users", id=1), complete("users"))

        assert outcome.exit_code == 1
        assert {error["failure_type"] for error in outcome.errors} == {"config_error"}
        assert warehouse.destination.read(foreign) == []
        assert warehouse.destination.tables() == {others, foreign}

    @pytest.mark.parametrize("strategy", [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_a_reader_sees_the_old_table_or_the_new_one_and_nothing_in_between(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Readers never meet a missing, empty or half-filled table, at any moment of a sync."""
        old, new = (
            [record("users", id=number, name=name) for number in range(200)] for name in ("old", "new")
        )
        warehouse.sync(catalog(users(strategy, 1)), *old, complete("users"))
        over, seen, read = threading.Event(), [], threading.Event()

        def look() -> None:
            while not over.is_set():
                seen.append([row["name"] for row in warehouse.data()])
                read.set()

        def feed() -> Iterator[bytes]:
            read.wait(10)
            yield from new[:100]
            yield state("users", 1)
            yield from new[100:]
            yield complete("users")

        with _running(look, over):
            warehouse.sync(catalog(users(strategy, 2)), feed=feed())

        assert {(len(names), *set(names)) for names in seen} <= {(200, "old"), (200, "new")}
        assert (200, "old") in {(len(names), *set(names)) for names in seen}


class _running:  # noqa: N801 - a context manager, used like a function
    """Lets a thread run until the block is left; what it raised is raised there."""

    def __init__(self, work: Callable[[], None], stop: threading.Event) -> None:
        self._stop = stop
        self._work = work
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the test
            self._error = error
