"""Every statement, compared with a golden file of its own. GOLDEN=update rewrites the files; look at the difference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from connectors.mysql.columns import MYSQL
from connectors.mysql.evolution import CONVERSION
from connectors.mysql.merging import fill, merge
from connectors.mysql.sql import MYSQL_EXACT, MysqlStatements
from connectors.sql.evolution import change_column
from connectors.sql.text import Sql
from dataflow.evolution import ColumnTypeChange
from dataflow.types import Kind
from tests.connectors.sql.shared import CDC, COLUMNS, FINAL, TEMP, compared, recipe, shared, written

GOLDEN = Path(__file__).parent / "golden"

SQL = MysqlStatements()
# Each kind from the two that any other may be read from, and the kinds that are written as text in a way of their own.
RETYPED: Mapping[str, tuple[Kind, Kind]] = {
    **{f"{kind}_of_string": (Kind.STRING, kind) for kind in Kind if kind is not Kind.STRING},
    **{f"string_of_{kind}": (kind, Kind.STRING) for kind in Kind if kind is not Kind.STRING},
}
BY_TWO = recipe(COLUMNS, ("id", 'a"b'), 'a"b')
STATEMENTS: dict[str, Sql | Sequence[Sql]] = {
    **shared(SQL),
    "fill": fill(SQL, TEMP, FINAL, BY_TWO),
    "fill_cdc": fill(SQL, TEMP, FINAL, recipe(CDC)),
    "merge": merge(SQL, TEMP, FINAL, BY_TWO),
    "merge_cdc": merge(SQL, TEMP, FINAL, recipe(CDC)),
    "merge_cdc_soft": merge(evolve(SQL, hard_deletes=False), TEMP, FINAL, recipe(CDC)),
    "create_table_of_mysql_8": evolve(SQL, collation=MYSQL_EXACT).create_table(FINAL, COLUMNS, ("id",)),
    "index_on_key": SQL.index_on_key(FINAL, {"id": "bigint", "select": "longtext"}),
    "rename_tables": SQL.rename_tables((FINAL, TEMP), (TEMP, FINAL)),
    "find_engine": SQL.find_engine(),
    "change_engine": SQL.change_engine(FINAL),
    "find_key_index": SQL.find_key_index(),
    "count_indexes": SQL.count_indexes(),
    "drop_key_index": SQL.drop_key_index(FINAL),
    "find_size": SQL.find_size(),
    "find_dependents": SQL.find_dependents(),
    "load": SQL.load(FINAL, [each.name for each in COLUMNS]),
    **{
        f"change_to_{name}": change_column(
            SQL, CONVERSION, FINAL, 'a"b', ColumnTypeChange(MYSQL.column_type(old), MYSQL.column_type(new))
        )
        for name, (old, new) in RETYPED.items()
    },
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_the_golden_one(name: str) -> None:
    text = written(MYSQL, STATEMENTS[name])

    assert text == compared(GOLDEN / f"{name}.sql", text)


def test_no_golden_file_is_left_over() -> None:
    assert {golden.stem for golden in GOLDEN.glob("*.sql")} == set(STATEMENTS)
