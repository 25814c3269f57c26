"""Dates and times are read as leniently as upstream reads them, and never wrongly."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.values.temporal import (
    FIRST,
    LAST,
    OutOfRange,
    Unreadable,
    date_days,
    loses_digits,
    time_micros,
    time_with_timezone,
    timestamp_micros,
)

NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone
EPOCH = NAIVE_EPOCH.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def day(text: str) -> str:
    return str(date(1970, 1, 1) + timedelta(days=date_days(text)))


def moment(text: str, *, zoned: bool = True) -> str:
    return str(NAIVE_EPOCH + timedelta(microseconds=timestamp_micros(text, zoned=zoned)))


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-04",
        "2021/03/04",
        "2021.03.04",
        "2021 03 04",
        "2021-3-4",
        "21-3-4",
        "20210304",
        "2021 Mar 4",
        "2021-MAR-04",
        "2021Mar04",
        "+2021-03-04",
        "2021-03-04 AD",
        "2021-03-04T23:59:59-11:00",
        "2021-03-04 00:00",
        "2021-03-04T23:59:60Z",
    ],
)
def test_a_date_is_read_in_many_forms_and_its_time_ignored(text: str) -> None:
    assert day(text) == "2021-03-04"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "infinity",
        "-infinity",
        "2021",
        "2021-03",
        "2021-112",
        "210304",
        "2021-W09-4",
        "2021-02-30",
        "2021-02-29",
        "2021-13-01",
        "2021-00-01",
        "2021-03-00",
        "0000-00-00",
        "2021-Foo-04",
        "2021-03-04x",
        " 2021-03-04",
        "2021-03-04\n",
        "2021-03-04T24:00",
        "2021-03-04T24:00:00Z",
        "2021-03-04T12:60",
        "2021-03-04T1:02",
        "2021-03-0412:34",
        "2021-03-04T12:34:56.",
        "2021-03-04T12:34+24:00",
        "2021-03-04T12:34+5",
        "2021-03-04T12:34 XYZ",
        "٢٠٢١-٠٣-٠٤",
        "1614816000",
    ],
)
def test_what_is_no_date_or_does_not_exist_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        date_days(text)
    with pytest.raises(Unreadable):
        timestamp_micros(text, zoned=True)


@pytest.mark.parametrize(
    "text",
    [
        "0000-01-01",
        "0000-02-29",
        "-0001-01-01",
        "0044-03-15 BC",
        "0044-03-15 00:00:00+00 BC",
        "0044-03-15 bc 12:00",
        "10000-01-01",
        "+10000-01-01T00:00:00Z",
        "999999999-12-31",
    ],
)
def test_a_date_outside_the_years_1_to_9999_is_out_of_range(text: str) -> None:
    with pytest.raises(OutOfRange):
        date_days(text)
    with pytest.raises(OutOfRange):
        timestamp_micros(text, zoned=False)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2023-01-23T11:34:56-01:00", "2023-01-23 12:34:56"),
        ("2023-01-23T12:34:56Z", "2023-01-23 12:34:56"),
        ("2023-01-23t12:34:56z", "2023-01-23 12:34:56"),
        ("2023-01-23T12:34:56", "2023-01-23 12:34:56"),
        ("2023-01-23 T12:34:56", "2023-01-23 12:34:56"),
        ("2023-01-23", "2023-01-23 00:00:00"),
        ("2023-01-23T12", "2023-01-23 12:00:00"),
        ("2023-01-23T12:34", "2023-01-23 12:34:00"),
        ("2023-01-23 12:34:56.5", "2023-01-23 12:34:56.500000"),
        ("2023-01-23 12:34:56.000001", "2023-01-23 12:34:56.000001"),
        ("2023-01-23 12:34:56.123456789", "2023-01-23 12:34:56.123456"),
        ("2021-01-01 01:01:01 +0000", "2021-01-01 01:01:01"),
        ("2021-01-01T01:01:01+01", "2021-01-01 00:01:01"),
        ("2021-01-01T01:01:01GMT+08:00", "2020-12-31 17:01:01"),
        ("2021-01-01T01:01:01 GMT+8", "2020-12-31 17:01:01"),
        ("2023-01-17T11:04:34Z+0000", "2023-01-17 11:04:34"),
        ("2023-01-17T11:04:34Z+01:00", "2023-01-17 10:04:34"),
        ("2021-01-01T01:01:01 UTC-0130", "2021-01-01 02:31:01"),
        ("2021-01-01T01:01:01 GMT", "2021-01-01 01:01:01"),
        ("2021-01-01T01:01:01 EST", "2021-01-01 06:01:01"),
        ("2021-07-01T01:01:01pdt", "2021-07-01 08:01:01"),
        ("2021-01-01T01:01:01-07:52:58", "2021-01-01 08:53:59"),
        ("2021-01-01T01:01:01+01:00[Europe/Paris]", "2021-01-01 00:01:01"),
        ("2016-12-31T23:59:60Z", "2017-01-01 00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31 23:59:59.999999"),
    ],
)
def test_a_timestamp_with_timezone_is_its_moment_in_utc(text: str, utc: str) -> None:
    assert moment(text) == utc


@pytest.mark.parametrize(
    "text", ["2023-01-23T12:34:56-11:00", "2023-01-23 12:34:56 PST", "2023-01-23T12:34:56"]
)
def test_a_timestamp_without_timezone_keeps_its_local_time(text: str) -> None:
    assert moment(text, zoned=False) == "2023-01-23 12:34:56"


@pytest.mark.parametrize("text", ["0001-01-01T00:00+00:01", "9999-12-31T23:59-00:01", "9999-12-31T23:59:60"])
def test_a_moment_that_its_offset_or_a_leap_second_moves_out_of_range_is_out_of_range(text: str) -> None:
    with pytest.raises(OutOfRange):
        timestamp_micros(text, zoned=True)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("12:34:56.1234567", True),
        ("12:34:56.123456000", False),
        ("12:34:56.123456", False),
        ("2021.01.02", False),
    ],
)
def test_digits_are_lost_only_when_one_beyond_microseconds_counts(text: str, lost: bool) -> None:
    assert loses_digits(text) is lost


@pytest.mark.parametrize(
    ("text", "micros", "canonical"),
    [
        ("00:00", 0, "00:00:00+00:00"),
        ("12:34:56", 45_296_000_000, "12:34:56+00:00"),
        ("12:34:56Z", 45_296_000_000, "12:34:56+00:00"),
        ("12:34:56.5", 45_296_500_000, "12:34:56.500000+00:00"),
        ("12:34:56.12", 45_296_120_000, "12:34:56.120000+00:00"),
        ("12:34:56-00:00", 45_296_000_000, "12:34:56+00:00"),
        ("12:34:56 -0130", 45_296_000_000, "12:34:56-01:30"),
        ("12:34:56 GMT+8", 45_296_000_000, "12:34:56+08:00"),
        ("12:34:56Z+0000", 45_296_000_000, "12:34:56+00:00"),
        ("12:34:56+01:00:30", 45_296_000_000, "12:34:56+01:00:30"),
        ("12:34:56+15:59:59", 45_296_000_000, "12:34:56+15:59:59"),
        ("23:59:59.999999999", 86_399_999_999, "23:59:59.999999+00:00"),
    ],
)
def test_a_time_of_day_is_read_with_and_without_its_zone(text: str, micros: int, canonical: str) -> None:
    assert time_micros(text) == micros
    assert time_with_timezone(text) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "24:00", "24:00:00", "12", "1:02", "12:60", "23:59:60", "2021-01-01T12:34", "12:34:56 CET", "noon"],
)
def test_what_is_no_time_of_day_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        time_micros(text)
    with pytest.raises(Unreadable):
        time_with_timezone(text)


@pytest.mark.parametrize("text", ["12:34+16:00", "12:34-23:59"])
def test_a_time_with_an_offset_that_no_column_holds_is_out_of_range(text: str) -> None:
    assert time_micros(text) == 45_240_000_000
    with pytest.raises(OutOfRange):
        time_with_timezone(text)


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=OFFSETS), st.sampled_from(["T", " "]))
def test_every_iso_timestamp_is_read_as_the_standard_library_reads_it(
    value: datetime, separator: str
) -> None:
    micros = (value - EPOCH) // MICROSECOND
    text = value.isoformat(separator)

    assert timestamp_micros(text, zoned=False) == (value.replace(tzinfo=None) - NAIVE_EPOCH) // MICROSECOND
    if FIRST <= micros <= LAST:
        assert timestamp_micros(text, zoned=True) == micros
    else:
        with pytest.raises(OutOfRange):
            timestamp_micros(text, zoned=True)


@given(st.dates())
def test_every_iso_date_is_read_as_the_standard_library_reads_it(value: date) -> None:
    assert date_days(value.isoformat()) == (value - date(1970, 1, 1)).days


@given(st.times())
def test_every_iso_time_is_read_as_the_standard_library_reads_it(value: time) -> None:
    assert time_with_timezone(value.isoformat()) == f"{value.isoformat()}+00:00"


@given(
    st.text() | st.from_regex(r"[0-9]{1,5}[-/. ][0-9]{1,2}[-/. ][0-9]{1,2}[T ]?[0-9:.+-]*Z?", fullmatch=True)
)
def test_any_text_is_read_or_refused_with_one_of_two_errors(text: str) -> None:
    for read in (date_days, time_micros, time_with_timezone, lambda each: timestamp_micros(each, zoned=True)):
        try:
            read(text)
        except (Unreadable, OutOfRange):
            continue
