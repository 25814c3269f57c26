"""Every stream gets a table and every field a column, and no two get the same."""

import random

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow import names
from dataflow.errors import ConfigError
from dataflow.names import INDEX_PURPOSES, NamingRules, index_name
from dataflow.stream_tables import OwnedTable, TableCatalog
from dataflow.table_catalog import name_tables, table_catalog
from dataflow.types import INTEGER, METADATA_COLUMNS, STRING, Field, StreamName, TableName
from tests.dataflow.test_names import ANYTHING, PLAIN


def catalog(*streams: StreamName, rules: NamingRules = PLAIN, fields: tuple[Field, ...] = ()) -> TableCatalog:
    return table_catalog([(stream, fields) for stream in streams], rules, "public")


def columns_of(*names: str, rules: NamingRules = PLAIN) -> dict[str, str]:
    fields = tuple(Field(name, INTEGER) for name in names)
    (tables,) = catalog(StreamName(None, "users"), rules=rules, fields=fields).values()
    return {column.field: column.name for column in tables.columns}


def test_a_stream_without_namespace_goes_to_the_default_one() -> None:
    stream = StreamName(None, "users")

    (tables,) = catalog(stream).values()

    assert tables.final == TableName("public", "users")
    assert tables.temp == TableName("public", f"users_airbyte_tmp_{names.name_hash(None, 'users')}")


def test_the_same_stream_name_in_three_namespaces_gives_three_tables() -> None:
    found = catalog(*(StreamName(namespace, "users") for namespace in ("a", "b", None)))

    assert [str(tables.final) for tables in found.values()] == ["a.users", "b.users", "public.users"]


def test_streams_that_map_to_one_table_get_two_whatever_their_order() -> None:
    first, second = StreamName("bar-1", "foo-1"), StreamName("bar_1", "foo_1")

    found = catalog(first, second)

    assert found[second].final == TableName("bar_1", "foo_1")
    assert found[first].final == TableName("bar_1", f"foo_1_{names.name_hash('bar-1', 'foo-1')}")
    assert catalog(second, first) == found


def test_a_stream_of_the_default_namespace_by_name_keeps_the_table_from_one_without_namespace() -> None:
    implied, named = StreamName(None, "users"), StreamName("public", "users")

    found = catalog(implied, named)

    assert found[named].final == TableName("public", "users")
    assert found[implied].final == TableName("public", f"users_{names.name_hash(None, 'users')}")


def test_names_that_differ_by_case_are_one_only_where_the_rules_say_so() -> None:
    streams = StreamName(None, "Users"), StreamName(None, "users")

    apart = catalog(*streams, rules=PLAIN)
    together = catalog(*streams, rules=ANYTHING)

    assert [tables.final.name for tables in apart.values()] == ["Users", "users"]
    assert [tables.final.name for tables in together.values()] == [
        "Users",
        f"users_{names.name_hash(None, 'users')}",
    ]


def test_a_stream_named_like_anothers_temp_table_gives_way() -> None:
    users = StreamName(None, "users")
    (alone,) = catalog(users).values()
    leftover = StreamName(None, alone.temp.name)

    found = catalog(users, leftover)

    assert found[users] == alone
    assert found[leftover].final.name.endswith(names.name_hash(None, leftover.name))


@pytest.mark.parametrize("purpose", INDEX_PURPOSES)
def test_a_stream_named_like_anothers_index_does_not_meet_it(purpose: str) -> None:
    users = TableName("public", "users")
    stolen = StreamName(None, index_name(users, purpose, PLAIN))

    found = catalog(StreamName(None, "users"), stolen)

    taken = {index_name(table, each, PLAIN) for table in finals(found) for each in INDEX_PURPOSES}
    assert taken.isdisjoint(table.name for table in finals(found))


def finals(found: TableCatalog) -> list[TableName]:
    return [tables.final for tables in found.values()]


def test_a_stream_twice_in_the_catalog_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"more than once in the catalog: public\.users"):
        catalog(StreamName("public", "users"), StreamName("public", "users"))


def _hash_all_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "name_hash", lambda *parts: "0" * 12)


def test_a_conflict_that_no_hash_resolves_is_a_config_error_before_any_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _hash_all_alike(monkeypatch)

    with pytest.raises(ConfigError, match=r"table of stream public\.users"):
        catalog(StreamName(None, "users"), StreamName("public", "users"))


def test_a_column_conflict_that_no_hash_resolves_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _hash_all_alike(monkeypatch)

    with pytest.raises(ConfigError, match='field "a-b" of stream users'):
        columns_of("a-b", "a_b", "a_b_000000000000")


def test_columns_keep_their_order_and_their_case() -> None:
    found = columns_of("fieldWithCamelCase", "FIELD_CAPS", "1field", "field_name_with_operator+1", "order")

    assert list(found.values()) == [
        "fieldWithCamelCase",
        "FIELD_CAPS",
        "_1field",
        "field_name_with_operator_1",
        "order",
    ]


def test_columns_that_map_to_one_name_get_two_whatever_their_order() -> None:
    expected = {"foo_1": "foo_1", "foo-1": f"foo_1_{names.name_hash('foo-1')}"}

    assert columns_of("foo-1", "foo_1") == expected
    assert columns_of("foo_1", "foo-1") == expected


@pytest.mark.parametrize("metadata", METADATA_COLUMNS)
def test_a_field_named_like_a_metadata_column_is_renamed_and_kept(metadata: str) -> None:
    found = columns_of(metadata)

    assert found == {metadata: f"{metadata}_{names.name_hash(metadata)}"}


def test_a_field_that_only_a_case_apart_from_a_metadata_column_is_renamed_where_case_is_ignored() -> None:
    assert columns_of("_AIRBYTE_META", rules=ANYTHING)["_AIRBYTE_META"] != "_AIRBYTE_META"
    assert columns_of("_AIRBYTE_META", rules=PLAIN)["_AIRBYTE_META"] == "_AIRBYTE_META"


def test_a_key_finds_its_column_by_the_name_of_its_field() -> None:
    stream = StreamName(None, "users")

    tables = catalog(stream, fields=(Field("id-1", INTEGER), Field("name", STRING)))[stream]

    assert tables.column("id-1").name == "id_1"
    assert tables.column("name").type == STRING


def test_a_key_outside_the_schema_is_a_config_error_naming_stream_and_field() -> None:
    stream = StreamName("crm", "users")

    with pytest.raises(ConfigError, match=r'crm\.users has no field "missing"'):
        catalog(stream)[stream].column("missing")


@example(streams={StreamName(None, ""), StreamName("", "")}, fields=set(), rules=ANYTHING, seed=0)
@given(
    streams=st.sets(
        st.builds(
            StreamName, st.sampled_from([None, "", "public", "Public", "a-b", "a_b"]), st.text(max_size=80)
        )
        | st.builds(StreamName, st.none(), st.text(alphabet="aA-_1", max_size=4)),
        max_size=12,
    ),
    fields=st.sets(st.text(max_size=80) | st.text(alphabet="aA-_1", max_size=4), max_size=12),
    rules=st.builds(
        NamingRules,
        max_bytes=st.sampled_from([32, 63, 255]),
        plain=st.booleans(),
        ignore_case=st.booleans(),
        reserved=st.just(("a", "_a", "xmin")),
        max_characters=st.sampled_from([None, 32, 64]),
        basic_plane_only=st.booleans(),
        trailing_spaces=st.booleans(),
    ),
    seed=st.integers(),
)
def test_all_names_are_within_the_limit_distinct_and_independent_of_order(
    streams: set[StreamName], fields: set[str], rules: NamingRules, seed: int
) -> None:
    declared = tuple(Field(name, INTEGER) for name in sorted(fields))
    ordered = sorted(streams, key=str)
    shuffled = random.Random(seed).sample(ordered, len(ordered))

    found = table_catalog([(stream, declared) for stream in ordered], rules, "public")

    assert found == table_catalog([(stream, declared) for stream in shuffled], rules, "public")
    tables = [table for each in found.values() for table in (each.final, each.temp)]
    indexes = [
        TableName(table.namespace, index_name(table, purpose, rules))
        for table in tables
        for purpose in INDEX_PURPOSES
    ]
    assert_usable([(rules.comparable(each.namespace), each.name) for each in tables + indexes], rules)
    for each in found.values():
        physical = [*METADATA_COLUMNS, *(column.name for column in each.columns)]
        assert_usable([("", name) for name in physical], rules)


def assert_usable(names: list[tuple[str, str]], rules: NamingRules) -> None:
    assert len({(namespace, rules.comparable(name)) for namespace, name in names}) == len(names)
    assert all(name and rules.holds(name) and not rules.reserves(name) for _, name in names)
    assert rules.trailing_spaces or not any(name.endswith(" ") for _, name in names)
    assert (
        not rules.basic_plane_only
        or max((char for _, name in names for char in name), default="") <= "\uffff"
    )


def test_a_stream_keeps_its_table_though_its_namespace_is_written_in_another_case() -> None:
    stream = StreamName("analytics", "users")
    owned = OwnedTable(final=TableName("Analytics", "users"), stream=stream)

    together = name_tables([stream], ANYTHING, "public", [owned])[stream]
    apart = name_tables([stream], PLAIN, "public", [owned])[stream]

    assert (together.final, together.temp.namespace) == (owned.final, "Analytics")
    assert apart.final == TableName("analytics", "users")


def test_entries_of_one_table_that_nobody_owns_are_given_to_one_stream_or_to_none() -> None:
    """An earlier version gave one table to streams that differ by case alone, with an entry for each."""
    streams = [StreamName("shop", "Orders"), StreamName("shop", "orders")]
    entries = [OwnedTable(final=TableName("shop", each.name), stream=None) for each in streams]

    both = name_tables(streams, ANYTHING, "public", entries)
    (alone,) = name_tables(streams[:1], ANYTHING, "public", entries).values()
    later = name_tables(streams, ANYTHING, "public", [evolve(entries[0], stream=streams[0]), entries[1]])

    assert all("fits each of shop.Orders and shop.orders" in str(each.failure) for each in both.values())
    assert (alone.final, alone.failure) == (entries[0].final, None)
    assert later[streams[0]].final == entries[0].final
    assert later[streams[1]].final.name == f"orders_{names.name_hash('shop', 'orders')}"
