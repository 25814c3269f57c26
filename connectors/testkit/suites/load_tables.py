"""The suite for the ledger's tables of loads: which shards are there, and which files were loaded."""

import pytest
from attrs import evolve

from connectors.contract.ledger import LedgerEntry, Owner
from connectors.contract.loads import OpenedLoad
from connectors.testkit.harness.destination import Bench, Suite, each_needs
from connectors.testkit.harness.loads import file
from connectors.testkit.suites.ledger import BARE, FULL, asked_meanwhile, save
from dataflow.types import TableName
from machines.loads import LoadedFile, ShardRow

TABLE = FULL.table
OTHER = TableName("a", "users")
SHARDS = tuple(
    ShardRow(load="one", number=number, spec=f'{{"uri": "ünï\'; --{number}"}}', millisecond=2**40 + number)
    for number in range(3)
)


@each_needs(loads=True)
class LoadTablesSuite(Suite):
    """`Client.ledger` keeps `connectors.contract.loads`."""

    def test_a_ledger_on_which_no_load_was_prepared_has_none(self, bench: Bench) -> None:
        with bench.client.transaction():
            assert (*bench.client.ledger.shards(TABLE), *bench.client.ledger.files(TABLE, "users")) == ()

    def test_preparing_loads_again_keeps_what_is_there(self, bench: Bench) -> None:
        prepare(bench)
        opened(bench)
        with bench.client.transaction():
            bench.client.ledger.add_files(TABLE, "users", [file("a", "one")])

        prepare(bench)

        assert (shards(bench), files(bench)) == (SHARDS, (file("a", "one"),))

    def test_shards_are_kept_in_their_order_for_each_table_by_itself(self, bench: Bench) -> None:
        prepare(bench)
        others = tuple(evolve(each, load="two") for each in SHARDS[:1])

        opened(bench, *reversed(SHARDS))
        opened(bench, *others, table=OTHER)

        assert (shards(bench), shards(bench, OTHER)) == (SHARDS, others)

    def test_the_shards_of_a_load_are_opened_instead_of_those_before(self, bench: Bench) -> None:
        prepare(bench)
        opened(bench)
        later = tuple(evolve(each, load="two") for each in SHARDS[:2])

        opened(bench, *later)

        assert shards(bench) == later

    def test_shards_are_opened_with_the_transaction_of_their_entry(self, bench: Bench) -> None:
        prepare(bench)

        with bench.undone():
            bench.client.ledger.save(FULL)
            bench.client.ledger.open_shards(TABLE, SHARDS)

        assert shards(bench) == ()

    def test_a_shard_is_there_with_the_transaction_of_its_rows(self, bench: Bench) -> None:
        prepare(bench)
        opened(bench)

        with bench.undone():
            bench.client.ledger.take_shard(TABLE, "one", 1)
            bench.client.ledger.end_shard(TABLE, "one", 1, 7)
        before = shards(bench)
        with bench.client.transaction():
            taken = bench.client.ledger.take_shard(TABLE, "one", 1)
            bench.client.ledger.end_shard(TABLE, "one", 1, 2**40)

        assert (before, taken) == (SHARDS, SHARDS[1])
        assert shards(bench) == (SHARDS[0], evolve(SHARDS[1], rows=2**40), SHARDS[2])

    @pytest.mark.parametrize(("load", "number"), [("two", 1), ("one", 3)])
    def test_a_shard_of_another_load_or_number_is_not_there(
        self, bench: Bench, load: str, number: int
    ) -> None:
        prepare(bench)
        opened(bench)

        with bench.client.transaction():
            assert bench.client.ledger.take_shard(TABLE, load, number) is None

    def test_taking_a_shard_waits_for_another_taker_and_reads_what_it_wrote(self, bench: Bench) -> None:
        """The shard is written once, however many are at it."""
        prepare(bench)
        opened(bench)

        early, found = asked_meanwhile(
            bench,
            lambda other: other.take_shard(TABLE, "one", 1),
            lambda ours: ours.take_shard(TABLE, "one", 1),
            lambda ours: ours.end_shard(TABLE, "one", 1, 7),
        )

        assert (early, found) == ([], [evolve(SHARDS[1], rows=7)])

    def test_shards_that_are_forgotten_are_gone(self, bench: Bench) -> None:
        prepare(bench)
        opened(bench)
        opened(bench, table=OTHER)

        with bench.client.transaction():
            bench.client.ledger.forget_shards(TABLE)

        assert (shards(bench), shards(bench, OTHER)) == ((), SHARDS)

    def test_files_are_kept_for_each_name_and_table_each_in_place_of_an_earlier_one(
        self, bench: Bench
    ) -> None:
        """A URI is longer than what any database has in a key."""
        prepare(bench)
        long = "s3://bucket/" + "ünï'; --" * 200
        first = [file(long, "one"), file("b", "one", size=2**40)]
        second = [file("c", "two"), file(long, "two", size=2, etag='"x"')]

        with bench.client.transaction():
            bench.client.ledger.add_files(TABLE, "users", first)
            bench.client.ledger.add_files(TABLE, "users 2", first[:1])
            bench.client.ledger.add_files(OTHER, "users", first[:1])
        with bench.client.transaction():
            bench.client.ledger.add_files(TABLE, "users", second)

        assert set(files(bench)) == {first[1], *second}
        assert files(bench, "users 2") == (first[0],)
        with bench.client.transaction():
            assert tuple(bench.client.ledger.files(OTHER, "users")) == (first[0],)

    def test_files_of_a_table_are_forgotten_and_may_be_added_again_at_once(self, bench: Bench) -> None:
        """Its rows are replaced, whichever load had brought them."""
        prepare(bench)
        with bench.client.transaction():
            bench.client.ledger.add_files(TABLE, "users", [file("a", "one"), file("b", "one")])
            bench.client.ledger.add_files(TABLE, "users 2", [file("a", "one")])

        with bench.client.transaction():
            bench.client.ledger.forget_files(TABLE)
            bench.client.ledger.add_files(TABLE, "users", [file("a", "two")])

        assert files(bench) == (file("a", "two"),)
        assert files(bench, "users 2") == ()

    @pytest.mark.parametrize("load", [None, "one"])
    def test_a_transaction_that_shares_an_entry_reads_which_load_is_open(
        self, bench: Bench, load: str | None
    ) -> None:
        assert BARE.recipe is not None
        assert BARE.temp is not None
        entry = evolve(BARE, recipe=evolve(BARE.recipe, load=load))
        save(bench, entry)

        with bench.client.transaction():
            owner = bench.client.ledger.share(TABLE)

        found = OpenedLoad(recipe=evolve(BARE.recipe, load=load), temp=BARE.temp, publishing=entry.publishing)
        assert owner == Owner(
            epoch=entry.epoch,
            run=entry.owner,
            last_flush=entry.last_flush,
            load=found if load is not None else None,
        )


def prepare(bench: Bench) -> None:
    """Have the tables of loads."""
    with bench.client.transaction():
        bench.client.ledger.prepare_loads()


def opened(bench: Bench, *of: ShardRow, table: TableName = TABLE) -> None:
    """Open these shards, or those of the suite."""
    with bench.client.transaction():
        bench.client.ledger.hold(table)
        bench.client.ledger.save(LedgerEntry(table=table))
        bench.client.ledger.open_shards(table, of or SHARDS)


def shards(bench: Bench, table: TableName = TABLE) -> tuple[ShardRow, ...]:
    """The committed shards."""
    with bench.client.transaction():
        return tuple(bench.client.ledger.shards(table))


def files(bench: Bench, name: str = "users") -> tuple[LoadedFile, ...]:
    """The committed files of a name."""
    with bench.client.transaction():
        return tuple(bench.client.ledger.files(TABLE, name))
