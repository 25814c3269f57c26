"""Lines that are only a record's data are read as the messages that they stand for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.input.bare_lines import BareLines
from dataflow.input.packer import Packer
from dataflow.protocol import Unusable
from dataflow.shape import Shape
from dataflow.types import INTEGER, NUMBER, STRING, Column, Limits, Object, StreamName

COLUMNS = (
    Column("id", "id", INTEGER),
    Column("name", "name", STRING),
    Column("price", "price", NUMBER),
    Column("more", "more", Object()),
)
NAME = StreamName("shop", "users")
SHAPE = Shape(name=NAME, columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1)
BARE = BareLines(NAME, 1_700_000_000_000)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
DATA = st.dictionaries(st.sampled_from(["id", "name", "price", "more", "other"]), VALUES, max_size=5)
LINES = st.lists(st.one_of(DATA.map(json.dumps), st.sampled_from(["", " \t\r"])), max_size=6)


@given(LINES)
def test_bare_lines_give_the_rows_that_their_messages_give(lines: list[str]) -> None:
    bare = [line.encode() for line in lines]
    messages = [BARE.message(line) or line for line in bare]

    packed = Packer([SHAPE], 100, BARE).pack(b"\n".join(bare))

    whole = Packer([SHAPE], 100).pack(b"\n".join(messages))
    assert [rows.cells for parcel in packed.parcels for rows in parcel.rows] == [
        rows.cells for parcel in whole.parcels for rows in parcel.rows
    ]
    assert (packed.lines, packed.refused, packed.unknown) == (whole.lines, whole.refused, whole.unknown)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1}{"id":2}',
        # With what stands around it, it would be a message.
        b'{"id":1}},"x":{"y":{',
        b'{"id":1',
    ],
)
def test_a_line_that_is_not_one_value_is_refused_by_its_number(line: bytes) -> None:
    packed = Packer([SHAPE], 100, BARE).pack(b'{"id":0}\n\n' + line + b'\n{"id":3}\n')

    assert packed.refused is not None
    assert packed.refused.line == 3


def test_a_value_that_is_no_object_is_no_record() -> None:
    packed = Packer([SHAPE], 100, BARE).pack(b'{"id":0}\n[1]\n')

    events = [event for parcel in packed.parcels for event in parcel.events if isinstance(event, Unusable)]
    assert [event.line for event in events] == [2]
