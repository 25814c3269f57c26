"""Tables that change under their rows, on a real server: what is discovered, and what survives a change of type."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import PostgresColumns
from connectors.postgres.connector import PostgresConnector
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema, diff
from dataflow.types import METADATA_COLUMNS, Column, Kind, TableName
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import FINAL, as_a_person, column, fill, index_names, texts
from tests.servers.address import Address

ALL_KINDS = tuple(column(f"a_{kind.value}", kind) for kind in Kind)


def expected(columns: Sequence[Column], *, unconstrained: bool = False) -> TableSchema:
    types = PostgresColumns(unconstrained=unconstrained)
    return TableSchema({each.name: types.column_type(each.kind) for each in columns})


def discovered(client: PostgresClient, table: TableName = FINAL) -> TableSchema:
    with client.transaction():
        return client.discover_schema(table)


def evolve(client: PostgresClient, columns: Sequence[Column]) -> None:
    with client.transaction():
        client.apply_changeset(FINAL, diff(client.discover_schema(FINAL), expected(columns)))


@pytest.mark.parametrize("unconstrained", [False, True])
def test_a_new_table_is_discovered_as_it_was_meant(unconstrained: bool, connect: Connect) -> None:
    client = connect(unconstrained_number=unconstrained).client()
    with client.transaction():
        client.create_table(FINAL, ALL_KINDS, ())

    found = discovered(client)

    assert found == expected(ALL_KINDS, unconstrained=unconstrained)
    assert list(found.columns) == [each.name for each in ALL_KINDS]
    client.close()


def test_one_change_of_everything_keeps_the_rows(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    before = [column(n, Kind.STRING) for n in ("keep", "drop")] + [column("change", Kind.INTEGER)]
    after = [column(n, Kind.STRING) for n in ("keep", "change", "add")]
    fill(connector, client, FINAL, before, [{"keep": "kept", "drop": "dropped", "change": 42}])

    evolve(client, after)

    row = as_a_person(client, "SELECT keep, change, add FROM users").fetchall()
    assert row == [("kept", "42", None)]
    assert diff(discovered(client), expected(after)).is_noop


def test_names_of_any_kind_can_be_added_changed_and_dropped(client: PostgresClient) -> None:
    names = ['quo"te', "per%cent %s %(x)s", "{brace}", "semi;colon", "select", "UPPER", "ünï"]
    with client.transaction():
        client.create_table(FINAL, [column(name, Kind.INTEGER) for name in names], ())

    evolve(client, [column(name, Kind.STRING) for name in names])
    changed = discovered(client)
    evolve(client, [])

    assert set(changed.columns.values()) == {ColumnType("character varying")}
    assert discovered(client).columns == {}


def test_an_empty_changeset_is_no_statement(client: PostgresClient) -> None:
    with client.transaction():
        client.apply_changeset(TableName("no", "table"), ColumnChangeset())


def test_a_column_that_must_not_be_null_may_be_after_the_change(client: PostgresClient) -> None:
    with client.transaction():
        client.create_table(FINAL, [column("id", Kind.INTEGER)], ())
    as_a_person(client, "ALTER TABLE users ALTER id SET NOT NULL")

    evolve(client, [column("id", Kind.STRING)])

    assert discovered(client) == expected([column("id", Kind.STRING)])


def test_a_table_that_is_not_airbytes_is_refused_in_upstreams_words(client: PostgresClient) -> None:
    as_a_person(client, "CREATE TABLE users (id bigint, _airbyte_raw_id uuid)")

    with pytest.raises(ConfigError) as caught:
        discovered(client)

    assert str(caught.value) == (
        "The target table (public.users) already exists in the destination, but does not contain Airbyte's internal "
        "columns: _airbyte_extracted_at. Airbyte can only sync to Airbyte-controlled tables. Rename or delete the "
        "target table, or add a prefix in the connection configuration in order to sync to a separate table in the "
        "destination."
    )


def test_metadata_columns_of_other_types_are_refused_with_what_they_should_be(client: PostgresClient) -> None:
    columns = ", ".join(f"{name} varchar" for name in METADATA_COLUMNS)
    as_a_person(client, f"CREATE TABLE users ({columns})".encode())

    with pytest.raises(ConfigError, match='ALTER COLUMN "_airbyte_raw_id" TYPE uuid') as caught:
        discovered(client)

    _, _, statement = caught.value.remedy.partition("owner run: ")
    as_a_person(client, statement.partition(";")[0].encode())
    assert discovered(client) == TableSchema({})


# -- a change of type: the values before, and what is left of them

DATES = [
    "2024-02-29",
    "1900-02-29",
    "2024-04-31",
    "0000-01-01",
    "2024-13-01",
    "infinity",
    "now",
    "20240101",
    "",
]
# More digits than the server reads.
LONG = "2024-01-01T10:00:00." + "0" * 200 + "Z"
INSTANTS = [
    LONG,
    "2024-02-29T23:59:59.5Z",
    "2024-01-01 00:00:00+05:30",
    "2024-01-01T10:00",
    "2024-01-01T24:00:00Z",
]
CLOCKS = [LONG, "10:00:00", "23:59:59.999999+15:59", "10:00:00+16:00", "25:00", "10:00 PM", "now"]
NUMBERS = ["1", "-1.50", "1e3", ".5", "1e400", "NaN", "Infinity", "0x10", "1_000", "1,5", " 1", "", "9" * 30]

FROM_STRING: dict[Kind, dict[str, str | None]] = {
    Kind.BOOLEAN: {"true": "true", "false": "false", "t": None, "1": None, "TRUE": None, "": None},
    Kind.INTEGER: dict.fromkeys([*NUMBERS, "9223372036854775808", "1.5"])
    | {"1": "1", "1e3": "1000", "1.0": "1", "-9223372036854775808": "-9223372036854775808"},
    Kind.NUMBER: dict.fromkeys(NUMBERS)
    | {
        "1": "1.000000000",
        "-1.50": "-1.500000000",
        "1e3": "1000.000000000",
        ".5": "0.500000000",
        "99999999999999999999999999999.9999999994": "99999999999999999999999999999.999999999",
        "99999999999999999999999999999.9999999995": None,
        "1e-999": "0.000000000",
        "9" * 20_000: None,
    },
    Kind.DATE: dict.fromkeys([*DATES, *CLOCKS])
    | {"2024-02-29": "2024-02-29"}
    | {"2024-02-29T23:59:59.5Z": "2024-02-29", "2024-01-01 00:00:00+05:30": "2024-01-01"},
    Kind.TIMESTAMP_WITH_TIMEZONE: dict.fromkeys([*DATES, *INSTANTS, *CLOCKS])
    | {
        "2024-02-29": "2024-02-29 00:00:00+00",
        "2024-02-29T23:59:59.5Z": "2024-02-29 23:59:59.5+00",
        "2024-01-01 00:00:00+05:30": "2023-12-31 18:30:00+00",
        "2024-01-01T10:00": "2024-01-01 10:00:00+00",
        f"2024-01-01T10:00:00.{'1' * 30} +05:30": "2024-01-01 04:30:00.111111+00",
        "9999-12-31T23:59:59-15:59": "10000-01-01 15:58:59+00",
    },
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: dict.fromkeys([*DATES, *INSTANTS, *CLOCKS])
    | {
        "2024-02-29": "2024-02-29 00:00:00",
        "2024-02-29T23:59:59.5Z": "2024-02-29 23:59:59.5",
        "2024-01-01 00:00:00+05:30": "2024-01-01 00:00:00",
        "2024-01-01T10:00": "2024-01-01 10:00:00",
    },
    Kind.TIME_WITH_TIMEZONE: dict.fromkeys([*DATES, *CLOCKS])
    | {
        "10:00:00": "10:00:00+00",
        "23:59:59.999999+15:59": "23:59:59.999999+15:59",
        "2024-02-29T23:59:59.5Z": "23:59:59.5+00",
    },
    Kind.TIME_WITHOUT_TIMEZONE: dict.fromkeys([*DATES, *CLOCKS])
    | {
        "10:00:00": "10:00:00",
        "23:59:59.999999+15:59": "23:59:59.999999",
        "2024-01-01 00:00:00+05:30": "00:00:00",
    },
    Kind.JSON: {
        "foo": '"foo"',
        '"foo"': '"\\"foo\\""',
        "null": '"null"',
        "": '""',
        '{"a":1}': '"{\\"a\\":1}"',
    },
}


def changed(
    connector: PostgresConnector, client: PostgresClient, old: Kind, new: Kind, values: Sequence[Any]
) -> list[str | None]:
    fill(connector, client, FINAL, [column("value", old)], [{"value": value} for value in [*values, None]])
    evolve(client, [column("value", new)])
    *found, null = texts(client, FINAL, "value")
    assert null is None
    return found


@pytest.mark.parametrize("kind", FROM_STRING)
def test_texts_that_the_new_type_can_hold_are_kept_and_the_rest_becomes_null(
    kind: Kind, connector: PostgresConnector, client: PostgresClient
) -> None:
    wanted = FROM_STRING[kind]

    found = changed(connector, client, Kind.STRING, kind, list(wanted))

    assert dict(zip(wanted, found, strict=True)) == wanted


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        (
            Kind.STRING,
            ['"foo"', '{"foo":"bar"}', "true", "0", "null"],
            ["foo", '{"foo": "bar"}', "true", "0", None],
        ),
        (Kind.INTEGER, ['"5"', "5.0", "5.5", "[5]", "null"], ["5", "5", None, None, None]),
        (Kind.BOOLEAN, ["true", '"false"', "1", "{}"], ["true", "false", None, None]),
        (Kind.DATE, ['"2024-01-01"', "20240101"], ["2024-01-01", None]),
    ],
)
def test_the_value_at_the_root_of_json_is_kept(
    kind: Kind,
    values: list[str],
    wanted: list[str | None],
    connector: PostgresConnector,
    client: PostgresClient,
) -> None:
    assert changed(connector, client, Kind.JSON, kind, values) == wanted


NAMES = ["foo", '"foo"', '{"foo": "bar"}', "true", "0", ""]


def test_texts_that_become_json_read_back_the_same(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    changed(connector, client, Kind.STRING, Kind.JSON, NAMES)

    read = as_a_person(client, "SELECT value #>> '{}' FROM users ORDER BY _airbyte_raw_id").fetchall()
    assert [text for (text,) in read[:-1]] == NAMES


# Values at the ends of types that a table may have had before.
STRANGE = [
    ("smallint", "7"),
    ("integer", "7"),
    ("bigint", "9223372036854775807"),
    ("double precision", "1e300"),
    ("double precision", "NaN"),
    ("real", "1.5"),
    ("numeric", "123456789012345678901234567890.5"),
    ("numeric", "NaN"),
    ("numeric(20,0)", "5"),
    ("text", "any"),
    ("character varying(10)", "any"),
    ("character(5)", "any"),
    ("bytea", "\\x00ff"),
    ("uuid", "00000000-0000-0000-0000-000000000001"),
    ("boolean", "true"),
    ("json", '{"a": 1}'),
    ("json", r'{"a": "\u0000"}'),
    ("json", r'"\ud83d"'),
    ("jsonb", "null"),
    ("date", "infinity"),
    ("date", "4713-01-01 BC"),
    ("date", "5874897-01-01"),
    ("timestamp without time zone", "-infinity"),
    ("timestamp with time zone", "294276-01-01 00:00:00+00"),
    ("time without time zone", "24:00:00"),
    ("time with time zone", "24:00:00-15:59"),
    ("interval", "1 year"),
    ("integer[]", "{1,2}"),
    ("inet", "127.0.0.1"),
]


@pytest.mark.parametrize("new", Kind)
def test_no_value_of_any_type_makes_a_change_fail(
    new: Kind, connector: PostgresConnector, client: PostgresClient
) -> None:
    columns = [column(f"v{number}", new) for number in range(len(STRANGE))]
    fill(connector, client, FINAL, [], [{}, {}])
    for each, (old, value) in zip(columns, STRANGE, strict=True):
        as_a_person(client, f"ALTER TABLE users ADD COLUMN {each.name} {old}".encode())
        as_a_person(client, f"UPDATE users SET {each.name} = %s".encode(), [value])
    as_a_person(client, "UPDATE users SET v0 = NULL WHERE _airbyte_raw_id::text LIKE '%1'")

    evolve(client, columns)

    assert diff(discovered(client), expected(columns)).is_noop


@pytest.mark.parametrize("change", [[], [column("id", Kind.STRING)]], ids=["dropped", "changed"])
def test_a_view_on_a_column_that_goes_or_changes_is_named_and_stays(
    change: list[Column], connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, [column("id", Kind.INTEGER)], [{"id": 1}])
    as_a_person(client, "CREATE SCHEMA reports CREATE VIEW daily AS SELECT id FROM public.users")

    with pytest.raises(ConfigError, match=r"view reports\.daily depends on column.*id.*Drop these objects"):
        evolve(client, change)

    assert as_a_person(client, "SELECT id FROM reports.daily").fetchall() == [(1,)]


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
@pytest.mark.parametrize("change", [[], [column("id", Kind.STRING)]], ids=["dropped", "changed"])
def test_a_view_on_a_column_that_goes_or_changes_is_dropped_where_that_is_asked(
    change: list[Column], kind: str, connect: Connect
) -> None:
    connector = connect(drop_cascade=True)
    client = connector.client()
    fill(connector, client, FINAL, [column("id", Kind.INTEGER)], [{"id": 1}])
    as_a_person(client, f'CREATE {kind} "s een" AS SELECT id FROM users'.encode())
    as_a_person(client, 'CREATE VIEW further AS SELECT id FROM "s een"')
    as_a_person(client, "CREATE VIEW other AS SELECT _airbyte_raw_id FROM users")

    evolve(client, change)

    left = as_a_person(
        client,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')",
    ).fetchall()
    assert left == [("other",)]
    assert diff(discovered(client), expected(change)).is_noop
    client.close()


def test_a_policy_on_a_column_that_goes_is_named_and_stays_whatever_is_asked(connect: Connect) -> None:
    connector = connect(drop_cascade=True)
    client = connector.client()
    fill(connector, client, FINAL, [column("tenant", Kind.STRING)], [{"tenant": "a"}])
    as_a_person(client, "CREATE POLICY own ON users USING (tenant = current_user)")

    with pytest.raises(ConfigError, match=r"policy own on table public.users depends on column tenant"):
        evolve(client, [])

    assert as_a_person(client, "SELECT policyname FROM pg_policies").fetchall() == [("own",)]
    client.close()


# -- what is lost


def metas(client: PostgresClient) -> list[Any]:
    rows = as_a_person(client, "SELECT _airbyte_meta FROM users ORDER BY _airbyte_raw_id")
    return [meta for (meta,) in rows]


def nulled(field: str) -> dict[str, str]:
    return {"field": field, "change": "NULLED", "reason": "DESTINATION_TYPECAST_ERROR"}


def test_a_value_that_is_lost_is_noted_after_what_was_noted_before(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    names = ['quo"te', "per%cent %s {brace} it's \\"]
    before = {"field": "x", "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"}
    known = json.dumps({"sync_id": 7, "changes": [before]})
    rows: list[dict[str, Any]] = [
        {names[0]: "1", names[1]: "one"},
        {names[0]: "one", names[1]: "one", "_airbyte_meta": known},
        {names[0]: None, names[1]: "1"},
    ]
    fill(connector, client, FINAL, [column(name, Kind.STRING) for name in names], rows)

    evolve(client, [column(name, Kind.INTEGER) for name in names])

    assert metas(client) == [
        {"changes": [nulled(names[1])]},
        {"sync_id": 7, "changes": [before, nulled(names[0]), nulled(names[1])]},
        {},
    ]
    assert texts(client, FINAL, names[1]) == [None, None, "1"]


def test_the_null_of_a_document_is_no_loss(connector: PostgresConnector, client: PostgresClient) -> None:
    fill(connector, client, FINAL, [column("a", Kind.JSON)], [{"a": "null"}, {"a": "{}"}, {"a": "5"}])

    evolve(client, [column("a", Kind.INTEGER)])

    assert metas(client) == [{}, {"changes": [nulled("a")]}, {}]


@pytest.mark.parametrize("new", [Kind.JSON, Kind.STRING, Kind.INTEGER])
def test_a_document_with_an_escape_that_the_server_cannot_read_is_lost_and_noted(
    new: Kind, connector: PostgresConnector, client: PostgresClient
) -> None:
    documents = ["7", r'"\\u0000"', r'"\u0000"', r'"\ud83d"', r'"\ud83d\ude00"', None]
    fill(connector, client, FINAL, [column("a", Kind.STRING)], [{"a": each} for each in documents])
    as_a_person(client, "ALTER TABLE users ALTER a TYPE json USING a::json")
    kept = {
        Kind.JSON: ["7", r'"\\u0000"', None, None, '"\U0001f600"', None],
        Kind.STRING: ["7", r"\u0000", None, None, "\U0001f600", None],
        Kind.INTEGER: ["7", None, None, None, None, None],
    }[new]

    evolve(client, [column("a", new)])

    lost = [was is not None and now is None for was, now in zip(documents, kept, strict=True)]
    assert texts(client, FINAL, "a") == kept
    assert metas(client) == [{"changes": [nulled("a")]} if each else {} for each in lost]


def test_a_column_is_narrowed_under_a_view_that_shows_the_notes(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, [column("a", Kind.STRING)], [{"a": "one"}])
    as_a_person(client, "CREATE VIEW notes AS SELECT _airbyte_meta FROM users")

    evolve(client, [column("a", Kind.INTEGER)])

    seen = as_a_person(client, "SELECT * FROM notes").fetchall()
    assert seen == [({"changes": [nulled("a")]},)]


# -- what it costs


# What a table may have had, what it becomes, and how often its rows are written for that.
REWRITES = [
    ("text", Kind.STRING, 0),
    ("varchar(5)", Kind.STRING, 0),
    ("timestamp", Kind.TIMESTAMP_WITH_TIMEZONE, 0),
    ("timestamptz", Kind.TIMESTAMP_WITHOUT_TIMEZONE, 0),
    ("numeric(20,9)", Kind.NUMBER, 0),
    ("numeric(38,9)", Kind.NUMBER, 0),
    ("numeric", Kind.NUMBER, 1),
    ("integer", Kind.INTEGER, 1),
    ("bigint", Kind.NUMBER, 1),
    ("bigint", Kind.STRING, 1),
]


@pytest.mark.parametrize(("old", "new", "rewrites"), REWRITES, ids=lambda each: str(each).replace(" ", "_"))
def test_rows_are_rewritten_only_where_they_are_stored_otherwise(
    old: str, new: Kind, rewrites: int, connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, [], [{}])
    as_a_person(client, f"ALTER TABLE users ADD a {old}, ADD gone {old}".encode())
    before = filenode(client)

    evolve(client, [column("a", new), column("added", Kind.STRING)])

    assert int(filenode(client) != before) == rewrites


def test_many_changes_rewrite_the_rows_once(connector: PostgresConnector, client: PostgresClient) -> None:
    names = ("a", "b", "c")
    fill(connector, client, FINAL, [column(n, Kind.INTEGER) for n in names], [{"a": 1, "b": 2, "c": 3}])
    as_a_person(client, "CREATE TABLE rewrites (reason text)")
    as_a_person(
        client,
        "CREATE FUNCTION count_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO public.rewrites VALUES (''rewritten''); END'",
    )
    as_a_person(client, "CREATE EVENT TRIGGER counting ON table_rewrite EXECUTE FUNCTION count_rewrite()")

    evolve(client, [column(n, Kind.STRING) for n in names])

    assert as_a_person(client, "SELECT count(*) FROM rewrites").fetchone() == (1,)


def filenode(client: PostgresClient) -> Any:
    return as_a_person(client, "SELECT pg_relation_filenode('users')").fetchone()


# -- half done


def test_a_change_that_was_cut_off_leaves_no_note_and_is_done_by_the_next_attempt(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    fill(connector, client, FINAL, [column("a", Kind.STRING)], [{"a": "one"}])

    def cut_off() -> None:
        with client.transaction():
            changes = diff(client.discover_schema(FINAL), expected([column("a", Kind.INTEGER)]))
            client.apply_changeset(FINAL, changes)
            with psycopg.connect(postgres_database.dsn, autocommit=True) as killer:
                killer.execute(
                    "SELECT pg_terminate_backend(%s, 5000)", [client.connection.open.info.backend_pid]
                )
            client.count_rows(FINAL)

    with pytest.raises(psycopg.Error):
        cut_off()
    client.recover()
    untouched = metas(client), texts(client, FINAL, "a")
    evolve(client, [column("a", Kind.INTEGER)])

    assert untouched == ([{}], ["one"])
    assert (metas(client), texts(client, FINAL, "a")) == ([{"changes": [nulled("a")]}], [None])


def test_a_primary_key_of_the_users_stays_and_is_no_difference(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, [column("id", Kind.INTEGER)], [{"id": 1}])
    as_a_person(client, "ALTER TABLE users ADD PRIMARY KEY (id)")

    evolve(client, [column("id", Kind.INTEGER), column("added", Kind.STRING)])

    assert index_names(client, FINAL) == ["users_pkey"]
    assert diff(
        discovered(client), expected([column("id", Kind.INTEGER), column("added", Kind.STRING)])
    ).is_noop
