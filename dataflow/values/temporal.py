"""Reads dates and times as sources write them, one text at a time, into integers. Knows no column and no database.

The grammar is the lenient one of Airbyte's coercion, and wider where upstream loses a value that is clear:

- date: year, month, day with `-`, `/`, `.` or a space between them; the month also as a short English name,
  then the separators may be missing; or eight digits. A year of two digits is in this century (21 is 2021).
- time: `HH:MM` or `HH:MM:SS`, then a point and any number of digits. After a date it follows a space or a T,
  and the minutes may be missing.
- zone: `Z`, `UTC`, `UT`, `GMT`, an offset (`+01`, `+0100`, `+01:00`, `GMT+1`, `Z+0100`), or a North American
  abbreviation of RFC 2822. A region in brackets, as Java writes it, is ignored: the offset before it decides.
- era: ` AD` or ` BC` after the date or at the end.

Digits beyond microseconds are cut; `loses_digits` returns whether any of them counted. 24:00 is refused. A leap
second (:60) is the next second of a timestamp, as POSIX and PostgreSQL read it, and no time of day.
"""

import re
from datetime import date

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = date(1970, 1, 1).toordinal()
# What a timestamp of the years 1 to 9999 can be, in microseconds from the epoch.
FIRST = (date.min.toordinal() - EPOCH) * DAY
LAST = (date.max.toordinal() - EPOCH + 1) * DAY - 1
# PostgreSQL's manual, "Date/Time Types": the offset of a time with time zone is below 16 hours.
OFFSET_LIMIT = 16 * HOUR

# The century of a year of two digits.
CENTURY = 2000
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ABBREVIATIONS = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}

_DATE = r"""
    (?: (?P<compact> [0-9]{8} )
      | (?P<year> [+-]?[0-9]{4,9} | [0-9]{2} )
        (?: [-/.\ ] (?P<month> [0-9]{1,2} ) [-/.\ ] | [-/.\ ]? (?P<name> [a-z]{3} ) [-/.\ ]? )
        (?P<day> [0-9]{1,2} )
    )"""
_HOUR = r"(?P<hour> [01][0-9] | 2[0-3] )"
_MINUTE = r": (?P<minute> [0-5][0-9] )"
_SECOND = r"(?: : (?P<second> [0-5][0-9] | 60 ) (?: \. (?P<fraction> [0-9]+ ) )? )?"
_ZONE = rf"""
    (?: \ ? (?: (?P<utc> z | utc | ut | gmt )
              | (?P<abbreviation> {"|".join(ABBREVIATIONS)} )
              | (?: z | utc | gmt )? (?P<sign> [+-] )
                (?P<offset_hour> [01][0-9] | 2[0-3] | (?<=[a-z][+-]) [0-9] (?![0-9]) )
                (?: :? (?P<offset_minute> [0-5][0-9] ) (?: :? (?P<offset_second> [0-5][0-9] ) )? )?
            )
        (?: \[ [a-z0-9_/+-]+ \] )?
    )?"""
_FLAGS = re.VERBOSE | re.IGNORECASE | re.ASCII
_MOMENT = re.compile(
    rf"""{_DATE} (?: \ (?P<era> ad | bc ) )?
        (?: (?: \ ?t | \  ) {_HOUR} (?: {_MINUTE} {_SECOND} )? {_ZONE} )?
        (?: \ (?P<last_era> ad | bc ) )?""",
    _FLAGS,
)
_TIME = re.compile(rf"{_HOUR} {_MINUTE} {_SECOND} {_ZONE}", _FLAGS)
_LOST_DIGITS = re.compile(r"\.[0-9]{6}[0-9]*[1-9]")


class Unreadable(ValueError):
    """The text is no date or time, or one that does not exist, such as 30 February or 24:00."""


class OutOfRange(ValueError):
    """The text is a date or time, but one that no column holds: before year 1, after year 9999."""


def first_day(year: int) -> int:
    """The day on which a year begins; the year after the last that `date` knows included."""
    if year > date.max.year:
        return date.max.toordinal() + 1 - EPOCH
    return date(year, 1, 1).toordinal() - EPOCH


def date_days(text: str) -> int:
    """Days from 1970-01-01; a time after the date must be one, and is ignored.

    Raises Unreadable or OutOfRange.
    """
    return _days(_match(_MOMENT, text))


def timestamp_micros(text: str, *, zoned: bool) -> int:
    """Microseconds from 1970-01-01T00:00:00; a date alone is its midnight.

    Zoned, the moment in UTC, a missing zone being UTC. Otherwise the local time as it stands, the zone dropped.

    Raises Unreadable or OutOfRange.
    """
    found = _match(_MOMENT, text)
    micros = _days(found) * DAY + _time_of_day(found) - (_offset(found) if zoned else 0)
    if not FIRST <= micros <= LAST:
        raise OutOfRange
    return micros


def time_micros(text: str) -> int:
    """Microseconds from midnight, the zone dropped. Raises Unreadable."""
    return _time_of_day(_clock(text))


def time_with_timezone(text: str) -> str:
    """The time as `HH:MM:SS[.ffffff]+HH:MM[:SS]`; a missing zone is UTC. Raises Unreadable or OutOfRange."""
    found = _clock(text)
    offset = _offset(found)
    if abs(offset) >= OFFSET_LIMIT:
        raise OutOfRange
    return f"{_text(_time_of_day(found))}{'-' if offset < 0 else '+'}{_text(abs(offset)).removesuffix(':00')}"


def loses_digits(text: str) -> bool:
    """Whether a text that was read had digits beyond microseconds that are not zero."""
    return _LOST_DIGITS.search(text) is not None


def offset_micros(text: str) -> int:
    """How far east of UTC the zone of a time or a moment is; a missing zone is UTC. Raises Unreadable."""
    return _offset(_MOMENT.fullmatch(text) or _match(_TIME, text))


def is_leap_second(text: str) -> bool:
    """Whether a moment that was read is a leap second, which is read as the second after it."""
    return _match(_MOMENT, text)["second"] == "60"


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise Unreadable
    return found


def _clock(text: str) -> re.Match[str]:
    found = _match(_TIME, text)
    if found["second"] == "60":
        raise Unreadable
    return found


def _days(found: re.Match[str]) -> int:
    year, month, day = _year_month_day(found)
    try:
        # Whether the day exists is asked in the same year of another cycle, since `date` knows no year 0.
        date(year % 400 + 400, month, day)
    except ValueError as error:
        raise Unreadable from error
    if "bc" in ((found["era"] or "").lower(), (found["last_era"] or "").lower()):
        raise OutOfRange
    if not date.min.year <= year <= date.max.year:
        raise OutOfRange
    return date(year, month, day).toordinal() - EPOCH


def _year_month_day(found: re.Match[str]) -> tuple[int, int, int]:
    if compact := found["compact"]:
        return int(compact[:4]), int(compact[4:6]), int(compact[6:])
    year = int(found["year"]) + (CENTURY if len(found["year"]) == len("21") else 0)
    if name := found["name"]:
        month = MONTHS.index(name.lower()) + 1 if name.lower() in MONTHS else 0
    else:
        month = int(found["month"])
    return year, month, int(found["day"])


def _time_of_day(found: re.Match[str]) -> int:
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    return _sum(found["hour"], found["minute"], found["second"]) + int(fraction)


def _offset(found: re.Match[str]) -> int:
    if found["abbreviation"]:
        return ABBREVIATIONS[found["abbreviation"].lower()] * HOUR
    if not found["sign"]:
        return 0
    size = _sum(found["offset_hour"], found["offset_minute"], found["offset_second"])
    return -size if found["sign"] == "-" else size


def _sum(hour: str | None, minute: str | None, second: str | None) -> int:
    return int(hour or 0) * HOUR + int(minute or 0) * MINUTE + int(second or 0) * SECOND


def _text(micros: int) -> str:
    seconds, fraction = divmod(micros, SECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}.{fraction:06}" if fraction else clock
