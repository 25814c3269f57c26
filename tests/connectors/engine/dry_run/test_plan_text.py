"""A plan in words: what it says of a table's size is worded as everywhere else."""

from connectors.contract import Statistics
from connectors.engine.dry_run.plan import Plan, StreamPlan, TableState
from connectors.engine.dry_run.plan_text import as_text
from dataflow.types import StreamName, TableName
from machines.formatting import count, size

ROWS, BYTES = 1_234_567, 1_000_000


def test_a_table_is_as_large_in_a_plan_as_in_a_report() -> None:
    final, temp = TableName("public", "users"), TableName("public", "users_temp")
    stream = StreamPlan(
        stream=StreamName(name="users", namespace=None),
        strategy="append",
        way="append",
        generation=1,
        final=TableState(name=final, exists=True, statistics=Statistics(rows=ROWS, size=BYTES)),
        temp=TableState(name=temp, exists=False),
        entry=None,
        writer=None,
        steps=(),
    )

    words = as_text(Plan(set_up=(), streams=(stream,)))

    assert (count(ROWS), size(BYTES)) == ("1,234,567", "1.0 MB")
    assert f"public.users: about {count(ROWS)} rows, {size(BYTES)};" in words
