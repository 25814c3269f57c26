"""The suites for the ledger and the lock: what is kept, and which runs are kept out."""

import threading
from contextlib import ExitStack, closing

import pytest
from attrs import evolve

from connectors.contract.ledger import LedgerEntry
from connectors.testkit.harness.destination import Bench, Suite
from connectors.testkit.harness.rows import batch, data, raw_id, row
from connectors.testkit.harness.runs import USERS
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.types import Column, Kind, Scalar, StreamName, TableName
from machines.operations import Recipe

TABLE = TableName("shop", "users")
FULL = LedgerEntry(
    table=TABLE,
    epoch=2**40,
    owner="4711-ünï'; --",
    temp=TableName("shop", 'users_airbyte_tmp_"\\'),
    recipe=Recipe(
        strategy=Strategy.DEDUP_TRUNCATE,
        generation_id=2**40,
        primary_key=("id", "funny \"key'"),
        cursor="updated_at",
        columns=tuple(Column(f"{kind}_column", f'field "{kind}"', Scalar(kind)) for kind in Kind),
    ),
    last_flush=2**40,
    checkpoint=raw_id(1),
    highest_raw_id=raw_id(2),
    finalised=2**40,
)
EMPTY = LedgerEntry(table=TABLE)
BARE = evolve(
    FULL, recipe=Recipe(strategy=Strategy.APPEND, generation_id=0, primary_key=(), cursor=None, columns=())
)


class LedgerSuite(Suite):
    """`Client.ledger` keeps `connectors.contract.ledger`."""

    @pytest.mark.parametrize("entry", [FULL, EMPTY, BARE], ids=["full", "empty", "without key"])
    def test_an_entry_is_held_as_it_was_saved(self, bench: Bench, entry: LedgerEntry) -> None:
        _save(bench, entry)

        assert _held(bench, TABLE) == entry

    @pytest.mark.parametrize(("first", "second"), [(EMPTY, FULL), (FULL, EMPTY)], ids=["fuller", "emptier"])
    def test_saving_replaces_the_entry(self, bench: Bench, first: LedgerEntry, second: LedgerEntry) -> None:
        _save(bench, first)
        _save(bench, second)

        assert _held(bench, TABLE) == second

    def test_an_entry_is_undone_with_its_transaction(self, bench: Bench) -> None:
        """The ledger decides because it is written in the transaction of the work it describes."""
        _save(bench, EMPTY)

        with bench.undone():
            bench.client.ledger.save(FULL)

        assert _held(bench, TABLE) == EMPTY

    def test_a_table_without_an_entry_is_distinguished(self, bench: Bench) -> None:
        assert _held(bench, TABLE) is None

    def test_every_table_has_an_entry_of_its_own(self, bench: Bench) -> None:
        entries = [
            evolve(EMPTY, table=TableName(namespace, name), epoch=number)
            for number, (namespace, name) in enumerate([("a", "users"), ("b", "users"), ("a", "b.users")])
        ]

        for entry in entries:
            _save(bench, entry)

        assert [_held(bench, entry.table) for entry in entries] == entries

    def test_all_entries_are_listed(self, bench: Bench) -> None:
        others = [evolve(FULL, table=TableName("a", "users")), evolve(EMPTY, table=TableName("z", "users"))]

        for entry in (*others, FULL):
            _save(bench, entry)

        with bench.client.transaction():
            listed = bench.client.ledger.entries()
        assert {entry.table: entry for entry in listed} == {entry.table: entry for entry in (*others, FULL)}

    def test_tables_alike_are_listed_with_their_streams_once_they_were_claimed(self, bench: Bench) -> None:
        stream, other = StreamName("src", "users"), StreamName(None, "orders")
        claimed = [
            evolve(FULL, table=TableName("shop", "USERS"), stream=other),
            evolve(FULL, table=TableName("shop", "elsewhere"), stream=stream),
        ]
        for entry in (*claimed, evolve(EMPTY, table=TableName("z", "Users")), evolve(FULL, stream=None)):
            _save(bench, entry)

        with bench.client.transaction():
            found = {each.final: each.stream for each in bench.client.ledger.like(TABLE, stream)}

        assert found == {TABLE: None, **{entry.table: entry.stream for entry in claimed}}

    def test_preparing_the_ledger_again_keeps_what_is_there(self, bench: Bench) -> None:
        _save(bench, FULL)

        with bench.client.transaction():
            bench.client.ledger.prepare()

        assert _held(bench, TABLE) == FULL

    def test_an_entry_survives_the_connector_that_wrote_it(self, bench: Bench) -> None:
        _save(bench, FULL)
        bench.client.close()
        bench.connector.close()

        later = bench.destination.connector()
        client = later.client()
        with client.transaction():
            entry = client.ledger.hold(TABLE)
        client.close()
        later.close()

        assert entry == FULL

    def test_holding_waits_for_another_holder_and_reads_what_that_one_wrote(self, bench: Bench) -> None:
        """The fence: a superseded run's last transaction is waited for, not overlooked."""
        _save(bench, EMPTY)
        found: list[LedgerEntry | None] = []

        def hold() -> None:
            other = bench.connector.client()
            with other.transaction():
                found.append(other.ledger.hold(TABLE))
            other.close()

        waiting = threading.Thread(target=hold)
        with bench.client.transaction():
            bench.client.ledger.hold(TABLE)
            waiting.start()
            waiting.join(0.3)
            early = list(found)
            bench.client.ledger.save(FULL)
        waiting.join(10)

        assert early == []
        assert found == [FULL]


class LockSuite(Suite):
    """`Client.lock` keeps other runs out of a table, and the runs of other tables in."""

    def test_a_lock_keeps_other_runs_out_and_names_who_holds_it(self, bench: Bench) -> None:
        other = bench.connector.client()
        bench.client.lock(TABLE, "run one")

        with pytest.raises(ConfigError, match="run one"):
            other.lock(TABLE, "run two")

        other.close()

    def test_the_writer_of_a_table_is_the_run_that_locked_it(self, bench: Bench) -> None:
        other = bench.connector.client()
        other.lock(TABLE, "run one")

        with bench.client.transaction():
            writers = bench.client.writer(TABLE), bench.client.writer(TableName("shop", "others"))

        other.close()
        assert writers[0] is not None
        assert (writers[0].run, writers[0].gone, writers[1]) == ("run one", False, None)

    def test_a_lock_is_of_one_table_and_may_be_asked_for_again(self, bench: Bench) -> None:
        other = bench.connector.client()
        bench.client.lock(TABLE, "run one")

        bench.client.lock(TABLE, "run one")
        other.lock(TableName("shop", "others"), "run two")

        other.close()

    def test_a_lock_is_released_when_its_client_closes(self, bench: Bench) -> None:
        other = bench.connector.client()
        other.lock(TABLE, "run one")
        other.close()

        bench.client.lock(TABLE, "run two")

    def test_a_lock_outlives_transactions_and_a_lost_connection(self, bench: Bench) -> None:
        other = bench.connector.client()
        other.lock(TABLE, "run one")
        with other.transaction():
            other.create_table(bench.table("users"), USERS, ())
        other.recover()

        with pytest.raises(ConfigError, match="run one"):
            bench.client.lock(TABLE, "run two")

        other.close()

    def test_as_many_streams_as_it_says_are_worked_on_in_transactions_side_by_side(
        self, bench: Bench
    ) -> None:
        """Each has its client, its table and its entry, and none waits for another's end."""
        tables = [bench.table(f"stream_{number}") for number in range(bench.connector.streams_at_once)]

        with ExitStack() as stack:
            clients = [stack.enter_context(closing(bench.connector.client())) for _ in tables]
            for client in clients:
                stack.enter_context(client.transaction())
            for number, (table, client) in enumerate(zip(tables, clients, strict=True)):
                client.create_table(table, USERS, ())
                rows = [batch(USERS, [row(number, id=number, name="Ann")], bench.connector.columns.limits)]
                bench.connector.insert_buffer(client).insert(table, USERS, rows)
            for table, client in zip(tables, clients, strict=True):
                client.ledger.save(LedgerEntry(table=table, owner="me"))

        found = [data(bench.rows(table, USERS)) for table in tables]
        assert found == [[{"id": number, "name": "Ann"}] for number in range(len(tables))]
        assert [_held(bench, table) for table in tables] == [
            LedgerEntry(table=table, owner="me") for table in tables
        ]


def _save(bench: Bench, entry: LedgerEntry) -> None:
    with bench.client.transaction():
        bench.client.ledger.hold(entry.table)
        bench.client.ledger.save(entry)


def _held(bench: Bench, table: TableName) -> LedgerEntry | None:
    with bench.client.transaction():
        return bench.client.ledger.hold(table)
