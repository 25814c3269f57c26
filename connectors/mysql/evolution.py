"""What becomes of a value whose column changes its type. Pure: composes expressions, and sends none.

No value makes a change fail: what the new type cannot hold becomes null, and its row's `_airbyte_meta` notes it. A
value goes by its text, and only a text that the new type certainly reads is cast.
"""

from collections.abc import Callable, Mapping

from connectors.mysql.columns import INSTANT, JSON, TEXT, TYPES
from connectors.sql.statements import T, of
from connectors.sql.text import Param, Sql, Value, sql
from connectors.sql.written import DATE, TIME
from dataflow.evolution import ColumnTypeChange
from dataflow.types import META, ChangeKind, ChangeReason, Kind

_OFFSET = r"(?:[Zz]|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?\z"
_INSTANT = rf"^{DATE}(?:[T ]{TIME}{_OFFSET}?)?\z"
_CLOCK = rf"^(?:{DATE}[T ])?{TIME}{_OFFSET}?\z"
# MySQL's own type, which tables of older destinations have. MariaDB knows it as text.
NATIVE_JSON = "json"
# No number, date or time of more characters is one that a column holds.
_LONGEST = 200


class MysqlConversion:
    """The expressions for a table called `t`."""

    def converted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The value in its new type, null if that type cannot hold it."""
        return _converted(of(T, name), change.original.type, change.new.type)

    def noted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The `_airbyte_meta` of the row, with a note if the new type cannot hold the value. A repeat notes it once."""
        meta = of(T, META)
        note = sql(
            "json_object('field', {}, 'change', {}, 'reason', {})",
            Param("column"),
            Value(str(ChangeKind.NULLED)),
            Value(str(ChangeReason.TYPECAST)),
        )
        return sql(
            "CASE WHEN {} IS NULL OR {} IS NOT NULL "
            "OR coalesce(json_contains(json_extract({}, '$.changes'), {}), 0) THEN {} "
            "ELSE json_array_append(json_insert({}, '$.changes', json_array()), '$.changes', {}) END",
            _text(of(T, name), change.original.type),
            self.converted(name, change),
            meta,
            note,
            meta,
            meta,
            note,
        )


CONVERSION = MysqlConversion()


def _text(column: Sql, old: str) -> Sql:
    """The value as text; null where it says nothing."""
    base = old.split("(", maxsplit=1)[0]
    if old == JSON or base == NATIVE_JSON:
        column = sql("CAST({} AS char)", column) if base == NATIVE_JSON else column
        return sql(
            "CASE WHEN {0} = 'null' THEN NULL WHEN left({0}, 1) = {1} THEN json_unquote({0}) ELSE {0} END",
            column,
            Value('"'),
        )
    if old == TYPES[Kind.BOOLEAN]:
        return sql("CASE {} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END", column)
    if base == "decimal" and not old.endswith(",0)"):
        return sql("trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST({} AS char)))", column)
    if base in ("datetime", "timestamp"):
        text = _with_fraction(sql("date_format({}, '%Y-%m-%dT%H:%i:%s')", column), column)
        return sql("concat({}, '+00:00')", text) if old == INSTANT else text
    if base == "time":
        return _with_fraction(sql("time_format({}, '%H:%i:%s')", column), column)
    return sql("CAST({} AS char)", column)


def _with_fraction(seconds: Sql, column: Sql) -> Sql:
    return sql(
        "concat({}, CASE microsecond({}) WHEN 0 THEN '' ELSE time_format({}, '.%f') END)",
        seconds,
        column,
        column,
    )


def _converted(column: Sql, old: str, new: str) -> Sql:
    text = _text(column, old)
    if old == new:
        return column
    if new == TEXT:
        return text
    if new == JSON:
        if old == NATIVE_JSON:
            return sql("CAST({} AS char)", column)
        plain = old.split("(", maxsplit=1)[0] in _AS_THEY_ARE
        return text if plain else sql("json_quote({})", text)
    pattern, value = _CASTS[new](text)
    return sql(
        "CASE WHEN char_length({}) <= {} AND {} REGEXP {} THEN {} END",
        text,
        Value(_LONGEST),
        text,
        Value(pattern),
        value,
    )


def _boolean(text: Sql) -> tuple[str, Sql]:
    return r"^(?-i)(?:true|false)\z", sql("CASE {} WHEN 'true' THEN 1 ELSE 0 END", text)


def _number(text: Sql) -> tuple[str, Sql]:
    # As a double, which holds all of them, a number shows whether it is too large for a cast.
    return _NUMBER, sql(
        "CASE WHEN abs(CAST({0} AS double)) < 1e29 AND abs(round(CAST({0} AS decimal(65, 30)), 9)) < 1e29 "
        "THEN round(CAST({0} AS decimal(65, 30)), 9) END",
        text,
    )


def _integer(text: Sql) -> tuple[str, Sql]:
    return _NUMBER, sql(
        "CASE WHEN abs(CAST({said} AS double)) < 1e20 AND {number} = truncate({number}, 0) "
        "AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807 THEN CAST({number} AS signed) END",
        said=text,
        number=sql("CAST({} AS decimal(65, 30))", text),
    )


def _date(text: Sql) -> tuple[str, Sql]:
    return _INSTANT, sql("CAST(left({}, 10) AS date)", text)


def _local_moment(text: Sql) -> tuple[str, Sql]:
    return _INSTANT, sql("CAST(concat(left({}, 10), ' ', {}) AS datetime(6))", text, _clock(text))


def _moment(text: Sql) -> tuple[str, Sql]:
    """In UTC, if it has an offset. One of the first or last year with an offset may be of no year that there is."""
    return _INSTANT, sql(
        "CASE WHEN {minutes} = 0 THEN {local} WHEN left({said}, 4) IN ('0001', '9999') THEN NULL "
        "ELSE {local} - INTERVAL {minutes} MINUTE END",
        minutes=_minutes_east(text),
        local=_local_moment(text)[1],
        said=text,
    )


def _time(text: Sql) -> tuple[str, Sql]:
    return _CLOCK, sql("CAST({} AS time(6))", _clock(text))


def _time_with_offset(text: Sql) -> tuple[str, Sql]:
    return _CLOCK, sql(
        "concat({clock}, CASE WHEN {offset} IS NULL THEN '+00:00' "
        "ELSE concat(left({offset}, 3), ':', right({offset}, 2)) END)",
        clock=_clock(text),
        offset=_offset(text),
    )


def _clock(text: Sql) -> Sql:
    """Hours, minutes and seconds, with no more digits after the point than a column has."""
    found = sql(
        "nullif(regexp_substr({}, {}), '')", text, Value(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
    )
    return sql(
        "CASE char_length({found}) WHEN 5 THEN concat({found}, ':00') ELSE coalesce({found}, '00:00:00') END",
        found=found,
    )


def _offset(text: Sql) -> Sql:
    """The offset, null where there is none or it is the letter Z."""
    return sql("nullif(regexp_substr({}, {}), '')", text, Value(r"[+-][0-9]{2}:?[0-9]{2}\z"))


def _minutes_east(text: Sql) -> Sql:
    return sql(
        "coalesce((CAST(substring({offset}, 2, 2) AS signed) * 60 + CAST(right({offset}, 2) AS signed)) "
        "* CASE left({offset}, 1) WHEN '-' THEN -1 ELSE 1 END, 0)",
        offset=_offset(text),
    )


_AS_THEY_ARE = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal")
_CASTS: Mapping[str, Callable[[Sql], tuple[str, Sql]]] = {
    TYPES[Kind.BOOLEAN]: _boolean,
    TYPES[Kind.INTEGER]: _integer,
    TYPES[Kind.NUMBER]: _number,
    TYPES[Kind.DATE]: _date,
    TYPES[Kind.TIME_WITH_TIMEZONE]: _time_with_offset,
    TYPES[Kind.TIME_WITHOUT_TIMEZONE]: _time,
    TYPES[Kind.TIMESTAMP_WITH_TIMEZONE]: _moment,
    TYPES[Kind.TIMESTAMP_WITHOUT_TIMEZONE]: _local_moment,
}
