"""What flush rows amount to: the contiguous prefix counts, and what lies beyond a gap does not."""

from hypothesis import given
from hypothesis import strategies as some

from machines.flushes import FlushRow, Folded, fold

EPOCH = 3


def _row(number: int, epoch: int = EPOCH, checkpoint: int | None = None) -> FlushRow[int]:
    """A flush of one row, whose raw id is ten times its number."""
    return FlushRow(epoch=epoch, number=number, rows=1, checkpoint=checkpoint, highest_raw_id=10 * number)


def test_no_rows_change_nothing() -> None:
    assert fold(7, EPOCH, ()) == Folded(last_flush=7)


def test_flushes_that_landed_in_any_order_count_up_to_the_last() -> None:
    rows = [_row(3), _row(1, checkpoint=9), _row(2, checkpoint=19)]

    assert fold(0, EPOCH, rows) == Folded(last_flush=3, checkpoint=19, highest_raw_id=30)


def test_a_flush_follows_the_last_one_of_the_entry() -> None:
    assert fold(4, EPOCH, [_row(5, checkpoint=45)]) == Folded(last_flush=5, checkpoint=45, highest_raw_id=50)


def test_a_checkpoint_beyond_a_gap_does_not_count_and_its_raw_ids_are_not_given_again() -> None:
    rows = [_row(1, checkpoint=9), _row(3, checkpoint=29), _row(4)]

    assert fold(0, EPOCH, rows) == Folded(last_flush=1, checkpoint=9, highest_raw_id=40)


def test_a_flush_without_checkpoint_keeps_the_one_before_it() -> None:
    assert fold(0, EPOCH, [_row(1, checkpoint=9), _row(2)]).checkpoint == 9


def test_flushes_of_another_epoch_fill_no_gap() -> None:
    rows = [_row(1), _row(2, epoch=EPOCH - 1, checkpoint=19), _row(3)]

    assert fold(0, EPOCH, rows) == Folded(last_flush=1, highest_raw_id=30)


def test_flushes_that_were_folded_before_are_passed_over() -> None:
    """A reader that locks nothing may see a row beside the entry into which it was just folded."""
    assert fold(2, EPOCH, [_row(1, checkpoint=9), _row(2, checkpoint=19)]) == Folded(
        last_flush=2, highest_raw_id=20
    )


def test_raw_ids_of_a_ledger_are_texts() -> None:
    row: FlushRow[str] = FlushRow(epoch=1, number=1, rows=1, checkpoint="a", highest_raw_id="b")

    assert fold(0, 1, [row]) == Folded(last_flush=1, checkpoint="a", highest_raw_id="b")


@given(some.sets(some.integers(1, 9)), some.integers(0, 9))
def test_the_prefix_ends_before_the_first_flush_that_is_missing(numbers: set[int], last: int) -> None:
    folded = fold(last, EPOCH, [_row(number) for number in numbers])

    assert folded.last_flush + 1 not in numbers
    assert all(number in numbers for number in range(last + 1, folded.last_flush + 1))


@given(some.sets(some.integers(1, 9)), some.sets(some.integers(1, 9)))
def test_folding_twice_is_folding_all_at_once_unless_a_gap_was_cut_between(
    first: set[int], later: set[int]
) -> None:
    """A fold deletes the rows that it read, those beyond a gap among them."""
    prefix = fold(0, EPOCH, [_row(number, checkpoint=number) for number in first])
    beyond = {number for number in first if number > prefix.last_flush}
    rest = fold(prefix.last_flush, EPOCH, [_row(number, checkpoint=number) for number in later - first])

    at_once = fold(0, EPOCH, [_row(number, checkpoint=number) for number in (first | later) - beyond])

    assert rest.last_flush == at_once.last_flush
    assert (rest.checkpoint or prefix.checkpoint) == at_once.checkpoint
