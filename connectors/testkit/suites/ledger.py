"""The suites for the ledger and the lock: what is kept, and which runs are kept out."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest
from attrs import evolve

from connectors.contract import Atomic
from connectors.contract.ledger import Ledger, LedgerEntry, Owner
from connectors.testkit.harness.destination import Bench, Suite
from connectors.testkit.harness.rows import batch, data, raw_id, row
from connectors.testkit.harness.runs import USERS
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.types import Column, Kind, Scalar, StreamName, TableName
from machines.flushes import FlushRow
from machines.operations import Publishing, Recipe

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
    publishing=Publishing.REPLACE,
)
EMPTY = LedgerEntry(table=TABLE)
# The same claim's as FULL.
BLANK = evolve(EMPTY, epoch=FULL.epoch, owner=FULL.owner)
CLAIMED = LedgerEntry(table=TABLE, epoch=7, owner="me")
BARE = evolve(
    FULL, recipe=Recipe(strategy=Strategy.APPEND, generation_id=0, primary_key=(), cursor=None, columns=())
)


class LedgerSuite(Suite):
    """`Client.ledger` keeps `connectors.contract.ledger`."""

    @pytest.mark.parametrize("entry", [FULL, EMPTY, BARE], ids=["full", "empty", "without key"])
    def test_an_entry_is_held_as_it_was_saved(self, bench: Bench, entry: LedgerEntry) -> None:
        save(bench, entry)

        assert _held(bench, TABLE) == entry

    @pytest.mark.parametrize(("first", "second"), [(BLANK, FULL), (FULL, BLANK)], ids=["fuller", "emptier"])
    def test_saving_replaces_the_entry(self, bench: Bench, first: LedgerEntry, second: LedgerEntry) -> None:
        save(bench, first)
        save(bench, second)

        assert _held(bench, TABLE) == second

    @pytest.mark.parametrize(
        ("first", "second"),
        [(EMPTY, FULL), (FULL, EMPTY), (FULL, evolve(BLANK, owner="another"))],
        ids=["later", "earlier", "equal"],
    )
    def test_saving_replaces_the_entry_of_another_claim_except_in_class_c(
        self, bench: Bench, first: LedgerEntry, second: LedgerEntry
    ) -> None:
        """There it may have changed since it was read: a later claim keeps what is there, any other changes nothing."""
        save(bench, first)
        save(bench, second)

        kept = _claimed(first, second) if second.epoch > first.epoch else first
        assert _held(bench, TABLE) == (kept if _by_statement(bench) else second)

    def test_an_entry_is_undone_with_its_transaction(self, bench: Bench) -> None:
        """The ledger decides because it is written in the transaction of the work it describes.

        In class C each statement is durable at once, and the next transaction must read it.
        """
        save(bench, EMPTY)

        with bench.undone():
            bench.client.ledger.save(evolve(EMPTY, finalised=3))

        assert _held(bench, TABLE) == (evolve(EMPTY, finalised=3) if _by_statement(bench) else EMPTY)

    def test_a_table_without_an_entry_is_distinguished(self, bench: Bench) -> None:
        assert _held(bench, TABLE) is None

    def test_every_table_has_an_entry_of_its_own(self, bench: Bench) -> None:
        entries = [
            evolve(EMPTY, table=TableName(namespace, name), epoch=number)
            for number, (namespace, name) in enumerate([("a", "users"), ("b", "users"), ("a", "b.users")])
        ]

        for entry in entries:
            save(bench, entry)

        assert [_held(bench, entry.table) for entry in entries] == entries

    def test_all_entries_are_listed(self, bench: Bench) -> None:
        others = [evolve(FULL, table=TableName("a", "users")), evolve(EMPTY, table=TableName("z", "users"))]

        for entry in (*others, FULL):
            save(bench, entry)

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
            save(bench, entry)

        with bench.client.transaction():
            found = {each.final: each.stream for each in bench.client.ledger.like(TABLE, stream)}

        assert found == {TABLE: None, **{entry.table: entry.stream for entry in claimed}}

    def test_preparing_the_ledger_again_keeps_what_is_there(self, bench: Bench) -> None:
        save(bench, FULL)

        with bench.client.transaction():
            bench.client.ledger.prepare()

        assert _held(bench, TABLE) == FULL

    def test_an_entry_survives_the_connector_that_wrote_it(self, bench: Bench) -> None:
        save(bench, FULL)
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
        save(bench, BLANK)

        early, found = asked_meanwhile(
            bench,
            lambda other: other.hold(TABLE),
            lambda ours: ours.hold(TABLE),
            lambda ours: ours.save(FULL),
        )

        assert (early, found) == (([], [FULL]) if _waits(bench) else ([BLANK], [BLANK]))
        assert _held(bench, TABLE) == FULL

    # -- flushes

    def test_the_owner_of_an_entry_is_read_by_its_flushes(self, bench: Bench) -> None:
        save(bench, CLAIMED)

        with bench.client.transaction():
            owners = bench.client.ledger.share(TABLE), bench.client.ledger.share(TableName("a", "users"))

        assert owners == (Owner(epoch=7, run="me", last_flush=0), None)

    def test_flushes_are_in_the_entry_once_it_is_held(self, bench: Bench) -> None:
        save(bench, CLAIMED)
        _flush(bench, 2, checkpoint=raw_id(20), highest_raw_id=raw_id(29))
        _flush(bench, 1, checkpoint=raw_id(10), highest_raw_id=raw_id(19))

        held = _held(bench, TABLE)

        folded = evolve(CLAIMED, last_flush=2, checkpoint=raw_id(20), highest_raw_id=raw_id(29))
        assert (held, _held(bench, TABLE)) == (folded, folded)

    @pytest.mark.parametrize("read", ["held", "held and saved"])
    def test_what_a_flush_says_beyond_a_gap_is_forgotten_except_in_class_c(
        self, bench: Bench, read: str
    ) -> None:
        """There the flush that is missing may be under way: those beyond it count as soon as it lands."""
        save(bench, CLAIMED)
        _flush(bench, 1, checkpoint=raw_id(10), highest_raw_id=raw_id(19))
        _flush(bench, 3, checkpoint=raw_id(30), highest_raw_id=raw_id(39))
        held = _held(bench, TABLE) if read == "held" else _saved_as_held(bench)
        _flush(bench, 2, checkpoint=raw_id(20), highest_raw_id=raw_id(29))

        later = _held(bench, TABLE)

        last, checkpoint = (3, raw_id(30)) if _by_statement(bench) else (2, raw_id(20))
        first = evolve(CLAIMED, last_flush=1, checkpoint=raw_id(10), highest_raw_id=raw_id(39))
        assert held == first
        assert later == evolve(first, last_flush=last, checkpoint=checkpoint)

    def test_a_claim_counts_the_flushes_that_landed_until_it_was_saved(self, bench: Bench) -> None:
        """In class C they may land after the claim has read the entry. Raw ids count also after it was saved."""
        save(bench, CLAIMED)
        found = _held(bench, TABLE)
        _flush(bench, 1, checkpoint=raw_id(10), highest_raw_id=raw_id(19))

        with bench.client.transaction():
            held = found if _by_statement(bench) else bench.client.ledger.hold(TABLE)
            bench.client.ledger.save(evolve(held or EMPTY, epoch=8, owner="another", last_flush=0))
        _flush(bench, 2, checkpoint=raw_id(20), highest_raw_id=raw_id(29))

        assert _held(bench, TABLE) == evolve(
            CLAIMED, epoch=8, owner="another", checkpoint=raw_id(10), highest_raw_id=raw_id(29)
        )

    def test_entries_are_listed_with_their_flushes_which_stay(self, bench: Bench) -> None:
        """What is listed is for people: it locks nothing, and changes nothing."""
        save(bench, CLAIMED)
        _flush(bench, 1, checkpoint=raw_id(10), highest_raw_id=raw_id(19))

        with bench.client.transaction():
            listed = [bench.client.ledger.entries() for _ in range(2)]

        folded = evolve(CLAIMED, last_flush=1, checkpoint=raw_id(10), highest_raw_id=raw_id(19))
        assert listed == [[folded], [folded]]
        assert _held(bench, TABLE) == folded

    def test_a_flush_is_written_once(self, bench: Bench) -> None:
        save(bench, CLAIMED)

        written = [_flush(bench, 1, checkpoint=raw_id(10)), _flush(bench, 1, checkpoint=raw_id(11))]

        assert written == [True, False]
        assert _held(bench, TABLE) == evolve(CLAIMED, last_flush=1, checkpoint=raw_id(10))

    def test_a_flush_is_undone_with_its_transaction(self, bench: Bench) -> None:
        """The row says that the rows of its transaction are there. In class C it is written after them, for good."""
        save(bench, CLAIMED)

        with bench.undone():
            bench.client.ledger.share(TABLE)
            bench.client.ledger.flushed(TABLE, FlushRow(epoch=7, number=1))

        assert _flush(bench, 1) is not _by_statement(bench)

    def test_every_table_and_every_epoch_has_flushes_of_its_own(self, bench: Bench) -> None:
        other = evolve(CLAIMED, table=TableName("a", "users"))
        for entry in (CLAIMED, other):
            save(bench, entry)
        _flush(bench, 1, checkpoint=raw_id(10))
        save(bench, evolve(_held(bench, TABLE) or EMPTY, epoch=8, last_flush=0))

        written = [_flush(bench, 1, epoch=8), _flush(bench, 1, table=other.table)]

        assert written == [True, True]
        assert _held(bench, TABLE) == evolve(CLAIMED, epoch=8, last_flush=1, checkpoint=raw_id(10))
        assert _held(bench, other.table) == evolve(other, last_flush=1)

    def test_flushes_of_an_entry_that_somebody_deleted_are_none_of_its_successors(self, bench: Bench) -> None:
        """A new entry counts its epochs from the beginning, and may come to those of the old one."""
        _flush(bench, 1, checkpoint=raw_id(10))

        held = _held(bench, TABLE)
        save(bench, CLAIMED)

        assert (held, _held(bench, TABLE)) == (None, CLAIMED)

    def test_holding_waits_for_those_that_share_and_folds_what_they_wrote(self, bench: Bench) -> None:
        """The fence: a claim waits for the flushes of the run that it supersedes, and overlooks none of them."""
        save(bench, CLAIMED)
        row = FlushRow(epoch=7, number=1, checkpoint=raw_id(10))

        early, found = asked_meanwhile(
            bench,
            lambda other: other.hold(TABLE),
            lambda ours: ours.share(TABLE),
            lambda ours: ours.flushed(TABLE, row),
        )

        folded = evolve(CLAIMED, last_flush=1, checkpoint=raw_id(10))
        assert (early, found) == (([], [folded]) if _waits(bench) else ([CLAIMED], [CLAIMED]))
        assert _held(bench, TABLE) == folded

    def test_sharing_waits_for_a_holder_and_reads_the_owner_that_it_wrote(self, bench: Bench) -> None:
        """The fence: a flush of a superseded run finds another owner."""
        save(bench, CLAIMED)
        taken_over = evolve(CLAIMED, epoch=8, owner="another")

        early, found = asked_meanwhile(
            bench,
            lambda other: other.share(TABLE),
            lambda ours: ours.hold(TABLE),
            lambda ours: ours.save(taken_over),
        )

        before, after = (
            Owner(epoch=each.epoch, run=each.owner, last_flush=0) for each in (CLAIMED, taken_over)
        )
        assert (early, found) == (([], [after]) if _waits(bench) else ([before], [before]))
        assert _held(bench, TABLE) == taken_over


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


def _flush(
    bench: Bench, number: int, *, epoch: int = CLAIMED.epoch, table: TableName = TABLE, **of: str
) -> bool:
    with bench.client.transaction():
        bench.client.ledger.share(table)
        row = FlushRow(
            epoch=epoch,
            number=number,
            rows=1,
            checkpoint=of.get("checkpoint"),
            highest_raw_id=of.get("highest_raw_id"),
        )
        return bench.client.ledger.flushed(table, row)


def _waits(bench: Bench) -> bool:
    """Whether an entry is locked from when it is held or shared until the transaction ends."""
    return bench.connector.atomic in (Atomic.EVERYTHING, Atomic.ROWS)


def _by_statement(bench: Bench) -> bool:
    """Whether the connector is of class C, where each statement is durable by itself, and locks nothing."""
    return bench.connector.atomic is Atomic.STATEMENT


def _claimed(found: LedgerEntry, claim: LedgerEntry) -> LedgerEntry:
    """The entry that was found, once a claim that locked nothing has changed whose it is."""
    return evolve(
        found,
        stream=claim.stream,
        columns=claim.columns,
        epoch=claim.epoch,
        owner=claim.owner,
        last_flush=claim.last_flush,
    )


def _saved_as_held(bench: Bench) -> LedgerEntry | None:
    """The entry, saved in the transaction that held it."""
    with bench.client.transaction():
        entry = bench.client.ledger.hold(TABLE)
        bench.client.ledger.save(entry or EMPTY)
    return entry


def save(bench: Bench, entry: LedgerEntry) -> None:
    """Save the entry, which is held."""
    with bench.client.transaction():
        bench.client.ledger.hold(entry.table)
        bench.client.ledger.save(entry)


def _held(bench: Bench, table: TableName) -> LedgerEntry | None:
    with bench.client.transaction():
        return bench.client.ledger.hold(table)


def asked_meanwhile(
    bench: Bench,
    ask: Callable[[Ledger], object],
    lock: Callable[[Ledger], object],
    write: Callable[[Ledger], object],
) -> tuple[list[object], list[object]]:
    """What another transaction's question brought while ours had its lock, before we wrote; and in the end."""
    found: list[object] = []

    def other_transaction() -> None:
        other = bench.connector.client()
        with other.transaction():
            found.append(ask(other.ledger))
        other.close()

    waiting = threading.Thread(target=other_transaction)
    with bench.client.transaction():
        lock(bench.client.ledger)
        waiting.start()
        waiting.join(0.3)
        early = list(found)
        write(bench.client.ledger)
    waiting.join(10)
    return early, found
