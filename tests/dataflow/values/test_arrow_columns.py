"""The vectorised steps treat every row as one cell, whatever stands beside it."""

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.values import arrow_columns
from dataflow.values.arrow_columns import (
    Coerced,
    cast_all,
    coerced,
    exceeds,
    found_in,
    holds,
    longest,
    matches,
    null_out,
    read_each,
    read_rest,
    tokens,
)
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome


def test_tokens_come_one_by_one_as_they_stand() -> None:
    made = tokens(
        [
            msgspec.Raw(b"[1, 2]"),
            msgspec.Raw(b"null"),
            msgspec.Raw(),
            msgspec.Raw(b"3"),
            None,
            msgspec.Raw("é".encode()),
        ]
    )

    assert made.to_pylist() == ["[1, 2]", None, None, "3", None, "é"]
    assert made.type == pa.string()


@pytest.mark.parametrize("values", [[], [msgspec.Raw()], [None], [None, None]])
def test_columns_without_a_token_have_their_rows(values: list[object]) -> None:
    assert tokens(values).to_pylist() == [None] * len(values)


def test_a_token_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="2 tokens of one line each were 3 lines"):
        tokens([msgspec.Raw(b"[1,\n2]"), msgspec.Raw(b"3")])


def test_invalid_utf_8_is_replaced_in_its_cell_alone() -> None:
    values = [b'"\xff"', '"é"'.encode(), b'"\xc3', b"null"]

    assert tokens(list(map(msgspec.Raw, values))).to_pylist() == ['"\ufffd"', '"é"', '"\ufffd', None]


# No token has two lines, and only null begins with an n.
TOKENS = st.text().filter(lambda text: "\n" not in text and not text.startswith("n")) | st.just("null")


@given(st.lists(st.none() | TOKENS, max_size=8))
def test_any_tokens_come_back(texts: list[str | None]) -> None:
    expected = [None if text in (None, "", "null") else text for text in texts]

    made = tokens([None if text is None else msgspec.Raw(text.encode()) for text in texts])

    assert made.to_pylist() == expected


def test_a_pattern_is_found_in_any_cell() -> None:
    texts = pa.array(["abc", None, "", "x\0y"])

    assert found_in(texts, r"\x00")
    assert not found_in(texts, "z")
    assert not found_in(pa.array([], pa.string()), "a")
    assert not found_in(pa.array([None], pa.string()), "a")


def test_a_character_is_found_on_either_side_of_the_pieces_that_are_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrow_columns, "PIECE", 2)

    assert all(holds(pa.array(["abc", None, "de"]), each) for each in (b"a", b"b", b"c", b"d", b"e"))
    assert not holds(pa.array(["abc"]), b"z")
    assert not holds(pa.array([None], pa.string()), b"a")


@pytest.mark.parametrize(("limit", "beyond"), [(3, True), (4, False)])
def test_a_column_exceeds_a_limit_when_one_cell_does(limit: int, beyond: bool) -> None:
    assert exceeds(pa.array(["abcd", "abc", None]), limit) is beyond
    assert not exceeds(pa.array([None], pa.string()), limit)


def test_a_null_matches_nothing_and_has_no_length() -> None:
    assert matches(pa.array([None, "a"]), "a").to_pylist() == [False, True]
    assert longest(pa.array(["a", None, "éé"])) == 4
    assert longest(pa.array([None], pa.string())) == 0


@pytest.mark.parametrize("row", [0, 20])
def test_one_cell_that_arrow_does_not_take_refuses_the_whole_cast(row: int) -> None:
    texts = ["2021-01-01"] * 21
    texts[row] = "x"

    assert cast_all(pa.array(texts), pa.date32()) is None
    assert cast_all(pa.array(["2021-01-01"]), pa.date32()) is not None


def shout(text: str) -> tuple[str | None, Outcome | None]:
    return (None, UNREADABLE) if text == "bad" else (text.upper(), CUT if text == "long" else None)


def test_the_rest_is_read_where_it_stands_and_keeps_what_was_done_elsewhere() -> None:
    column = coerced(pa.array(["a", "bad", None, "long", "b"]), {0: BEYOND, 3: BEYOND})
    mask = pa.array([False, True, False, True, True])

    made = read_rest(column, column.array, mask, lambda rest: read_each(rest, pa.string(), shout))

    assert made.array.to_pylist() == ["a", None, None, "LONG", "B"]
    assert made.changes == ((0, *BEYOND), (1, *UNREADABLE), (3, *CUT))


def test_a_nulled_cell_has_one_change_the_last() -> None:
    column = coerced(pa.array([1, 2, 3]), {0: CUT, 1: CUT})

    made = null_out(column, pa.array([None, True, True]), BEYOND)

    assert made == Coerced(pa.array([1, None, None]), ((0, *CUT), (1, *BEYOND), (2, *BEYOND)))
