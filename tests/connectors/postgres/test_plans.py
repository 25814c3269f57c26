"""What the server does for a merge, as EXPLAIN shows: a large table is never read from end to end for a small delta."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connectors.contract import Recipe
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.merging import Merging
from connectors.sql.text import sql
from dataflow.types import CDC_DELETED_AT, Kind, TableName
from tests.connectors.postgres.support import FINAL, TEMP, as_a_person, column, fill, index_names, recipe

SIZE, DELTA, TENTH = 50_000, 100, 5_000
COLUMNS = (
    column("id", Kind.INTEGER),
    column("part", Kind.STRING),
    column("at", Kind.INTEGER),
    column(CDC_DELETED_AT, Kind.STRING),
)
BY_ID, BY_PAIR = recipe(COLUMNS, ["id"], "at"), recipe(COLUMNS, ["part", "id"], "at")
# Ten rows of a part, and one id in ten without any.
ROWS = """
    INSERT INTO {} (_airbyte_raw_id, _airbyte_extracted_at, _airbyte_meta, _airbyte_generation_id, id, part, at)
    SELECT gen_random_uuid(), now(), '{{}}', 1, n, CASE WHEN n % 10 > 0 THEN (n / 10)::text END, 1
    FROM generate_series({}, {}) AS n"""


def grow(client: PostgresClient, table: TableName, first: int, count: int) -> None:
    name = f'"{table.namespace}"."{table.name}"'
    as_a_person(client, ROWS.format(name, first, first + count - 1).encode())


def merged_before(client: PostgresClient, by: Recipe) -> None:
    """An earlier merge made the index."""
    grow(client, FINAL, 1, SIZE)
    with client.transaction():
        client.merge_table(TEMP, FINAL, by)


def swapped_in(client: PostgresClient, by: Recipe) -> None:
    """The final table was a temp table a moment ago, and nobody has looked at it."""
    loaded = TableName("public", "loaded")
    with client.transaction():
        client.drop_table(FINAL)
        client.create_table(loaded, COLUMNS, ())
    grow(client, loaded, 1, SIZE)
    with client.transaction():
        client.dedupe_table(loaded, by)
        client.overwrite_table(loaded, FINAL)


def swapped_inside(client: PostgresClient, by: Recipe) -> None:
    """The same, in a table that somebody has a view on; its index was made for it by an earlier merge."""
    merged_before(client, by)
    as_a_person(client, "CREATE VIEW seen AS SELECT id FROM users")
    with client.transaction():
        client.create_table(TableName("public", "loaded"), COLUMNS, ())
    grow(client, TableName("public", "loaded"), 1, SIZE)
    with client.transaction():
        client.overwrite_table(TableName("public", "loaded"), FINAL)


PASTS: Mapping[str, Callable[[PostgresClient, Recipe], None]] = {
    "merged before": merged_before,
    "swapped in": swapped_in,
    "swapped inside": swapped_inside,
}


@pytest.mark.parametrize("past", PASTS)
@pytest.mark.parametrize("delta", [DELTA, TENTH])
@pytest.mark.parametrize("by", [BY_ID, BY_PAIR], ids=["one column", "two columns, with nulls"])
def test_no_statement_of_a_merge_scans_a_table_of_ten_times_the_size(
    by: Recipe, delta: int, past: str, connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, COLUMNS, [])
    fill(connector, client, TEMP, COLUMNS, [])
    grow(client, TEMP, 1, delta)
    PASTS[past](client, by)

    plans = explained(client, Merging(recipe=by, deletes=True))

    assert len(plans) == 5 * (2 if "part" in by.primary_key else 1)
    assert [plan for plan in plans if scanned(plan)] == []
    assert {index for plan in plans for index in looked_up(plan)} == set(index_names(client, FINAL))


def test_a_small_merge_reads_few_rows_of_a_large_table(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    """What EXPLAIN cannot show: the questions that come before the statements read no more."""
    fill(connector, client, FINAL, COLUMNS, [])
    fill(connector, client, TEMP, COLUMNS, [])
    grow(client, TEMP, 1, DELTA)
    merged_before(client, BY_ID)
    read = "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'users'"

    with client.transaction():
        before = as_a_person(client, read).fetchall()[0]
        client.merge_table(TEMP, FINAL, BY_ID)
        after = as_a_person(client, read).fetchall()[0]

    scanned, fetched = (b - a for a, b in zip(before, after, strict=True))
    assert scanned <= 10
    assert fetched <= 10 * DELTA


@pytest.mark.parametrize(
    ("size", "cache", "looked_up"),
    [(3 * TENTH, "4GB", True), (3 * TENTH, "1MB", False), (TENTH, "4GB", False)],
)
def test_rows_are_looked_up_in_a_larger_table_that_is_cached_and_else_the_planner_decides(
    size: int, cache: str, looked_up: bool, connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, COLUMNS, [])
    fill(connector, client, TEMP, COLUMNS, [])
    grow(client, FINAL, 1, size)
    grow(client, TEMP, 1, TENTH)
    as_a_person(client, f"SET effective_cache_size = '{cache}'".encode())

    with client.transaction():
        client.merge_table(TEMP, FINAL, BY_ID)
        within = as_a_person(client, "SHOW enable_hashjoin").fetchone()

    assert within == ("off" if looked_up else "on",)
    assert as_a_person(client, "SHOW enable_hashjoin").fetchone() == ("on",)


def explained(client: PostgresClient, merging: Merging) -> list[Any]:
    """The plans of all statements, of both kinds of merge, as a merge would have them."""
    plans = []
    with client.transaction():
        client.execute(client.statements.analyze(TEMP, merging.compared))
        client.merge_table(TEMP, FINAL, merging.recipe)
        for nulls in client.server.null_keys(TEMP, merging):
            for statement in (
                *merging.merge(TEMP, FINAL, nulls),
                *merging.merge_in_place(TEMP, FINAL, nulls),
            ):
                plan = client.execute(sql("EXPLAIN (FORMAT JSON) {}", statement))[0][0]
                plans.append(plan[0]["Plan"])
    return plans


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def scanned(plan: Any) -> list[Any]:
    """The nodes that read all of the final table, or of an index on it."""
    return [
        node
        for node in nodes(plan)
        if node.get("Relation Name") == FINAL.name
        and node["Node Type"] not in ("ModifyTable", "Bitmap Heap Scan")
        and "Index Cond" not in node
        and node["Node Type"] != "Tid Scan"
    ]


def looked_up(plan: Any) -> set[str]:
    """The indexes of the final table that rows are looked up by."""
    return {
        node["Index Name"]
        for node in nodes(plan)
        if "Index Name" in node and "Index Cond" in node and node["Node Type"] != "Bitmap Heap Scan"
    }
