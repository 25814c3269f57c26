"""What the MySQL destination does about servers, tables and names that do not fit, on a real server."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.engine.sync.check import check_connector
from connectors.mysql import DEFINITION
from connectors.mysql.server import is_mariadb, require_known
from connectors.testkit.harness.messages import (
    INTEGER,
    STRING,
    catalog,
    complete,
    record,
    state,
    stream,
    users,
)
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.connectors.mysql.support import refused, send, setting
from tests.connectors.test_mysql import Look, options
from tests.servers.mariadb import mariadb


def send_wide(warehouse: Warehouse, kind: Mapping[str, Any], count: int, value: Any) -> Outcome:
    """A sync of one record of this number of columns, and a STATE."""
    fields = {f"c{number}": kind for number in range(count)}
    wide = stream("wide", Strategy.APPEND, fields)
    sent = record("wide", **dict.fromkeys(fields, value))
    return warehouse.sync(catalog(wide), sent, state("wide", "w1"), complete("wide"))


# -- servers


def test_a_server_that_is_not_strict_and_elsewhere_in_time_is_written_to_like_any_other(
    warehouse: Warehouse, server: Any
) -> None:
    with setting(server, sql_mode="", time_zone="+05:00", default_storage_engine="MyISAM"):
        outcome = send(warehouse, Strategy.APPEND, "a")
        with server.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT engine FROM information_schema.tables "
                "WHERE table_schema IN ('kit', 'airbyte_internal')"
            )
            engines = cursor.fetchall()

    assert (outcome.exit_code, outcome.states) == (0, ["s1"])
    assert str(warehouse.rows()[0]["_airbyte_extracted_at"]) == "2026-01-01 00:00:00+00:00"
    assert engines == (("InnoDB",),)


def test_a_server_that_only_reads_says_what_to_set(look: Look, server: Any, mysql_server: Path) -> None:
    server.query("DROP USER IF EXISTS loader@localhost")
    server.query("CREATE USER loader@localhost")
    server.query(
        "GRANT CREATE, DROP, SELECT, INSERT, UPDATE, DELETE, ALTER, INDEX ON *.* TO loader@localhost"
    )
    given = {**options(mysql_server), "username": "loader"}

    with (
        setting(server, read_only=1),
        closing(DEFINITION.connector(given, "check", SYSTEM)) as connector,
        pytest.raises(Exception) as raised,  # noqa: PT011 - it is explained below
    ):
        check_connector(connector, "check")

    explained = DEFINITION.connector(given, "check", SYSTEM).explain(raised.value)
    assert isinstance(explained, ConfigError)
    assert "read_only and super_read_only to OFF" in explained.remedy


@pytest.mark.mysql
def test_a_server_that_ignores_the_case_of_names_is_refused_in_words() -> None:
    with mariadb("--lower-case-table-names=1") as socket, pytest.raises(ConfigError, match="keep the case"):
        check(socket)


def test_a_server_that_takes_next_to_nothing_is_refused_in_words(
    look: Look, server: Any, mysql_server: Path
) -> None:
    with (
        setting(server, max_allowed_packet=512 * 1024),
        pytest.raises(ConfigError, match="no packet beyond 524288 bytes") as refusal,
    ):
        check(mysql_server)

    assert "max_allowed_packet" in refusal.value.remedy


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("5.5.5-10.5.26-MariaDB-0+deb11u2", r"MariaDB 10\.5\.26, and this destination needs 10\.6"),
        ("10.4.1-MariaDB", r"MariaDB 10\.4\.1"),
        ("8.0.16", r"MySQL 8\.0\.16, and this destination needs 8\.0\.17"),
        ("5.7.44-log", r"MySQL 5\.7\.44"),
    ],
)
def test_a_server_that_is_too_old_is_refused_in_words(version: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        require_known(version)


def check(socket: Path) -> None:
    with closing(DEFINITION.connector(options(socket), "check", SYSTEM)) as connector:
        check_connector(connector, "check")


# -- sizes


@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [
        pytest.param(STRING, 500, "a", id="columns wider than a row of a page"),
        pytest.param(STRING, 250, "x" * 38, id="values wider than a row of a page"),
        pytest.param(INTEGER, 1014, 1, id="more columns than a table has"),
    ],
)
def test_a_stream_that_no_table_holds_is_refused_before_its_state(
    warehouse: Warehouse, kind: Mapping[str, Any], count: int, value: Any
) -> None:
    outcome = send_wide(warehouse, kind, count, value)

    assert refused(outcome, "more or wider columns than InnoDB allows")
    assert any("Deselect columns" in each["message"] for each in outcome.errors)


def test_as_many_texts_as_the_page_says_are_no_problem(warehouse: Warehouse, server: Any) -> None:
    outcome = send_wide(warehouse, STRING, 300 if is_mariadb(server.server_version) else 190, "x" * 100)

    assert (outcome.exit_code, outcome.states) == (0, ["w1"])


def test_a_key_beyond_what_an_index_holds_is_compared_whole(warehouse: Warehouse) -> None:
    """Sixteen columns are indexed, by the first characters of each."""
    fields = {f"k{number}": STRING for number in range(17)}
    keyed = stream("users", Strategy.DEDUP, fields, key=fields)
    same: Any = dict.fromkeys(fields, "k" * 2000)
    sent = [record("users", **same), record("users", **same), record("users", **{**same, "k16": "other"})]

    for _ in range(2):
        outcome = warehouse.sync(catalog(keyed), *sent, complete("users"))

    assert outcome.exit_code == 0
    assert len(warehouse.rows()) == 2


def test_a_table_with_as_many_indexes_as_there_may_be_is_refused_before_its_state(
    warehouse: Warehouse, server: Any
) -> None:
    send(warehouse, Strategy.APPEND, "a")
    indexes = ", ".join(f"ADD INDEX i{number} (id)" for number in range(63))
    server.query(f"ALTER TABLE kit.users {indexes}")

    outcome = send(warehouse, Strategy.DEDUP, "b")

    assert refused(outcome, "as many indexes as the server allows")
    server.query("ALTER TABLE kit.users DROP INDEX i1")
    assert send(warehouse, Strategy.DEDUP, "b").exit_code == 0


def test_a_value_beyond_the_largest_packet_is_loaded_all_the_same(warehouse: Warehouse, server: Any) -> None:
    with setting(server, max_allowed_packet=1024 * 1024):
        outcome = send(warehouse, Strategy.APPEND, "x" * 3_000_000)

        assert (outcome.exit_code, outcome.states) == (0, ["s1"])
        assert [len(row["name"]) for row in warehouse.data()] == [3_000_000]


def test_a_value_beyond_the_largest_packet_is_refused_in_words_where_loads_are_off(
    warehouse: Warehouse, server: Any
) -> None:
    with setting(server, max_allowed_packet=1024 * 1024, local_infile=0):
        outcome = send(warehouse, Strategy.APPEND, "x" * 3_000_000)

    assert refused(outcome, "A value is larger than the server takes")
    assert any("set local_infile to ON" in each["message"] for each in outcome.errors)


def test_a_change_of_type_that_the_largest_packet_forbids_is_refused_and_changes_no_row(
    warehouse: Warehouse, server: Any
) -> None:
    """MySQL's function that changes this type has no such limit."""
    send(warehouse, Strategy.APPEND, "x" * 2_000_000)
    changed = stream("users", Strategy.APPEND, {"id": INTEGER, "name": {"type": "object"}})
    with setting(server, max_allowed_packet=1024 * 1024):
        outcome = warehouse.sync(catalog(changed), complete("users"))

    limited = is_mariadb(server.server_version)
    assert refused(outcome, "its column changes its type") is limited
    assert ("max_allowed_packet" in str(outcome.errors)) is limited
    with server.cursor() as cursor:
        cursor.execute("SELECT length(name) FROM kit.users")
        # In quotes, as JSON.
        assert cursor.fetchall() == ((2_000_000 if limited else 2_000_002,),)
    assert send(warehouse, Strategy.APPEND, "b").exit_code == 0


# -- what people built


def test_a_view_in_the_place_of_the_table_is_refused(warehouse: Warehouse, server: Any) -> None:
    server.query("CREATE DATABASE kit")
    server.query("CREATE VIEW kit.users AS SELECT 1 AS id")

    assert refused(send(warehouse, Strategy.APPEND, "a"), "kit.users is a view, not a table")


@pytest.mark.parametrize(
    "built",
    [
        "CREATE TRIGGER kit.t BEFORE INSERT ON kit.users FOR EACH ROW SIGNAL SQLSTATE '45000'",
        "ALTER TABLE kit.users ADD UNIQUE INDEX (id)",
        "ALTER TABLE kit.users ADD CHECK (id > 1)",
    ],
    ids=["trigger", "index", "check"],
)
def test_what_rejects_a_row_is_named_by_its_kind_and_no_state_is_emitted(
    warehouse: Warehouse, server: Any, built: str
) -> None:
    send(warehouse, Strategy.APPEND)
    server.query(built)

    outcome = send(warehouse, Strategy.APPEND, "secret", "b") if "UNIQUE" not in built else twice(warehouse)

    assert refused(outcome, "index, constraint or trigger on the table rejects a row")
    assert not any("secret" in str(each) for each in outcome.errors)
    assert warehouse.rows() == []


def test_a_primary_key_of_a_persons_that_rejects_a_row_is_called_that(
    warehouse: Warehouse, server: Any
) -> None:
    send(warehouse, Strategy.APPEND)
    server.query("ALTER TABLE kit.users ADD mine int DEFAULT 1, DROP PRIMARY KEY, ADD PRIMARY KEY (mine)")

    outcome = twice(warehouse)

    assert refused(outcome, "A row repeats a value of the table's primary key")
    assert any("let it be _airbyte_raw_id" in each["message"] for each in outcome.errors)


def twice(warehouse: Warehouse) -> Outcome:
    """Two rows of one id."""
    sent = [record("users", id=1, name="secret"), record("users", id=1, name="b")]
    return warehouse.sync(catalog(users(Strategy.APPEND)), *sent, state("users", "s1"), complete("users"))


def test_a_column_of_a_persons_that_takes_no_null_is_refused_in_words(
    warehouse: Warehouse, server: Any
) -> None:
    """A load of MySQL's gives it a value of its own."""
    send(warehouse, Strategy.APPEND)
    server.query("ALTER TABLE kit.users ADD mine int NOT NULL")

    outcome = send(warehouse, Strategy.APPEND, "a")

    if is_mariadb(server.server_version):
        assert refused(outcome, "takes no null, and has no default")
    else:
        assert (outcome.exit_code, [each["mine"] for each in warehouse.data()]) == (0, [0])


@pytest.mark.parametrize(
    ("built", "named"),
    [
        (
            ["CREATE TRIGGER kit.audit BEFORE INSERT ON kit.users FOR EACH ROW SET NEW.name = 'a'"],
            "trigger audit",
        ),
        (["ALTER TABLE kit.users ADD FOREIGN KEY (id) REFERENCES kit.ids (id)"], "foreign key users_ibfk_1"),
        (
            [
                "ALTER TABLE kit.users ADD UNIQUE INDEX (id)",
                "ALTER TABLE kit.ids ADD FOREIGN KEY (id) REFERENCES kit.users (id)",
            ],
            "foreign key kit.ids.ids_ibfk_1",
        ),
    ],
    ids=["trigger", "foreign key of the table", "foreign key to the table"],
)
def test_a_refresh_of_a_table_that_people_built_on_is_refused_before_its_state(
    warehouse: Warehouse, server: Any, built: list[str], named: str
) -> None:
    send(warehouse, Strategy.APPEND)
    server.query("CREATE TABLE kit.ids (id bigint PRIMARY KEY)")
    for statement in built:
        server.query(statement)

    outcome = send(warehouse, Strategy.APPEND_TRUNCATE, "a", generation=2)

    assert refused(outcome, f"{named} would be lost with it")


def test_a_refresh_that_was_published_already_adds_to_a_table_that_people_built_on(
    warehouse: Warehouse, server: Any
) -> None:
    send(warehouse, Strategy.APPEND_TRUNCATE, "a", generation=2)
    server.query("CREATE TRIGGER kit.audit BEFORE INSERT ON kit.users FOR EACH ROW SET NEW.updated = 7")

    outcome = send(warehouse, Strategy.APPEND_TRUNCATE, "b", generation=2)

    assert (outcome.exit_code, [each["updated"] for each in warehouse.data()]) == (0, [1, 7])


# -- databases and names


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3"])
def test_a_database_of_another_character_set_holds_every_character(
    warehouse: Warehouse, server: Any, charset: str
) -> None:
    server.query(f"CREATE DATABASE kit CHARACTER SET {charset}")

    outcome = send(warehouse, Strategy.DEDUP, "é😀")

    assert (outcome.exit_code, outcome.states) == (0, ["s1"])
    assert [row["name"] for row in warehouse.data()] == ["é😀"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("n" * 64, "n" * 64),
        ("n" * 65, "n" * 51 + "_7caef2f07c78"),
        ("ü" * 64, "ü" * 64),
        ("ends ", "ends_"),
        ("emo😀ji", "emo_ji"),
        ("a`b%s.c", "a`b%s.c"),
    ],
    ids=["64", "65", "64 of two bytes", "space", "emoji", "marks"],
)
def test_a_name_is_kept_as_far_as_the_server_can(warehouse: Warehouse, name: str, kept: str) -> None:
    for generation, strategy in ((1, Strategy.DEDUP), (2, Strategy.DEDUP_TRUNCATE)):
        named = stream(name, strategy, {"id": INTEGER, name: STRING}, generation=generation)
        sent: Any = {"id": 1, name: "a"}
        outcome = warehouse.sync(catalog(named), record(name, **sent), complete(name))

    assert outcome.exit_code == 0
    assert warehouse.data(name) == [{"id": 1, kept: "a"}]
