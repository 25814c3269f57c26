"""The client on real files: tables, transactions, the ledger and its fence, and several threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from attrs import evolve

from connectors.contract import Connector
from connectors.contract.ledger import LedgerEntry
from connectors.duckdb.client import INTERNAL_NAMESPACE, DuckDbClient
from connectors.duckdb.connector import DuckDbConnector
from connectors.duckdb.database import ROW_GROUP, Database, is_out_of_memory
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import ConfigError
from dataflow.evolution import diff
from dataflow.runtime import SYSTEM
from dataflow.types import INTEGER, NUMBER, STRING, Column, TableName
from tests.connectors.duckdb.stage import (
    FINAL,
    ID_TEST,
    TEMP,
    batch,
    config,
    connector,
    contents,
    fill,
    numbers,
    query,
    raw_id,
    recipe,
    row,
)


def prepare(client: DuckDbClient) -> None:
    with client.transaction():
        client.create_namespace(INTERNAL_NAMESPACE)
        client.ledger.prepare()


# -- tables


def test_a_namespace_is_made_once_and_may_be_asked_for_again(client: DuckDbClient) -> None:
    with client.transaction():
        client.create_namespace("sales")
    with client.transaction():
        client.create_namespace("Sales")

    found = query(client, "SELECT schema_name FROM duckdb_schemas() WHERE lower(schema_name) = 'sales'")
    assert found == [("sales",)]


def test_a_table_exists_once_it_is_made_and_until_it_is_dropped(client: DuckDbClient) -> None:
    answers = []
    with client.transaction():
        answers.append(client.table_exists(FINAL))
        client.create_table(FINAL, ID_TEST, ("id",))
        answers.append(client.table_exists(FINAL))
        client.drop_table(FINAL)
        answers.append(client.table_exists(FINAL))

    assert answers == [False, True, False]


def test_a_table_that_is_not_there_may_be_dropped(client: DuckDbClient) -> None:
    with client.transaction():
        client.drop_table(FINAL)


def test_a_table_exists_however_its_ascii_letters_are_written(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    fill(to, client, TableName("main", "Übersicht"), ID_TEST, [])

    with client.transaction():
        assert client.table_exists(TableName("MAIN", "ÜBERSICHT"))
        assert not client.table_exists(TableName("main", "übersicht"))


def test_a_view_that_has_a_tables_name_is_named(client: DuckDbClient) -> None:
    query(client, "CREATE VIEW users AS SELECT 1 AS id")

    with pytest.raises(ConfigError, match=r"main\.users is a view, not a table"), client.transaction():
        client.table_exists(FINAL)


def test_a_table_in_another_schema_is_another_table(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [])

    with client.transaction():
        assert not client.table_exists(TableName("sales", FINAL.name))


# Named like what the statements call, and with answers of their own.
MACROS = (
    "translate(a, b, c) AS 'theirs'",
    "contains(a, b) AS false",
    "count(a) AS 7",
    "first_value(a) AS 7",
    "row_number() AS 7",
    "to_json(a) AS 'theirs'",
    "json_type(a) AS 'theirs'",
    "regexp_replace(a, b, c) AS 'theirs'",
    "rtrim(a, b) AS 'theirs'",
    "list_where(a, b) AS 7",
    "duckdb_tables() AS TABLE SELECT 1",
    "duckdb_columns() AS TABLE SELECT 1",
    "duckdb_schemas() AS TABLE SELECT 1",
)


def test_a_macro_that_is_named_like_a_function_of_duckdb_never_runs(tmp_path: Path) -> None:
    to, value = connector(tmp_path), Column("value", "value", NUMBER)
    text = Column("value", "value", STRING)
    with duckdb.connect(tmp_path / "lake.duckdb") as person:
        for macro in MACROS:
            person.execute(f"CREATE MACRO {macro}")
    with closing(to), closing(to.client()) as client:
        fill(to, client, FINAL, (value,), [row(1, value=Decimal("1.50")), row(2, value=Decimal(2))])
        fill(to, client, TEMP, (text,), [row(3, value="1.5"), row(4, value="1.5"), row(5, value="3")])
        with client.transaction():
            client.create_namespace("main")
            client.apply_changeset(FINAL, diff(client.discover_schema(FINAL), client.discover_schema(TEMP)))
            client.merge_table(TEMP, FINAL, recipe((text,), ("value",)))
            client.dedupe_table(FINAL, recipe((text,), ("value",)))
            named = client.tables_named("tmp")

        assert named == [TEMP]
        assert sorted(contents(client, FINAL, "value")) == [("1.5",), ("2",), ("3",)]


@pytest.mark.parametrize("name", ["lake", "temp", "system", "memory", 'sales"2025', "airbyte_internal"])
def test_a_schema_may_be_called_like_a_database(to: DuckDbConnector, client: DuckDbClient, name: str) -> None:
    final, temp = TableName(name, "users"), TableName(name, "users_airbyte_tmp")
    with client.transaction():
        client.create_namespace(name)
    fill(to, client, temp, ID_TEST, [row(1, id="a")])

    with client.transaction():
        client.create_table(final, ID_TEST, ())
        client.merge_table(temp, final, recipe(ID_TEST))
        client.overwrite_table(temp, final)

    assert numbers(client, final) == [1]


def test_the_file_may_be_called_like_the_ledgers_schema(tmp_path: Path) -> None:
    to = connector(tmp_path, destination_path=str(tmp_path / f"{INTERNAL_NAMESPACE}.duckdb"))
    client = to.client()
    prepare(client)

    with client.transaction():
        assert client.ledger.hold(FINAL) is None
    client.close()
    to.close()


def test_a_table_is_empty_until_it_holds_a_row(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [])
    with client.transaction():
        before = client.table_is_empty(FINAL), client.count_rows(FINAL)
        to.insert_buffer(client).insert(FINAL, ID_TEST, [batch(ID_TEST, [row(1), row(2)])])
        after = client.table_is_empty(FINAL), client.count_rows(FINAL)

    assert (before, after) == ((True, 0), (False, 2))


def test_trimming_removes_what_is_above_a_raw_id(to: DuckDbConnector, client: DuckDbClient) -> None:
    # The sign bit of a UUID and the digits of hexadecimals are where another order would show.
    ids = [9, 10, 1 << 64, 1 << 127, (1 << 128) - 1]
    fill(to, client, TEMP, ID_TEST, [row(each) for each in reversed(ids)])

    with client.transaction():
        removed = client.trim_table(TEMP, raw_id(1 << 64))

    assert removed == 2
    assert numbers(client, TEMP) == ids[:3]


def test_trimming_after_nothing_removes_all(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, TEMP, ID_TEST, [row(1), row(2)])

    with client.transaction():
        assert client.trim_table(TEMP, None) == 2
        assert client.table_is_empty(TEMP)


def test_copying_appends(to: DuckDbConnector, client: DuckDbClient) -> None:
    other_order = tuple(reversed(ID_TEST))
    fill(to, client, TEMP, other_order, [row(3, id="c", test=3), row(4, id="d", test=4)])
    fill(to, client, FINAL, ID_TEST, [row(1, id="a", test=1)])

    with client.transaction():
        copied = client.copy_table(TEMP, FINAL, ID_TEST)

    assert copied == 2
    assert contents(client, FINAL, "id", "test") == [("a", 1), ("c", 3), ("d", 4)]
    assert numbers(client, TEMP) == [3, 4]


@pytest.mark.parametrize("there", [True, False])
def test_overwriting_puts_the_source_in_the_targets_place(
    to: DuckDbConnector, client: DuckDbClient, there: bool
) -> None:
    fill(to, client, TEMP, ID_TEST, [row(2)])
    if there:
        fill(to, client, FINAL, ID_TEST[:1], [row(1)])

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)
        assert not client.table_exists(TEMP)

    assert numbers(client, FINAL) == [2]


def test_a_view_on_the_table_survives_the_swap(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [row(1, id="old")])
    query(client, "CREATE VIEW names AS SELECT id FROM users")
    fill(to, client, TEMP, ID_TEST, [row(2, id="new")])

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert query(client, "FROM names") == [("new",)]


# -- transactions


def test_a_transaction_that_fails_leaves_nothing(to: DuckDbConnector, client: DuckDbClient) -> None:
    with suppress(RuntimeError), client.transaction():
        client.create_table(FINAL, ID_TEST, ())
        to.insert_buffer(client).insert(FINAL, ID_TEST, [batch(ID_TEST, [row(1)])])
        raise RuntimeError

    with client.transaction():
        assert not client.table_exists(FINAL)


def test_the_client_goes_on_after_an_error_of_duckdbs(to: DuckDbConnector, client: DuckDbClient) -> None:
    with pytest.raises(duckdb.CatalogException), client.transaction():
        client.count_rows(FINAL)
    fill(to, client, FINAL, ID_TEST, [row(1)])

    assert numbers(client, FINAL) == [1]


def test_the_client_goes_on_after_a_commit_that_failed(to: DuckDbConnector, client: DuckDbClient) -> None:
    query(client, "CREATE TABLE keyed (i INTEGER PRIMARY KEY)")
    other = to.client()

    def collide() -> None:
        with client.transaction():
            query(client, "INSERT INTO keyed VALUES (1)")
            with other.transaction():
                query(other, "INSERT INTO keyed VALUES (1)")

    with pytest.raises(duckdb.TransactionException):
        collide()
    other.close()

    with client.transaction():
        assert not client.table_exists(FINAL)


def test_a_recovered_client_has_lost_its_transaction_and_goes_on(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    fill(to, client, FINAL, ID_TEST, [])
    with suppress(duckdb.Error), client.transaction():
        client.trim_table(FINAL, None)
        client.drop_table(FINAL)
        client.recover()

    with client.transaction():
        assert client.table_exists(FINAL)


def test_a_reader_sees_the_old_table_until_the_commit(to: DuckDbConnector, client: DuckDbClient) -> None:
    fill(to, client, FINAL, ID_TEST, [row(1)])
    fill(to, client, TEMP, ID_TEST, [row(2)])
    reader = to.client()

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)
        during = numbers(reader, FINAL)
    after = numbers(reader, FINAL)
    reader.close()

    assert (during, after) == ([1], [2])


def test_a_client_may_be_closed_twice(client: DuckDbClient) -> None:
    query(client, "SELECT 1")

    client.close()
    client.close()


# -- the ledger


def test_an_entry_comes_back_as_it_was_saved(client: DuckDbClient) -> None:
    prepare(client)
    entry = LedgerEntry(
        table=FINAL,
        epoch=3,
        owner="1-abc",
        temp=TEMP,
        recipe=recipe(ID_TEST, cursor="test"),
        last_flush=7,
        checkpoint=raw_id(1),
        highest_raw_id=raw_id(2),
        finalised=5,
    )
    with client.transaction():
        client.ledger.save(LedgerEntry(table=TEMP))
        client.ledger.save(LedgerEntry(table=FINAL))
    with client.transaction():
        client.ledger.save(entry)

    with client.transaction():
        assert client.ledger.hold(FINAL) == entry
        assert client.ledger.hold(TEMP) == LedgerEntry(table=TEMP)


def test_a_ledger_is_prepared_once_and_may_be_again(client: DuckDbClient) -> None:
    prepare(client)
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL, epoch=1))
    prepare(client)

    with client.transaction():
        assert client.ledger.hold(FINAL) == LedgerEntry(table=FINAL, epoch=1)


def test_a_run_that_waits_for_an_entry_reads_what_its_holder_wrote(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    prepare(client)
    held = threading.Event()

    def take_the_next_epoch() -> int:
        other = to.client()
        held.wait()
        with other.transaction():
            entry = other.ledger.hold(FINAL)
            epoch = entry.epoch if entry else 0
            other.ledger.save(LedgerEntry(table=FINAL, epoch=epoch + 1))
        other.close()
        return epoch

    with ThreadPoolExecutor(1) as pool:
        with client.transaction():
            client.ledger.hold(FINAL)
            held.set()
            answer = pool.submit(take_the_next_epoch)
            # New entries are held too.
            client.ledger.save(LedgerEntry(table=FINAL, epoch=41))

        assert answer.result(timeout=60) == 41


def test_a_failed_transaction_lets_go_of_its_entry(to: DuckDbConnector, client: DuckDbClient) -> None:
    prepare(client)
    with suppress(RuntimeError), client.transaction():
        client.ledger.hold(FINAL)
        raise RuntimeError
    other = to.client()

    with other.transaction():
        assert other.ledger.hold(FINAL) is None
    other.close()


# -- locks


def test_a_held_stream_is_refused_and_its_holder_named(tmp_path: Path, client: DuckDbClient) -> None:
    client.lock(FINAL, "run 1")
    late = connector(tmp_path)
    rival = late.client()

    with pytest.raises(ConfigError, match="run 1 is writing to it"):
        rival.lock(TableName("MAIN", "Users"), "run 2")
    rival.close()
    late.close()


def test_a_stream_may_be_locked_again_by_its_holder(client: DuckDbClient) -> None:
    client.lock(FINAL, "run 1")
    client.recover()

    client.lock(FINAL, "run 1")


def test_a_closed_client_gives_its_streams_back(to: DuckDbConnector, client: DuckDbClient) -> None:
    first = to.client()
    first.lock(FINAL, "run 1")
    first.close()

    client.lock(FINAL, "run 2")


def test_a_lock_that_is_soon_given_back_is_waited_for(to: DuckDbConnector, client: DuckDbClient) -> None:
    first = to.client()
    first.lock(FINAL, "run 1")
    ending = threading.Timer(0.3, first.close)
    ending.start()

    client.lock(FINAL, "run 2")
    ending.join()


def test_two_databases_in_memory_have_nothing_in_common() -> None:
    both = [connector(Path(), destination_path=":memory:") for _ in range(2)]
    clients = [each.client() for each in both]

    for number, client in enumerate(clients):
        client.lock(FINAL, f"run {number}")
        fill(both[number], client, FINAL, ID_TEST, [row(number)])

    assert [numbers(client, FINAL) for client in clients] == [[0], [1]]
    for client in clients:
        client.close()


# -- threads


def test_streams_written_at_the_same_time_do_not_get_in_each_others_way(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    prepare(client)
    columns = (Column("n", "n", INTEGER),)
    flushes, rows = 40, 500

    def load(stream: int) -> None:
        writer = to.client()
        temp, final = TableName("main", f"temp{stream}"), TableName("main", f"final{stream}")
        with writer.transaction():
            writer.create_table(temp, columns, ())
            writer.ledger.save(LedgerEntry(table=final))
        for flush in range(flushes):
            with writer.transaction():
                entry = writer.ledger.hold(final)
                assert entry is not None
                arrived = [row(flush * rows + n, n=n) for n in range(rows)]
                to.insert_buffer(writer).insert(temp, columns, [batch(columns, arrived)])
                writer.ledger.save(evolve(entry, last_flush=flush + 1))
        with writer.transaction():
            writer.ledger.hold(final)
            writer.create_table(final, columns, ("n",))
            writer.merge_table(temp, final, recipe(columns, ("n",)))
            writer.drop_table(temp)
            writer.ledger.save(LedgerEntry(table=final, finalised=1))
        writer.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(load, stream) for stream in range(4)]:
            done.result(timeout=120)

    with client.transaction():
        counts = [client.count_rows(TableName("main", f"final{stream}")) for stream in range(4)]
    assert counts == [rows] * 4


# -- memory


def test_a_cell_that_needs_more_memory_than_duckdb_was_given_is_written_all_the_same(
    tmp_path: Path, to: DuckDbConnector, client: DuckDbClient
) -> None:
    """Little is given at first, since DuckDB would keep what it wrote until it is used up."""
    fill(to, client, FINAL, ID_TEST, [])
    waits: list[str] = []
    writer = Transactions(to, RetryPolicy(first_wait=0), lambda error, *_: waits.append(error.message))
    large = batch(ID_TEST, [row(1, id="x" * (100 << 20))])
    connector: Connector = to

    taken = writer.run(
        "writing", lambda: connector.insert_buffer(writer.client).insert(FINAL, ID_TEST, [large])
    )

    assert taken == 1
    assert set(waits) == {"DuckDB needed more memory than its limit, and the limit was raised."}
    assert query(client, "SELECT octet_length(encode(id)) FROM users") == [(100 << 20,)]
    writer.client.close()


def test_there_is_an_end_to_the_memory_that_duckdb_is_given(tmp_path: Path) -> None:
    database = Database(config(tmp_path), SYSTEM)
    cursor = database.cursor()

    answers = [database.grow() for _ in range(4)]

    assert answers == [True, True, True, False]
    cursor.close()
    database.close()


def test_work_on_a_whole_table_has_more_memory_than_flushes_and_keeps_what_it_was_given(
    to: DuckDbConnector, client: DuckDbClient
) -> None:
    limit = "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'"
    for table in (FINAL, TEMP):
        fill(to, client, table, ID_TEST, [row(1, id="a")])
    limits = query(client, limit)

    for _ in range(2):
        with client.transaction():
            client.merge_table(TEMP, FINAL, recipe(ID_TEST))
        limits += query(client, limit)

    assert limits == [("40.0 MiB",), ("128.0 MiB",), ("128.0 MiB",)]


def test_work_on_a_whole_table_has_every_thread_and_a_flush_has_one(tmp_path: Path) -> None:
    threads = "SELECT value::int FROM duckdb_settings() WHERE name = 'threads'"
    every = duckdb.execute(threads).fetchone()
    database = Database(config(tmp_path), SYSTEM)

    with closing(database), closing(database.cursor()) as cursor:
        found = [cursor.execute(threads).fetchone()]
        with database.whole_tables():
            with database.whole_tables():
                pass
            found.append(cursor.execute(threads).fetchone())
        found.append(cursor.execute(threads).fetchone())

    assert found == [(1,), every, (1,)]


def test_whole_row_groups_go_to_the_file_at_once_and_not_to_the_log(
    to: DuckDbConnector, client: DuckDbClient, tmp_path: Path
) -> None:
    rows = [row(n, id="a", test=n) for n in range(1, 2 * ROW_GROUP + 1)]
    log = tmp_path / "lake.duckdb.wal"

    fill(to, client, FINAL, ID_TEST, rows)

    groups = query(
        client,
        "SELECT row_group_id, sum(count)::int FROM pragma_storage_info('users') "
        "WHERE column_name = 'test' AND segment_type <> 'VALIDITY' GROUP BY ALL ORDER BY ALL",
    )
    assert groups == [(0, ROW_GROUP), (1, ROW_GROUP)]
    assert log.stat().st_size < 10_000


def test_what_does_not_fit_into_the_memory_goes_beside_the_file(client: DuckDbClient, tmp_path: Path) -> None:
    found = query(client, "SELECT current_setting('temp_directory')")

    assert found == [(f"{tmp_path / 'lake.duckdb'}.tmp",)]


@pytest.mark.parametrize(
    "name", ["memory.duckdb", "Memory.db", "temp.duckdb", "system.x", "main", "it's.a.db"]
)
def test_a_file_may_have_the_name_of_a_database_that_duckdb_has_already(tmp_path: Path, name: str) -> None:
    file = str(tmp_path / name)
    to = connector(tmp_path, destination_path=file)
    with closing(to), closing(to.client()) as client:
        fill(to, client, FINAL, ID_TEST, [row(1, id="a")])
        beside = connector(tmp_path, destination_path=file)
        with closing(beside), closing(beside.client()) as other, other.transaction():
            seen = other.count_rows(FINAL)

    with duckdb.connect(file) as connection:
        kept = connection.execute("SELECT id FROM users").fetchall()

    assert (seen, kept) == (1, [("a",)])


def test_a_database_in_memory_has_all_there_is(tmp_path: Path) -> None:
    database = Database(config(tmp_path, destination_path=":memory:"), SYSTEM)
    cursor = database.cursor()

    assert not database.grow()
    cursor.close()
    database.close()


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block of size 50.0 MiB"), True),
        (duckdb.TransactionException("Failed to commit: failed to pin block of size 10.0 MiB"), True),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate data of size 3.7 MiB"), True),
        (duckdb.OutOfMemoryException("failed to offload data block: max_temp_directory_size"), False),
        (duckdb.TransactionException("Failed to commit: conflict"), False),
    ],
)
def test_what_more_memory_would_help(error: duckdb.Error, *, meant: bool) -> None:
    assert is_out_of_memory(error) is meant
