"""The values everything else speaks of: Airbyte types, columns and tables. Plain data; no rules, no SQL, no I/O."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen
from attrs.validators import ge


class Kind(StrEnum):
    """How a column's values are held, from JSON to the database: the only distinction the data path makes."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    TIME_WITH_TIMEZONE = "time_with_timezone"
    TIME_WITHOUT_TIMEZONE = "time_without_timezone"
    TIMESTAMP_WITH_TIMEZONE = "timestamp_with_timezone"
    TIMESTAMP_WITHOUT_TIMEZONE = "timestamp_without_timezone"
    JSON = "json"


@frozen
class AirbyteType:
    """A type of the Airbyte type system. Compare instances by value; ask `kind` to act on one."""

    @property
    def kind(self) -> Kind:
        """How values of this type are held. Every subclass answers; there is no default."""
        raise NotImplementedError


@frozen
class Scalar(AirbyteType):
    """A type without structure: string, boolean, integer, number and the five temporal ones."""

    of: Kind

    @property
    def kind(self) -> Kind:
        """The type is its kind."""
        return self.of

    def __str__(self) -> str:
        return str(self.of)


STRING = Scalar(Kind.STRING)
BOOLEAN = Scalar(Kind.BOOLEAN)
INTEGER = Scalar(Kind.INTEGER)
NUMBER = Scalar(Kind.NUMBER)
DATE = Scalar(Kind.DATE)
TIME_WITH_TIMEZONE = Scalar(Kind.TIME_WITH_TIMEZONE)
TIME_WITHOUT_TIMEZONE = Scalar(Kind.TIME_WITHOUT_TIMEZONE)
TIMESTAMP_WITH_TIMEZONE = Scalar(Kind.TIMESTAMP_WITH_TIMEZONE)
TIMESTAMP_WITHOUT_TIMEZONE = Scalar(Kind.TIMESTAMP_WITHOUT_TIMEZONE)


@frozen
class Array(AirbyteType):
    """A JSON array; `items` is None when the schema does not say what it holds."""

    items: AirbyteType | None = None

    @property
    def kind(self) -> Kind:
        """JSON, whatever it holds."""
        return Kind.JSON


@frozen
class Field:
    """A declared member of an object: its name in the record's JSON and its type. Every field is nullable."""

    name: str
    type: AirbyteType


@frozen
class Object(AirbyteType):
    """A JSON object; `fields` is None without `properties`, and empty when `properties` is empty."""

    fields: tuple[Field, ...] | None = None

    @property
    def kind(self) -> Kind:
        """JSON, whatever it holds."""
        return Kind.JSON


@frozen
class Union(AirbyteType):
    """One of several types; held as JSON, since no column type holds them all."""

    options: frozenset[AirbyteType]

    @property
    def kind(self) -> Kind:
        """JSON, whatever it holds."""
        return Kind.JSON


@frozen
class Unknown(AirbyteType):
    """A schema we do not understand; its values pass through as JSON. `schema` is its JSON text."""

    schema: str

    @property
    def kind(self) -> Kind:
        """JSON, whatever it holds."""
        return Kind.JSON


@frozen
class Widened(AirbyteType):
    """A type whose column is of another kind, since that of the declared one did not hold a key's values."""

    declared: AirbyteType
    to: Kind

    @property
    def kind(self) -> Kind:
        """The wider one."""
        return self.to


def _dotted(*parts: str) -> str:
    """The parts with dots between them, each in double quotes if it is empty or has a dot or a quote itself."""
    return ".".join(map(_part, parts))


def _part(part: str) -> str:
    if part and "." not in part and '"' not in part:
        return part
    return '"' + part.replace('"', '""') + '"'


@frozen(order=True)
class StreamName:
    """A stream's descriptor as the source gives it; `namespace` is None when the source has none."""

    namespace: str | None
    name: str

    def __str__(self) -> str:
        """For people and the journal. Two descriptors never share a text."""
        return _dotted(self.namespace, self.name) if self.namespace else _dotted(self.name)


@frozen(order=True)
class TableName:
    """A table in the destination, by its physical names, unquoted."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """For people. Two names never share a text."""
        return _dotted(self.namespace, self.name)


@frozen
class Column:
    """A column of a stream's table: its physical name, the field of the record it comes from, and its type."""

    name: str
    field: str
    type: AirbyteType

    @property
    def kind(self) -> Kind:
        """How the column's values are held."""
        return self.type.kind


# The four metadata columns of every table, by the names upstream gives them.
RAW_ID = "_airbyte_raw_id"
EXTRACTED_AT = "_airbyte_extracted_at"
META = "_airbyte_meta"
GENERATION_ID = "_airbyte_generation_id"
METADATA_COLUMNS = (RAW_ID, EXTRACTED_AT, META, GENERATION_ID)
# Those that tables of the first destinations do not have, and what their rows get: their values were not changed, and
# they are of no generation.
ADDED_LATER: Mapping[str, str | int] = {META: '{"changes":[]}', GENERATION_ID: 0}
# Without these a table was filled by nobody of ours.
REQUIRED_COLUMNS = (RAW_ID, EXTRACTED_AT)

# Set by CDC sources on the record that deletes a row; null, or an empty text, on every other record.
CDC_DELETED_AT = "_ab_cdc_deleted_at"
# The position of a CDC record in its log, in the order of precedence; a source sets those it has.
CDC_POSITIONS = ("_ab_cdc_lsn", "_ab_cdc_log_file", "_ab_cdc_log_pos", "_ab_cdc_cursor")


class ChangeKind(StrEnum):
    """What was done to a cell that did not fit (protocol: AirbyteRecordMessageMetaChange.change)."""

    NULLED = "NULLED"
    TRUNCATED = "TRUNCATED"


class ChangeReason(StrEnum):
    """Why (protocol: AirbyteRecordMessageMetaChange.reason); those this destination gives."""

    SERIALIZATION = "DESTINATION_SERIALIZATION_ERROR"
    FIELD_SIZE = "DESTINATION_FIELD_SIZE_LIMITATION"
    RECORD_SIZE = "DESTINATION_RECORD_SIZE_LIMITATION"
    # A column was given a type that cannot hold the value.
    TYPECAST = "DESTINATION_TYPECAST_ERROR"


@frozen
class Change:
    """One entry of `_airbyte_meta.changes`: which field, what was done, why. Never the value."""

    field: str
    change: ChangeKind
    reason: ChangeReason


# Levels of JSON that the compiled reader follows (DEEPEST in native/json.h), whatever the limits.
READ_LEVELS = 100


@frozen(kw_only=True)
class Limits:
    """What a destination's columns can hold; a cell beyond is nulled or truncated, and the change recorded.

    Days and microseconds count from 1970-01-01; a timestamp without timezone is counted as if it were UTC.
    """

    # None: any precision. Else digits in all and digits after the point, rounded half up.
    number: tuple[int, int] | None = (38, 9)
    # Years are what people think in: first and last that fit a date and a timestamp.
    years: tuple[int, int] = (1, 9999)
    string_bytes: int = field(default=256 * 1024 * 1024)
    json_bytes: int = field(default=255 * 1024 * 1024)
    # How many arrays and objects of a JSON value may lie within each other; at least READ_LEVELS. The default is what
    # SQLite's JSON functions follow, and common readers elsewhere; PostgreSQL's stack ends at about 14,000.
    json_levels: int = field(default=1000, validator=ge(READ_LEVELS))
    # Whether text may hold U+0000; where not it is removed (Postgres refuses it in text and in jsonb).
    nul: bool = False
