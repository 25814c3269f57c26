"""Merging rows of many keys, against the rule written down in a few lines of Python. Each key is a case of its own."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest

from connectors.testkit import Destination
from connectors.testkit.harness.destination import Bench, open_bench
from connectors.testkit.harness.rows import T0, T1, Row, columns, row
from connectors.testkit.suites.merging import recipe
from dataflow.types import CDC_DELETED_AT, EXTRACTED_AT, RAW_ID, Kind

COLUMNS = columns(a=Kind.INTEGER, b=Kind.STRING, cursor=Kind.STRING, **{CDC_DELETED_AT: Kind.INTEGER})
BY = recipe(COLUMNS, "a", "b", cursor="cursor")
KEYS: Sequence[tuple[int | None, str | None]] = [
    (number, text) for number in (None, *range(120)) for text in (None, "", "a", "A")
]
CURSORS = (None, "", "A", "a")
SOURCE, TARGET = "users_tmp", "users"


def drawn(seed: int) -> tuple[list[Row], list[Row]]:
    """Rows of the target and of the source. Their raw ids are mixed: what arrived first need not be in the target."""
    draw = Random(seed)
    keys = [(key, side) for key in KEYS for side in (0, 1) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    numbers = list(range(len(keys)))
    draw.shuffle(numbers)
    tables: tuple[list[Row], list[Row]] = ([], [])
    for number, ((a, b), side) in zip(numbers, keys, strict=True):
        deleted = draw.choice((None, None, 1))
        at, cursor = draw.choice((T0, T1)), draw.choice(CURSORS)
        tables[side].append(row(number, at, a=a, b=b, cursor=cursor, **{CDC_DELETED_AT: deleted}))
    return tables


def expected(target: Sequence[Row], source: Sequence[Row], *, hard: bool) -> list[str]:
    """The raw ids of the rows that are left."""
    coming = {each[RAW_ID] for each in source}
    by_key: dict[tuple[Any, Any], list[Row]] = {}
    for each in (*target, *source):
        by_key.setdefault((each["a"], each["b"]), []).append(each)
    left: list[Row] = []
    for rows in by_key.values():
        latest = max(rows, key=_lateness)
        if latest[RAW_ID] not in coming:
            left += [each for each in rows if each[RAW_ID] not in coming]
        elif not (hard and latest[CDC_DELETED_AT] is not None):
            left.append(latest)
    return sorted(each[RAW_ID] for each in left)


def _lateness(of: Row) -> tuple[Any, ...]:
    return of["cursor"] is not None, of["cursor"] or "", of[EXTRACTED_AT], of[RAW_ID]


@pytest.fixture(params=["hard", "soft"])
def deletion(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(destination: Destination, deletion: str) -> Iterator[Bench]:
    with open_bench(destination, soft=deletion == "soft") as bench:
        yield bench


@pytest.mark.parametrize("key", [(), ("a", "b")], ids=["without an index", "with one"])
def test_a_merge_ends_as_the_rule_says_once_and_twice(
    bench: Bench, deletion: str, key: tuple[str, ...]
) -> None:
    target, source = drawn(1)
    bench.make(bench.table(TARGET), COLUMNS, *target, key=key)
    bench.make(bench.table(SOURCE), COLUMNS, *source)

    ends = [_merged(bench) for _ in range(2)]

    assert ends == [expected(target, source, hard=deletion == "hard")] * 2


def test_a_merge_into_an_empty_table_ends_as_the_rule_says(bench: Bench, deletion: str) -> None:
    _, source = drawn(2)
    bench.make(bench.table(TARGET), COLUMNS, key=("a", "b"))
    bench.make(bench.table(SOURCE), COLUMNS, *source)

    left = _merged(bench)

    assert left == expected([], source, hard=deletion == "hard")


def test_a_dedupe_ends_as_a_merge_into_an_empty_table_would(bench: Bench, deletion: str) -> None:
    _, source = drawn(3)
    bench.make(bench.table(TARGET), COLUMNS, *source)

    with bench.client.transaction():
        bench.client.dedupe_table(bench.table(TARGET), BY)

    assert _raw_ids(bench) == expected([], source, hard=deletion == "hard")


def _merged(bench: Bench) -> list[str]:
    with bench.client.transaction():
        bench.client.merge_table(bench.table(SOURCE), bench.table(TARGET), BY)
    return _raw_ids(bench)


def _raw_ids(bench: Bench) -> list[str]:
    return [each[RAW_ID] for each in bench.rows(bench.table(TARGET), COLUMNS)]
