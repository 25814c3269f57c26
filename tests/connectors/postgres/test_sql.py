"""Every statement the generator can write, as a golden file; GOLDEN=update in the environment rewrites them."""

from collections.abc import Mapping, Sequence

import pytest

from connectors.contract import Recipe
from connectors.postgres import catalog, evolution, ownership, statistics, swap
from connectors.postgres.columns import POSTGRES, UNCONSTRAINED, PostgresColumns
from connectors.postgres.merging import Merging
from connectors.postgres.remaking import create_anew
from connectors.postgres.sql import PostgresStatements, retype_metadata
from connectors.sql.text import Sql
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.types import CDC_DELETED_AT, Kind, TableName
from tests.connectors.postgres.support import FINAL, GOLDEN, TEMP, UPDATE, column, golden, recipe

SQL = PostgresStatements()
CASCADE = PostgresStatements(dialect=UNCONSTRAINED, hard_deletes=False, drop_cascade=True)
ALL_KINDS = [column(f"a_{kind.value}", kind) for kind in Kind]
USERS = [column("id", Kind.INTEGER), column("part", Kind.STRING), column("updated_at", Kind.STRING)]
BY_ID = recipe(USERS, ["id"])
BY_PAIR = recipe(USERS, ["id", "part"], "updated_at")
CDC = recipe(
    [*USERS, column(CDC_DELETED_AT, Kind.STRING), column("_ab_cdc_lsn", Kind.NUMBER)], ["id"], "_ab_cdc_lsn"
)
ELSEWHERE = TableName("elsewhere", TEMP.name)
LEDGER = TableName("airbyte_internal", "_airbyte_streams")
NONE: frozenset[str] = frozenset()


def change(old: str, kind: Kind) -> ColumnChangeset:
    new = PostgresColumns().column_type(kind)
    return ColumnChangeset(change={"value": ColumnTypeChange(ColumnType(old), new)})


CHANGESET = ColumnChangeset(
    add={"added": ColumnType("jsonb")},
    drop={"dropped": ColumnType("text")},
    change={
        "wider": ColumnTypeChange(ColumnType("integer", nullable=False), ColumnType("bigint")),
        "other": ColumnTypeChange(ColumnType("jsonb"), ColumnType("character varying")),
        "strict": ColumnTypeChange(ColumnType("date"), ColumnType("date", nullable=False)),
    },
)


def merging(by: Recipe, *, deletes: bool = True) -> Merging:
    return Merging(recipe=by, deletes=deletes)


def changed(
    changeset: ColumnChangeset, generator: PostgresStatements = SQL, table: TableName = FINAL
) -> tuple[Sql, ...]:
    change_columns = evolution.change_columns(table, changeset, generator.cascade)
    return *evolution.notes(table, changeset), change_columns


def all_changes(old: str) -> tuple[Sql, ...]:
    return tuple(statement for kind in Kind for statement in changed(change(old, kind)))


OLD = swap.Belongings(
    owner="dba",
    replica_identity="FULL",
    options=(("fillfactor", "70"), ("toast.autovacuum_enabled", "off")),
    comments=((None, "the user's"), ("id", "100 % of {them}"), ("gone", "nothing")),
    statistics=(("id", 500), ("gone", 500)),
    grants=frozenset(
        {
            swap.Grant("SELECT", None, "Report Reader", grantable=True),
            swap.Grant("UPDATE", "id", None, grantable=False),
            swap.Grant("SELECT", "gone", None, grantable=False),
            swap.Grant("SELECT", None, "kept", grantable=False),
        }
    ),
)
NEW = swap.Belongings(
    owner="loader",
    grants=frozenset(
        {
            swap.Grant("SELECT", None, "kept", grantable=False),
            swap.Grant("DELETE", None, "everyone", grantable=False),
            swap.Grant("DELETE", None, "dba", grantable=False),
        }
    ),
)


STATEMENTS: Mapping[str, Sequence[Sql]] = {
    "find_namespace": (SQL.find_namespace(),),
    "create_namespace": (SQL.create_namespace("elsewhere"),),
    "find_table": (SQL.find_table(),),
    "any_row": (SQL.any_row(FINAL),),
    "has_lost_value": (SQL.has_lost_value(FINAL, ALL_KINDS[0]),),
    "count_rows": (SQL.count_rows(FINAL),),
    "is_partitioned": (catalog.is_partitioned(),),
    "create_table": SQL.create_table(FINAL, ALL_KINDS, ()),
    "create_table_unconstrained": CASCADE.create_table(FINAL, [column("value", Kind.NUMBER)], ()),
    "drop_table": (SQL.drop_table(FINAL),),
    "drop_table_cascade": (CASCADE.drop_table(FINAL),),
    "trim_table": (SQL.delete_rows_after(TEMP), SQL.delete_rows(TEMP)),
    "copy_rows": (SQL.copy_rows(TEMP, FINAL, USERS),),
    "copy_in": (SQL.copy_in(TEMP, ["_airbyte_raw_id", "id", "part"]),),
    "set_default": (SQL.set_default(TEMP, "_airbyte_meta", '{"sync_id":1,"changes":["it\'s"]}'),),
    "has_default": (catalog.has_default(),),
    "rename_table": SQL.move_table(TEMP, FINAL),
    "rename_table_elsewhere": SQL.move_table(ELSEWHERE, FINAL),
    "blockers": (ownership.blockers(),),
    "enter": (ownership.enter(),),
    "entry_holders": (ownership.entry_holders(LEDGER),),
    "forget": (ownership.forget(LEDGER),),
    "own": (ownership.own(LEDGER),),
    "owner_session": (ownership.owner_session(LEDGER),),
    "analyze": (SQL.analyze(TEMP, ["id", "updated_at"]),),
    "never_analyzed": (catalog.never_analyzed(),),
    "worth_looking_up": (catalog.worth_looking_up(),),
    "only_look_up": SQL.only_look_up(),
    "key_indexes": (catalog.key_indexes(),),
    "key_index": (SQL.create_key_index(FINAL, ["id", "part"]), SQL.drop_key_index(FINAL)),
    "null_keys": (merging(BY_PAIR).null_keys(TEMP),),
    "size_and_rows": (statistics.size_and_rows(),),
    "default_grants": (statistics.default_grants(),),
    "tables_named": (statistics.tables_named(),),
    "any_row_up_to": (SQL.any_row_up_to(TEMP),),
    "merge": merging(BY_ID).merge(TEMP, FINAL, NONE),
    "merge_by_two_with_cursor": merging(BY_PAIR).merge(TEMP, FINAL, NONE),
    "merge_null_keys": merging(BY_PAIR).merge(TEMP, FINAL, frozenset({"part"})),
    "merge_cdc": merging(CDC).merge(TEMP, FINAL, NONE),
    "merge_cdc_soft": merging(CDC, deletes=False).merge(TEMP, FINAL, NONE),
    "merge_in_place": merging(BY_ID).merge_in_place(TEMP, FINAL, NONE),
    "merge_in_place_cdc": merging(CDC).merge_in_place(TEMP, FINAL, NONE),
    "merge_into_partitions": Merging(recipe=BY_ID, deletes=True, partitioned=True).merge(TEMP, FINAL, NONE),
    "dedupe_table": merging(BY_PAIR).dedupe(TEMP),
    "dedupe_table_cdc": merging(CDC).dedupe(TEMP),
    "refill": (swap.empty(FINAL), swap.refill(TEMP, FINAL, ["_airbyte_raw_id", "id"])),
    "refill_partitions": (swap.empty(FINAL, partitioned=True),),
    "exchange": swap.exchange(TEMP, FINAL, ["_airbyte_raw_id", "id", "part"], ["id", "part"]),
    "hand_over": tuple(swap.hand_over(OLD, NEW, TEMP, {"_airbyte_raw_id", "id"})),
    "holders": (catalog.holders(),),
    "references": (catalog.references(),),
    "belongings": (catalog.belongings(),),
    "comments": (catalog.comments(),),
    "statistics_targets": (catalog.statistics_targets(),),
    "grants": (catalog.grants(),),
    "views_on_columns": (catalog.views_on_columns(),),
    "create_hash_index": (SQL.create_hash_index(FINAL, "part"),),
    "retype_metadata": (retype_metadata(FINAL, ["_airbyte_raw_id", "_airbyte_meta"]),),
    "triggers_before_insert": (catalog.triggers_before_insert(),),
    "columns_ever": (catalog.columns_ever(),),
    "create_anew": (create_anew(FINAL, {"id": ColumnType("bigint")}),),
    "find_holder": (SQL.find_holder(),),
    "add_metadata": (
        *SQL.add_metadata(FINAL, "_airbyte_meta"),
        *SQL.add_metadata(FINAL, "_airbyte_generation_id"),
    ),
    "lacks_identity": (catalog.lacks_identity(),),
    "identify_by_row": (SQL.identify_by_row(TEMP),),
    "is_secured": (catalog.is_secured(),),
    "hides_rows": (catalog.hides_rows(),),
    "drop_view": (SQL.drop_view("MATERIALIZED VIEW", TableName("reports", "daily")),),
    "find_columns": (SQL.find_columns(),),
    "apply_changeset": changed(CHANGESET),
    "apply_changeset_cascade": changed(CHANGESET, CASCADE),
    "change_from_text": all_changes("text"),
    "change_from_jsonb": all_changes("jsonb"),
    "change_from_json": all_changes("json"),
    "change_from_bigint": all_changes("bigint"),
    "change_from_numeric": all_changes("numeric"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_what_its_golden_file_says(name: str) -> None:
    recorded, composed = golden(name, *STATEMENTS[name])

    assert composed == recorded


def test_every_golden_file_belongs_to_a_statement() -> None:
    strays = [path for path in GOLDEN.iterdir() if path.name.removesuffix(".sql") not in STATEMENTS]
    for path in strays if UPDATE else ():
        path.unlink()

    assert UPDATE or strays == []


NASTY = "x\"; DROP TABLE users; --' %s %(a)s {} \\"


def test_a_name_never_leaves_its_quotes() -> None:
    table, by = TableName(NASTY, NASTY), recipe([column(NASTY, Kind.STRING)], [NASTY], NASTY)
    quoted = '"' + NASTY.replace('"', '""') + '"'
    written = [
        *SQL.create_table(table, by.columns, ()),
        *merging(by).merge(table, table, NONE),
        *merging(by).merge_in_place(table, table, NONE),
        *merging(by).dedupe(table),
        swap.empty(table),
        swap.refill(table, table, [NASTY]),
        *swap.exchange(table, table, [NASTY], [NASTY])[1:-1],
        *SQL.move_table(table, table),
        *changed(ColumnChangeset(drop={NASTY: ColumnType("text")}), table=table),
        SQL.create_namespace(NASTY),
    ]

    texts = [POSTGRES.render(each) for each in written]

    assert all(quoted in each for each in texts if "INDEX" not in each)
    assert not any("DROP TABLE users" in each.replace(quoted, "") for each in texts if "INDEX" not in each)
