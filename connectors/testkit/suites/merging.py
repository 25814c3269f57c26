"""The suite for what rows mean to each other: which is the latest of a key, what a merge and a dedupe leave."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve, frozen

from connectors.testkit.harness.destination import Bench, Destination, Suite, open_bench
from connectors.testkit.harness.rows import T0, T1, T2, T3, VALUES, Row, columns, row
from dataflow.catalog import Strategy
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, RAW_ID, Column, Kind
from machines.operations import Recipe

CDC = columns(id=Kind.STRING, test=Kind.INTEGER, **{CDC_DELETED_AT: Kind.INTEGER}, description=Kind.STRING)
PLAIN = columns(id=Kind.INTEGER, cursor=Kind.INTEGER, name=Kind.STRING)
DELETED = 1234


def recipe(of: tuple[Column, ...], *key: str, cursor: str | None = None) -> Recipe:
    """A recipe for these columns."""
    return Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=key, cursor=cursor, columns=of)


@frozen(kw_only=True)
class Upsert:
    """What is in the table for a key, what comes, and which of all these rows is there in the end."""

    existing: Row | None = None
    incoming: tuple[Row, ...] = ()
    hard: Row | None
    # With soft deletes, where that is another row.
    soft: Row | None


def _upserts() -> dict[str, Upsert]:
    """Every relation of a row to what is there: by cursor, then by extraction, with and without deletion."""
    numbers = iter(range(100))

    def seen(key: int, cursor: int, at: Any, deleted: int | None = None) -> Row:
        number = next(numbers)
        return row(
            number, at, id=str(key), test=cursor, description=f"row {number}", **{CDC_DELETED_AT: deleted}
        )

    def case(existing: Row | None, *incoming: Row, left: Row | None, tombstone: Row | None = None) -> Upsert:
        return Upsert(existing=existing, incoming=incoming, hard=left, soft=tombstone or left)

    return {
        "an insert": case(None, new := seen(0, 1000, T2), left=new),
        "nothing new": case(old := seen(1, 1, T1), left=old),
        "a delete": case(seen(3, 3, T1), gone := seen(3, 1002, T2, DELETED), left=None, tombstone=gone),
        "insert, then delete": case(
            None, seen(5, 5, T2), gone := seen(5, 5, T3, DELETED), left=None, tombstone=gone
        ),
        "insert, then update": case(None, seen(6, 6, T2), new := seen(6, 6, T3), left=new),
        "delete, then insert": case(None, seen(7, 7, T2, DELETED), new := seen(7, 7, T3), left=new),
        "an older cursor, extracted later": case(old := seen(8, 1008, T1), seen(8, 8, T2), left=old),
        "the same cursor, extracted later": case(seen(9, 9, T1), new := seen(9, 9, T2), left=new),
        "a later cursor, extracted later": case(seen(10, 10, T1), new := seen(10, 1010, T2), left=new),
        "an older cursor, same time": case(old := seen(11, 1011, T1), seen(11, 11, T1), left=old),
        "a later cursor, same time": case(seen(12, 12, T1), new := seen(12, 1012, T1), left=new),
        "an older cursor, extracted before": case(old := seen(13, 1013, T1), seen(13, 13, T0), left=old),
        "the same cursor, extracted before": case(old := seen(14, 14, T1), seen(14, 14, T0), left=old),
        "a later cursor, extracted before": case(seen(15, 15, T1), new := seen(15, 1015, T0), left=new),
        "a late delete": case(old := seen(16, 1016, T2), seen(16, 16, T1, DELETED), left=old),
        "a delete of nothing": case(None, gone := seen(17, 17, T1, DELETED), left=None, tombstone=gone),
        "brought back": case(seen(18, 18, T1, DELETED), new := seen(18, 1018, T2), left=new),
        "an update of before the delete": case(
            old := seen(19, 1019, T2, DELETED), seen(19, 19, T1), left=old
        ),
        "deleted again": case(
            seen(20, 20, T1, DELETED), gone := seen(20, 1020, T2, DELETED), left=None, tombstone=gone
        ),
        "update, then delete": case(
            seen(21, 21, T1), seen(21, 22, T2), gone := seen(21, 23, T3, DELETED), left=None, tombstone=gone
        ),
        "delete, insert, delete": case(
            seen(22, 22, T0),
            seen(22, 23, T1, DELETED),
            seen(22, 24, T2),
            gone := seen(22, 25, T3, DELETED),
            left=None,
            tombstone=gone,
        ),
        "the same cursor, deleted later": case(
            seen(23, 23, T1), gone := seen(23, 23, T2, DELETED), left=None, tombstone=gone
        ),
    }


UPSERTS = _upserts()


class MergeSuite(Suite):
    """`merge_table` and `dedupe_table` keep `connectors.contract`."""

    @pytest.fixture(params=["hard", "soft"])
    def deletion(self, request: pytest.FixtureRequest) -> str:
        """What the destination does with a row that a CDC record deletes."""
        return str(request.param)

    @pytest.fixture
    def deleting(self, destination: Destination, deletion: str) -> Iterator[Bench]:
        """A bench in that deletion mode."""
        with open_bench(destination, soft=deletion == "soft") as bench:
            yield bench

    # -- one rule a test

    def test_a_merge_keeps_of_each_key_the_row_of_the_higher_cursor(self, bench: Bench) -> None:
        left = _merged(
            bench,
            recipe(PLAIN, "id", cursor="cursor"),
            existing=[row(1, id=1, cursor=1, name="old"), row(2, id=2, cursor=9, name="kept")],
            incoming=[
                row(3, id=1, cursor=2, name="new"),
                row(4, id=2, cursor=8, name="late"),
                row(5, id=3, cursor=0, name="first"),
            ],
        )

        assert left == {1: "new", 2: "kept", 3: "first"}

    def test_a_null_cursor_is_the_oldest(self, bench: Bench) -> None:
        left = _merged(
            bench,
            recipe(PLAIN, "id", cursor="cursor"),
            existing=[row(1, T1, id=1, cursor=-5, name="kept"), row(2, T1, id=2, cursor=None, name="old")],
            incoming=[row(3, T2, id=1, cursor=None, name="late"), row(4, T0, id=2, cursor=-5, name="new")],
        )

        assert left == {1: "kept", 2: "new"}

    def test_a_null_key_equals_a_null_key(self, bench: Bench) -> None:
        left = _merged(
            bench,
            recipe(PLAIN, "id"),
            existing=[row(1, T1, id=None, name="old"), row(2, T1, id=0, name="zero")],
            incoming=[row(3, T2, id=None, name="new")],
        )

        assert left == {None: "new", 0: "zero"}

    def test_a_deletion_removes_the_row_of_its_key_or_leaves_its_own_record(
        self, deleting: Bench, deletion: str
    ) -> None:
        gone = row(2, T2, id="1", test=2, **{CDC_DELETED_AT: DELETED})
        deleting.make(deleting.table("users"), CDC, row(1, T1, id="1", test=1), key=("id",))
        deleting.make(deleting.table("users_tmp"), CDC, gone)

        _merge(deleting, recipe(CDC, "id", cursor="test"))

        left = [{**gone, "description": None}] if deletion == "soft" else []
        assert deleting.rows(deleting.table("users"), CDC) == left

    @pytest.mark.parametrize("name", ["s", "t", "source", "target", "ranked", "r", "new", "latest"])
    def test_a_json_column_may_have_a_name_that_a_statement_uses(self, bench: Bench, name: str) -> None:
        """In some databases `t.id` may mean the member `id` of the column `t`."""
        of = columns(id=Kind.INTEGER, cursor=Kind.INTEGER, **{name: Kind.JSON})
        target, source = bench.table("users"), bench.table("users_tmp")
        kept, new = row(2, id=2, cursor=9, **{name: {"id": 1}}), row(3, id=1, cursor=2, **{name: {"id": 2}})
        bench.make(target, of, row(1, id=1, cursor=1, **{name: {"id": 9}}), kept, key=("id",))
        bench.make(source, of, new, row(4, id=2, cursor=8, **{name: {"id": 9}}))

        _merge(bench, recipe(of, "id", cursor="cursor"))

        assert bench.rows(target, of) == [kept, new]

    # -- all of them

    def test_a_merge_leaves_the_latest_row_of_each_key(self, deleting: Bench, deletion: str) -> None:
        """Upstream's fixture for `upsert tables`, in both deletion modes."""
        target, source = deleting.table("users"), deleting.table("users_tmp")
        deleting.make(target, CDC, *(u.existing for u in UPSERTS.values() if u.existing), key=("id",))
        deleting.make(source, CDC, *(r for u in UPSERTS.values() for r in u.incoming))

        _merge(deleting, recipe(CDC, "id", cursor="test"))

        assert _by_case(deleting.rows(target, CDC)) == _left(deletion)

    def test_a_dedupe_leaves_the_latest_row_of_each_key(self, deleting: Bench, deletion: str) -> None:
        table = deleting.table("users")
        everything = [r for u in UPSERTS.values() for r in (u.existing, *u.incoming) if r]
        deleting.make(table, CDC, *everything)

        with deleting.client.transaction():
            deleting.client.dedupe_table(table, recipe(CDC, "id", cursor="test"))

        # Here no mark was in the table before: each is of what was just brought.
        of_marks = {name for name, (left,) in _left("hard").items() if left[CDC_DELETED_AT] is not None}
        expected = {n: left for n, left in _left(deletion).items() if deletion == "soft" or n not in of_marks}
        assert _by_case(deleting.rows(table, CDC)) == expected

    def test_a_repeated_merge_changes_nothing(self, deleting: Bench) -> None:
        target, source = deleting.table("users"), deleting.table("users_tmp")
        deleting.make(target, CDC, *(u.existing for u in UPSERTS.values() if u.existing), key=("id",))
        deleting.make(source, CDC, *(r for u in UPSERTS.values() for r in u.incoming))
        _merge(deleting, recipe(CDC, "id", cursor="test"))
        once = deleting.rows(target, CDC)

        _merge(deleting, recipe(CDC, "id", cursor="test"))

        assert deleting.rows(target, CDC) == once

    @pytest.mark.parametrize("kind", [Kind.STRING, Kind.JSON])
    def test_a_mark_that_is_an_empty_text_deletes_nothing(self, bench: Bench, kind: Kind) -> None:
        """It is no time of deletion: some sources write it for rows that live."""
        of = columns(id=Kind.INTEGER, **{CDC_DELETED_AT: kind}, name=Kind.STRING)
        existing: list[Row] = [row(n, T0, id=n, name="old") for n in (1, 2)]
        marks = {1: "", 2: "2026-01-01", 3: "", 4: "2026-01-01", 5: None}
        incoming: list[Row] = [
            row(2 + n, T1, id=n, name="new", **{CDC_DELETED_AT: mark}) for n, mark in marks.items()
        ]

        left = _merged(bench, recipe(of, "id"), existing=existing, incoming=incoming)

        assert left == dict.fromkeys((1, 3, 5), "new")
        table = bench.table("deduped")
        bench.make(table, of, *existing, *incoming)
        with bench.client.transaction():
            bench.client.dedupe_table(table, recipe(of, "id"))
        assert sorted(each["id"] for each in bench.rows(table, of)) == [1, 3, 5]

    def test_an_update_of_before_the_delete_does_not_bring_the_row_back(self, deleting: Bench) -> None:
        """A mark that is in the table is a row like any other, also where marks of the delta remove rows."""
        mark = row(1, T2, id="1", test=10, description="gone", **{CDC_DELETED_AT: DELETED})
        deleting.make(deleting.table("users"), CDC, mark, key=("id",))
        deleting.make(deleting.table("users_tmp"), CDC, row(2, T3, id="1", test=9))

        _merge(deleting, recipe(CDC, "id", cursor="test"))

        assert deleting.rows(deleting.table("users"), CDC) == [mark]

    def test_without_a_cursor_the_later_extraction_wins_and_then_the_raw_id(self, bench: Bench) -> None:
        extracted = [row(5, T1, id=1, name="earlier"), row(1, T2, id=1, name="later")]
        arrived = [row(2, T1, id=2, name="first"), row(3, T1, id=2, name="second")]

        left = _merged(bench, recipe(PLAIN, "id"), existing=[], incoming=[*extracted, *arrived])

        assert left == {1: "later", 2: "second"}

    def test_a_row_in_the_table_that_arrived_later_wins_a_tie(self, bench: Bench) -> None:
        existing, incoming = row(2, id=1, name="kept"), row(1, id=1, name="late")

        left = _merged(bench, recipe(PLAIN, "id"), existing=[existing], incoming=[incoming])

        assert left == {1: "kept"}

    def test_a_key_of_two_columns_is_one_key_even_where_one_is_null(self, bench: Bench) -> None:
        by, of = recipe(PLAIN, "id", "cursor"), PLAIN
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(
            target, of, row(1, T1, id=1, cursor=None), row(2, T1, id=1, cursor=2), key=("id", "cursor")
        )
        bench.make(source, of, row(3, T2, id=1, cursor=None), row(4, T2, id=None, cursor=1))

        _merge(bench, by)

        assert [r[RAW_ID] for r in bench.rows(target, of)] == [row(n)[RAW_ID] for n in (2, 3, 4)]

    def test_a_key_of_forty_columns_is_one_key(self, bench: Bench) -> None:
        """An index has fewer in some databases; it is not what makes a key."""
        names = [f"k{number}" for number in range(40)]
        of = columns(**dict.fromkeys(names, Kind.STRING), name=Kind.STRING)
        one: dict[str, Any] = dict.fromkeys(names, "a")
        other = one | {"k39": "b"}
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, of, row(1, T1, **one, name="old"), key=tuple(names))
        bench.make(source, of, row(2, T2, **one, name="new"), row(3, T2, **other, name="other"))

        _merge(bench, recipe(of, *names))

        assert [(r["k39"], r["name"]) for r in bench.rows(target, of)] == [("a", "new"), ("b", "other")]

    @pytest.mark.parametrize("length", [6_000, 60_000])
    def test_a_key_that_is_longer_than_an_index_holds_is_found_again(self, bench: Bench, length: int) -> None:
        of = columns(id=Kind.STRING, name=Kind.STRING)
        # No compression makes it shorter.
        key = "".join(sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(length))[:length]
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, of, row(1, T1, id="short", name="old"), key=("id",))
        for number, name in ((2, "new"), (3, "newer")):
            bench.make(source, of, row(number, T2, id=key, name=name))
            _merge(bench, recipe(of, "id"))
            with bench.client.transaction():
                bench.client.drop_table(source)

        assert [(r["id"], r["name"]) for r in bench.rows(target, of)] == [("short", "old"), (key, "newer")]

    @pytest.mark.parametrize("kind", [Kind.STRING, Kind.JSON])
    @pytest.mark.parametrize("length", [1_030, 70_000])
    def test_keys_that_differ_at_their_ends_alone_stay_keys(
        self, bench: Bench, length: int, kind: Kind
    ) -> None:
        of = columns(id=kind, name=Kind.STRING)
        keys = [f'"{"k" * length}{n}"' for n in range(3)]
        target, source = bench.table("users"), bench.table("users_tmp")
        came = [row(n + 1, T1, id=keys[n % 3], name=f"{n}") for n in range(6)]
        for table in (target, source):
            bench.make(table, of, *came, key=("id",))

        with bench.client.transaction():
            bench.client.dedupe_table(target, recipe(of, "id"))
        deduped = [each["name"] for each in bench.rows(target, of)]
        _merge(bench, recipe(of, "id"))

        assert deduped == ["3", "4", "5"]
        assert [each["name"] for each in bench.rows(target, of)] == ["3", "4", "5"]

    def test_duplicates_of_a_key_in_the_table_become_one_row(self, bench: Bench) -> None:
        """An append sync may have left them, before the stream was switched to dedupe."""
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, PLAIN, row(1, T1, id=1), row(2, T1, id=1), row(3, T1, id=2))
        bench.make(source, PLAIN, row(4, T2, id=1, name="new"))

        _merge(bench, recipe(PLAIN, "id"))

        assert [(r["id"], r["name"]) for r in bench.rows(target, PLAIN)] == [(2, None), (1, "new")]

    def test_duplicates_of_a_key_stay_where_one_of_them_is_later(self, bench: Bench) -> None:
        """What comes is then no news of the key, and a merge changes nothing that it brings no news of."""
        target, source = bench.table("users"), bench.table("users_tmp")
        by = recipe(PLAIN, "id", cursor="cursor")
        duplicates = [row(n, T1, id=1, cursor=n, name=f"row {n}") for n in (1, 2, 9)]
        bench.make(target, PLAIN, *duplicates, key=("id",))
        bench.make(source, PLAIN, row(10, T2, id=1, cursor=5, name="late"))

        _merge(bench, by)

        assert bench.rows(target, PLAIN) == duplicates

    @pytest.mark.parametrize("position", CDC_POSITIONS)
    def test_a_later_cdc_position_beats_a_later_extraction(self, bench: Bench, position: str) -> None:
        of = columns(id=Kind.INTEGER, **{position: Kind.INTEGER}, name=Kind.STRING)
        existing = row(1, T1, id=1, name="later in the log", **{position: 10})
        incoming = row(2, T2, id=1, name="earlier in the log", **{position: 9})

        left = _merged(bench, recipe(of, "id"), existing=[existing], incoming=[incoming])

        assert left == {1: "later in the log"}

    def test_a_position_in_the_log_file_counts_within_its_file(self, bench: Bench) -> None:
        file, offset = CDC_POSITIONS[1:3]
        of = columns(id=Kind.INTEGER, **{file: Kind.STRING, offset: Kind.INTEGER}, name=Kind.STRING)
        existing = row(1, id=1, name="old file", **{file: "bin.01", offset: 900})
        incoming = row(2, id=1, name="new file", **{file: "bin.02", offset: 4})

        left = _merged(bench, recipe(of, "id"), existing=[existing], incoming=[incoming])

        assert left == {1: "new file"}

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
    def test_a_key_of_any_kind_is_found_again(self, bench: Bench, kind: Kind) -> None:
        of = columns(id=kind, name=Kind.STRING)
        keys = VALUES[kind]
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, of, *(row(n, T1, id=v, name="old") for n, v in enumerate(keys)), key=("id",))
        bench.make(source, of, *(row(50 + n, T2, id=v, name="new") for n, v in enumerate(keys)))

        _merge(bench, recipe(of, "id"))

        assert [(r["id"], r["name"]) for r in bench.rows(target, of)] == [(key, "new") for key in keys]

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.JSON, Kind.BOOLEAN)])
    def test_a_cursor_of_any_kind_orders_by_its_value(self, bench: Bench, kind: Kind) -> None:
        of = columns(id=Kind.INTEGER, cursor=kind, name=Kind.STRING)
        low, high = ("A", "a") if kind is Kind.STRING else sorted(VALUES[kind][:2])
        later, earlier = (
            row(2, T1, id=1, cursor=high, name="high"),
            row(3, T2, id=1, cursor=low, name="low"),
        )

        left = _merged(bench, recipe(of, "id", cursor="cursor"), existing=[later], incoming=[earlier])

        assert left == {1: "high"}

    def test_a_merge_goes_by_name_where_the_tables_have_another_order(self, bench: Bench) -> None:
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, tuple(reversed(PLAIN)), row(1, T1, id=1, cursor=7, name="old"), key=("id",))
        bench.make(source, PLAIN, row(2, T2, id=1, cursor=8, name="new"))

        _merge(bench, recipe(PLAIN, "id"))

        assert bench.rows(target, PLAIN) == [row(2, T2, id=1, cursor=8, name="new")]

    def test_a_deletion_mark_counts_under_the_name_it_has_in_the_table(self, bench: Bench) -> None:
        """A column may be named otherwise than its field; what the field means goes with it."""
        renamed = tuple(evolve(c, name="gone") if c.field == CDC_DELETED_AT else c for c in CDC)
        target, source = bench.table("users"), bench.table("users_tmp")
        bench.make(target, renamed, row(1, T1, id="1"), key=("id",))
        bench.make(source, renamed, row(2, T2, id="1", gone=DELETED))

        _merge(bench, recipe(renamed, "id"))

        assert bench.rows(target, renamed) == []


def _merge(bench: Bench, by: Recipe) -> None:
    with bench.client.transaction():
        bench.client.merge_table(bench.table("users_tmp"), bench.table("users"), by)


def _merged(bench: Bench, by: Recipe, *, existing: list[Row], incoming: list[Row]) -> dict[Any, Any]:
    """The name that each id has after the merge; the ids must have become keys."""
    bench.make(bench.table("users"), by.columns, *existing, key=by.primary_key)
    bench.make(bench.table("users_tmp"), by.columns, *incoming)
    _merge(bench, by)
    rows = bench.rows(bench.table("users"), by.columns)
    assert len({r["id"] for r in rows}) == len(rows)
    return {r["id"]: r["name"] for r in rows}


def _left(deletion: str) -> dict[str, list[Row]]:
    return {
        name: [left]
        for name, case in UPSERTS.items()
        if (left := case.hard if deletion == "hard" else case.soft)
    }


def _by_case(rows: list[dict[str, Any]]) -> dict[str, list[Row]]:
    """The rows by what their key stands for, so that a failure says in words what is wrong."""
    ids = {r["id"]: name for name, u in UPSERTS.items() for r in (u.existing, *u.incoming) if r}
    found: dict[str, list[Row]] = {}
    for each in rows:
        found.setdefault(ids[each["id"]], []).append(each)
    return found
