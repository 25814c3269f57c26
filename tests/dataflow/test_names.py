"""A logical name is mapped to a physical one that the destination can hold."""

import pytest
from attrs import evolve

from dataflow import names
from dataflow.errors import InternalError
from dataflow.names import (
    EPOCH_DIGITS,
    LEAST_BYTES_OPENED,
    TOKEN_DIGITS,
    NamingRules,
    index_name,
    is_temp_of,
    opened_name,
    opening_of,
    physical_name,
    replaced_name,
    temp_mark,
    temp_name,
)
from dataflow.types import StreamName, TableName

PLAIN = NamingRules(max_bytes=63, plain=True, ignore_case=False)
ANYTHING = NamingRules(max_bytes=63, plain=False, ignore_case=True)
# As MySQL counts names, and what it holds in them.
COUNTED = NamingRules(
    max_bytes=192,
    max_characters=64,
    plain=False,
    ignore_case=True,
    basic_plane_only=True,
    trailing_spaces=False,
)
PUNCTUATION = "-test- -`~!@#$%^&*()-=_+[]\\{}|;':\",./<>?"


def test_hashes_have_at_least_twelve_digits_and_see_the_framing_of_the_parts() -> None:
    assert len(names.name_hash("a")) >= 12
    assert len({names.name_hash(*parts) for parts in [("ab",), ("a", "b"), ("", "ab"), (None, "ab")]}) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("streamWithCamelCase", "streamWithCamelCase"),
        ("STREAM_WITH_ALL_CAPS", "STREAM_WITH_ALL_CAPS"),
        ("stream_with_spécial_character", "stream_with_special_character"),
        ("stream_name_with_operator+1", "stream_name_with_operator_1"),
        ("1stream_with_a_leading_number", "_1stream_with_a_leading_number"),
        ("table", "table"),
        ("Foo.Bar", "Foo_Bar"),
        ("two  spaces", "two__spaces"),
        ("___", "___"),
    ],
)
def test_plain_rules_keep_letters_digits_and_underscores(name: str, expected: str) -> None:
    assert physical_name(name, PLAIN) == expected


@pytest.mark.parametrize("name", ["", "用户", "-.-", "\0"])
def test_a_name_with_nothing_readable_left_is_named_by_its_hash(name: str) -> None:
    assert physical_name(name, PLAIN) == f"unnamed_{names.name_hash(name)}"


def test_two_unreadable_names_stay_apart_without_meeting() -> None:
    assert physical_name("用户", PLAIN) != physical_name("订单", PLAIN)


@pytest.mark.parametrize("name", ["用户", PUNCTUATION, "1foo", "order", "ß", " "])
def test_other_rules_keep_every_character(name: str) -> None:
    assert physical_name(name, ANYTHING) == name


def test_a_bound_in_characters_counts_no_bytes() -> None:
    long = physical_name("数" * 65, COUNTED)

    assert physical_name("数" * 64, COUNTED) == "数" * 64
    assert long == f"{'数' * 51}_{names.name_hash('数' * 65)}"


@pytest.mark.parametrize(
    ("name", "expected"), [("a🦆b", "a_b"), ("ü数", "ü数"), ("a b  ", "a b__"), (" a", " a")]
)
def test_characters_that_a_destination_does_not_hold_where_they_are_become_underscores(
    name: str, expected: str
) -> None:
    assert physical_name(name, COUNTED) == expected


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_what_no_database_can_hold_is_replaced_in_any_case(name: str) -> None:
    assert physical_name(name, ANYTHING) == "a_b"


@pytest.mark.parametrize("filler", ["x", "é", "用", "🦜"])
def test_a_long_name_is_cut_by_bytes_between_characters_and_keeps_a_hash(filler: str) -> None:
    name = "a" + filler * 70

    cut = physical_name(name, ANYTHING)

    assert 59 < len(cut.encode()) <= 63
    assert cut.endswith(f"_{names.name_hash(name)}")


def test_a_name_of_exactly_the_limit_is_kept() -> None:
    assert physical_name("é" * 31 + "x", ANYTHING) == "é" * 31 + "x"


def test_long_names_that_differ_only_at_the_end_get_different_names() -> None:
    assert physical_name("x" * 70 + "1", PLAIN) != physical_name("x" * 70 + "2", PLAIN)


@pytest.mark.parametrize("ignore_case", [False, True])
def test_a_reserved_name_is_given_to_nothing(ignore_case: bool) -> None:
    rules = NamingRules(max_bytes=63, plain=True, ignore_case=ignore_case, reserved=("xmin",))

    assert physical_name("xmin", rules) == f"xmin_{names.name_hash('xmin')}"
    assert (physical_name("XMIN", rules) == "XMIN") is not ignore_case


def test_an_index_name_is_readable_and_within_the_limit() -> None:
    name = index_name(TableName("public", "x" * 63), "cursor", PLAIN)

    assert name == index_name(TableName("public", "x" * 63), "cursor", PLAIN)
    assert "x_cursor_" in name
    assert len(name) <= 63


def test_rules_without_room_for_a_hash_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_bytes.*32"):
        NamingRules(max_bytes=20, plain=True, ignore_case=False)


def test_the_longest_name_of_a_temp_table_keeps_some_characters_of_the_streams_name() -> None:
    rules = NamingRules(max_bytes=LEAST_BYTES_OPENED, plain=True, ignore_case=False)
    temp = temp_name(StreamName(None, "users" * 20), rules)
    token = "f" * TOKEN_DIGITS

    name = opened_name(temp, f"{'9' * EPOCH_DIGITS}_{token}_{token}", rules)

    assert len(name) == rules.max_bytes
    assert name.startswith("usersus")
    assert is_temp_of(name, temp)
    assert opening_of(name) == f"{'9' * EPOCH_DIGITS}_{token}"


def test_a_name_that_is_bounded_in_characters_is_never_longer_than_they_are() -> None:
    rules = NamingRules(max_bytes=192, max_characters=LEAST_BYTES_OPENED, plain=False, ignore_case=True)
    temp = temp_name(StreamName(None, "é" * 100), rules)
    token = "f" * TOKEN_DIGITS

    name = opened_name(temp, f"{'9' * EPOCH_DIGITS}_{token}_{token}", rules)

    assert len(name) == LEAST_BYTES_OPENED


@pytest.mark.parametrize(
    "rules", [evolve(PLAIN, max_bytes=40), evolve(COUNTED, max_characters=40)], ids=["bytes", "characters"]
)
def test_a_name_without_room_for_its_end_is_refused_since_two_of_them_could_be_one(
    rules: NamingRules,
) -> None:
    temp = temp_name(StreamName(None, "users"), rules)

    with pytest.raises(InternalError, match="A name has 40 characters at most"):
        opened_name(temp, "1234567890_abcdef_012345", rules)


def test_every_opening_of_a_temp_table_has_the_mark_of_its_stream_and_no_other_streams() -> None:
    temp = temp_name(StreamName(None, "users"), PLAIN)
    others = temp_name(StreamName("shop", "users"), PLAIN)

    opened = opened_name(temp, "7_abcdef", PLAIN)
    renewed = opened_name(opened, "7_abcdef_012345", PLAIN)

    assert temp_mark(opened) == temp_mark(renewed) == temp_mark(temp) != temp_mark(others)
    assert (opening_of(temp), opening_of(opened), opening_of(renewed)) == ("", "7_abcdef", "7_abcdef")


def test_a_temp_table_of_an_earlier_version_is_its_own_mark() -> None:
    assert (temp_mark("of_another_name"), opening_of("of_another_name")) == ("of_another_name", "")


def test_what_a_temp_table_replaced_is_a_temp_table_of_the_stream_that_no_ledger_names() -> None:
    temp = temp_name(StreamName("shop", "users"), COUNTED)
    opened = opened_name(temp, "7_ab12cd", COUNTED)

    replaced = replaced_name(opened, COUNTED)

    assert is_temp_of(replaced, temp)
    assert opening_of(replaced) not in ("", "7_ab12cd")
    assert opening_of(replaced).startswith("7_")
    assert replaced_name("plain", COUNTED) == "plain_old"
