"""What a load is and what follows from its rows in the ledger: its shards' raw ids, its files, whom it keeps out."""

import pytest
from attrs import evolve

from dataflow.catalog import Strategy
from dataflow.raw_ids import first_at
from machines.loads import Files, Load, LoadedFile, ShardRow, keeps_out, opened, written
from machines.operations import recipe_from_json, recipe_to_json
from tests.machines.lives import recipe_of

NOW = 1_700_000_000_000


def file(uri: str, load: str = "mine", etag: str = "1") -> LoadedFile:
    return LoadedFile(uri=uri, size=1, etag=etag, load=load)


LOAD = Load(id="mine", name="orders", files=(file("a"), file("b")), specs=("a 1", "a 2", "b"))


def test_the_shards_of_a_load_have_milliseconds_of_their_own_in_the_order_of_the_files() -> None:
    found = opened(LOAD, None, NOW)

    assert [(shard.number, shard.spec, shard.millisecond - NOW) for shard in found.shards] == [
        (0, "a 1", 0),
        (1, "a 2", 1),
        (2, "b", 2),
    ]
    assert all((shard.load, shard.rows) == ("mine", None) for shard in found.shards)


@pytest.mark.parametrize("given", [None, first_at(NOW - 1), first_at(NOW), first_at(NOW + 60_000)])
def test_no_raw_id_of_a_shard_was_given_before_or_is_given_after(given: str | None) -> None:
    found = opened(LOAD, given, NOW)

    assert first_at(found.shards[0].millisecond) > (given or "")
    assert first_at(found.shards[-1].millisecond) < found.highest_raw_id
    assert opened(LOAD, found.highest_raw_id, NOW).shards[0].millisecond > found.shards[-1].millisecond


def test_shards_are_counted_as_written_once_their_rows_are_durable() -> None:
    shards = [
        ShardRow(load="mine", number=n, spec="", millisecond=n, rows=rows)
        for n, rows in enumerate((7, None, 0))
    ]

    assert written(shards) == 2


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ((), Files.AS_PLANNED),
        ((file("c", "other"),), Files.AS_PLANNED),
        ((file("a"), file("b"), file("c", "other")), Files.PUBLISHED),
        ((file("a", "other"),), Files.LOADED_SINCE),
        ((file("a", "other"), file("b", "other")), Files.LOADED_SINCE),
        ((file("a"), file("b", "other")), Files.LOADED_SINCE),
    ],
)
def test_the_ledgers_files_say_whether_a_load_was_published_or_overtaken(
    known: tuple[LoadedFile, ...], found: Files
) -> None:
    assert LOAD.found(known) is found


def test_a_file_that_is_loaded_again_may_be_there_as_it_was_when_the_load_was_planned() -> None:
    before = file("a", "earlier", etag="0")
    again = evolve(LOAD, known=frozenset({before}))

    assert again.found((before,)) is Files.AS_PLANNED
    assert again.found((evolve(before, load="other"),)) is Files.LOADED_SINCE
    assert again.found((file("a"), file("b"))) is Files.PUBLISHED


def test_the_files_of_a_load_that_replaces_the_table_decide_nothing() -> None:
    assert evolve(LOAD, replaces=True).found((file("a"), file("b"))) is Files.AS_PLANNED


@pytest.mark.parametrize(
    ("open_load", "own", "kept_out"),
    [
        (None, None, False),
        (None, "mine", False),
        ("mine", "mine", False),
        ("mine", "other", True),
        ("mine", None, True),
    ],
)
def test_an_open_load_keeps_every_life_out_but_its_own(
    open_load: str | None, own: str | None, kept_out: bool
) -> None:
    assert keeps_out(open_load, own) is kept_out


def test_a_recipe_of_a_load_is_read_as_it_was_written() -> None:
    of = evolve(recipe_of(Strategy.DEDUP), load="mine")

    assert recipe_from_json(recipe_to_json(of)) == of


def test_a_version_that_knows_no_loads_finds_no_columns_in_the_recipe_of_one() -> None:
    """So it cannot read it, and does not take the temp table of a load for that of a sync."""
    synced, loaded = recipe_of(Strategy.DEDUP), evolve(recipe_of(Strategy.DEDUP), load="mine")

    assert "load" not in recipe_to_json(synced)
    assert "columns" in recipe_to_json(synced)
    assert "columns" not in recipe_to_json(loaded)
