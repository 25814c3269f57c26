"""Numbers and times in words: one wording of each, the same in a plan, a log line, a report and a journal."""

import pytest

from machines.formatting import count, duration, number_of, offset, size


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1024, "1.0 kB"),
        (999_900, "999.9 kB"),
        (999_960, "1.0 MB"),
        (1_000_000, "1.0 MB"),
        (9_800_000_000, "9.8 GB"),
        (5e18, "5000.0 PB"),
    ],
)
def test_bytes_are_worded_in_thousands_and_never_as_a_thousand_of_a_unit(number: float, words: str) -> None:
    assert size(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 m 00 s"),
        (724.2, "12 m 04 s"),
        (3599.7, "1 h 00 m"),
        (7380, "2 h 03 m"),
    ],
)
def test_a_duration_is_worded_in_the_two_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_count_has_commas_and_its_noun_in_the_right_number() -> None:
    worded = (
        count(48_120_000),
        number_of(1, "row"),
        number_of(1200, "row"),
        number_of(2, "retry", "retries"),
    )

    assert worded == ("48,120,000", "1 row", "1,200 rows", "2 retries")


def test_an_offset_has_a_sign_and_milliseconds() -> None:
    assert (offset(0.1374), offset(-0.002)) == ("+0.137", "-0.002")
