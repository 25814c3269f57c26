"""The parts of an operation, and which of them one commit holds in each class of databases."""

import pytest

from machines.operations import Publishing, StreamOperation
from machines.parts import FLUSH, NEEDLESS, Atomic, Kind, Part, commits, parts_of


def sequences() -> list[tuple[Part, ...]]:
    """Every sequence of parts that is performed."""
    performed = {parts_of(operation, begun) for operation in StreamOperation for begun in Publishing}
    return sorted({FLUSH, *performed})


@pytest.mark.parametrize("atomic", Atomic)
@pytest.mark.parametrize("parts", sequences(), ids=" ".join)
def test_grouping_keeps_the_order_and_leaves_out_only_what_the_class_has_no_use_for(
    parts: tuple[Part, ...], atomic: Atomic
) -> None:
    grouped = [part for commit in commits(parts, atomic) for part in commit]

    assert grouped == [part for part in parts if part not in NEEDLESS[atomic]]


@pytest.mark.parametrize("parts", sequences(), ids=" ".join)
def test_a_database_with_one_commit_for_everything_performs_an_operation_in_one(
    parts: tuple[Part, ...],
) -> None:
    assert len(commits(parts, Atomic.EVERYTHING)) == 1


@pytest.mark.parametrize("parts", sequences(), ids=" ".join)
def test_a_change_of_tables_is_a_commit_by_itself_where_a_commit_holds_rows(parts: tuple[Part, ...]) -> None:
    for commit in commits(parts, Atomic.ROWS):
        assert len(commit) == 1 or all(part.kind is not Kind.TABLES for part in commit)


def test_rows_are_added_and_their_temp_table_is_forgotten_in_one_commit_of_rows() -> None:
    grouped = commits(parts_of(StreamOperation.MERGE), Atomic.ROWS)

    assert (Part.ADD, Part.END_PUBLICATION) in grouped


def test_a_flush_and_its_row_in_the_ledger_are_one_commit_in_all_classes_but_that_of_statements() -> None:
    grouped = {atomic: commits(FLUSH, atomic) for atomic in Atomic}

    assert [len(grouped[each]) for each in (Atomic.EVERYTHING, Atomic.ROWS, Atomic.TABLE)] == [1, 1, 1]
    assert grouped[Atomic.STATEMENT] == ((Part.RESERVE_IDS,), (Part.INSERT,), (Part.NOTE_FLUSH,))


def test_a_publication_is_decided_in_the_ledger_before_a_table_is_touched() -> None:
    deciding = {Part.DECIDE_ADD, Part.DECIDE_REPLACE}
    for operation in (StreamOperation.MERGE, StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP):
        assert parts_of(operation)[0] in deciding


def test_what_completes_a_publication_is_what_its_own_run_would_have_done_after_the_decision() -> None:
    merged, swapped = parts_of(StreamOperation.MERGE), parts_of(StreamOperation.SWAP)

    assert parts_of(StreamOperation.COMPLETE, Publishing.ADD) == merged[1:]
    assert parts_of(StreamOperation.COMPLETE, Publishing.REPLACE) == swapped[1:]


@pytest.mark.parametrize("part", Part)
def test_every_part_belongs_to_a_sequence_and_says_what_it_does(part: Part) -> None:
    assert any(part in parts for parts in sequences())
    assert part.meaning.endswith(".")
