"""A name for people is the name of one stream, and of one table."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.types import StreamName, TableName

PARTS = st.text('."ab', max_size=4)
# The namespace of a descriptor is none or not empty.
SPACES = st.none() | st.text('."ab', min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (StreamName(None, "users"), "users"),
        (StreamName("shop", "users"), "shop.users"),
        (StreamName(None, "shop.users"), '"shop.users"'),
        (StreamName("c.a", "b"), '"c.a".b'),
        (StreamName("c", "a.b"), 'c."a.b"'),
        (StreamName("shop", ""), 'shop.""'),
        (StreamName(None, 'the "users"'), '"the ""users"""'),
    ],
)
def test_a_part_of_a_streams_name_is_quoted_if_a_dot_or_a_quote_is_in_it(name: StreamName, text: str) -> None:
    assert str(name) == text


@given(one=st.builds(StreamName, SPACES, PARTS), other=st.builds(StreamName, SPACES, PARTS))
@example(one=StreamName("c.a", "b"), other=StreamName("c", "a.b"))
@example(one=StreamName(None, "a.b"), other=StreamName("a", "b"))
def test_no_two_streams_share_a_text(one: StreamName, other: StreamName) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(one=st.builds(TableName, PARTS, PARTS), other=st.builds(TableName, PARTS, PARTS))
@example(one=TableName("c.a", "b"), other=TableName("c", "a.b"))
def test_no_two_tables_share_a_text(one: TableName, other: TableName) -> None:
    assert (str(one) == str(other)) == (one == other)
