"""How a database's SQL differs: quoting, parameters, types, and the few phrases that are not the same everywhere.

A dialect is a value, and a variant of it another value: `evolve(MYSQL, types=...)`. It composes no statement and
sends none.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import assert_never

from attrs import Factory, frozen

from connectors.sql.text import (
    NOTHING,
    Keyword,
    Name,
    Param,
    Part,
    Piece,
    Place,
    Sql,
    Template,
    Type,
    Value,
    sql,
    takes_value,
    template,
)
from dataflow.evolution import ColumnType
from dataflow.types import Kind


class Parameters(Enum):
    """How a parameter is written: with its name, and by its place."""

    COLON = (":{}", "?")
    DOLLAR = ("${}", "?")
    # A statement with such parameters has each other percent sign doubled, also in names.
    PERCENT = ("%({})s", "%s")


class Ddl(Enum):
    """What a statement that makes, changes or drops a table does to the transaction around it."""

    TRANSACTIONAL = "it is part of the transaction, and undone with it"
    COMMITS = "it commits what came before it and itself, whether it succeeds or not"


class Holds(Enum):
    """What a column of our own tables holds."""

    KEY = "text that is in a key"
    TEXT = "text of any length"
    INTEGER = "a whole number"
    REAL = "a number that may be rounded"
    MOMENT = "a moment, to the microsecond"


# As much as two columns of text in a key may have where a key takes 3072 bytes, and a character up to four.
KEY_LENGTH = 255


@frozen
class InternalColumn:
    """A column of one of our own tables."""

    name: str
    holds: Holds
    nullable: bool = True


@frozen
class Quote:
    """What is around a quoted name; within the name, the closing mark is written twice."""

    before: str
    after: str

    def __call__(self, name: str) -> str:
        """The name, quoted."""
        return f"{self.before}{name.replace(self.after, self.after * 2)}{self.after}"


@frozen(kw_only=True)
class KeyIndex:
    """How the columns of a key are indexed.

    `by_prefix` are the types of which an index takes the first characters only, and `characters` how many it takes of
    all such columns of a key together. It takes the first `columns` of a key.
    """

    by_prefix: frozenset[str]
    characters: int
    columns: int


_SAME = template("{} IS NOT DISTINCT FROM {}")
_LATEST_FIRST = template("{} DESC NULLS LAST")
_INSERT_NEW = template("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING")
_MOMENT_AS_TEXT = template("CAST({} AS varchar)")


def _never(_: Exception) -> bool:
    return False


@frozen(kw_only=True)
class Dialect:
    """A database's SQL, as a difference from the standard's. `name` is the product's."""

    name: str
    parameters: Parameters
    # A column's type for each kind of value, spelled as the database spells it when asked.
    types: Mapping[Kind, str]
    metadata_types: Mapping[str, ColumnType]
    quote: Quote = Quote('"', '"')
    # What a text in quotes doubles. A database that reads backslashes doubles them too.
    doubled: str = "'"
    # What stands before a text in quotes that holds backslashes, which are then doubled too. Empty if a backslash is
    # a character like any other.
    escaping: str = ""
    ddl: Ddl = Ddl.TRANSACTIONAL
    # What a SELECT ends with to lock its rows; nothing where a transaction has the database to itself.
    row_lock: Sql = NOTHING
    # What it ends with for a lock that several transactions may have at once, if the database has such a lock.
    shared_row_lock: Sql = Factory(lambda dialect: dialect.row_lock, takes_self=True)
    # Inserts a row of a table with a primary key, or none if there is one of its key.
    insert_new: Template = _INSERT_NEW
    # Equality by which two nulls are equal.
    same: Template = _SAME
    # An order by which the latest comes first, and nulls last.
    latest_first: Template = _LATEST_FIRST
    # The index by which merges look rows up; none where a join of large tables is quick without.
    key_index: KeyIndex | None = None
    # Types of columns of our own tables: text of any length, a moment with microseconds.
    text: str = "varchar"
    moment: str = "timestamp with time zone"
    # Text that can be in a key, where `{}` is its length in characters if the database wants to know it.
    key_text: str = "varchar"
    # Whether an error of the driver says that a statement names a table or a column that is not there.
    names_what_is_gone: Callable[[Exception], bool] = _never
    # A column of moments as text of ISO 8601; one without a zone is in UTC.
    moment_as_text: Template = _MOMENT_AS_TEXT
    # What stands after the columns where one of our own tables is made.
    table_options: Sql = NOTHING
    # Whether a table may be without a primary key. Some servers are set to refuse one.
    keyless: bool = True

    def text_up_to(self, length: int) -> str:
        """The type of text that can be in a key, of at most `length` characters."""
        return self.key_text.format(length)

    def column_type(self, kind: Kind) -> ColumnType:
        """The type of a user's column, which is always nullable."""
        return ColumnType(self.types[kind])

    def render(self, statement: Part) -> str:
        """The text that the database is sent.

        If it holds parameters, it is executed with values for them; if it holds none, it is executed without any.
        """
        parts = statement.parts if isinstance(statement, Sql) else (statement,)
        texts: Iterable[str] = map(self._rendered, parts)
        if self.parameters is Parameters.PERCENT and any(map(takes_value, parts)):
            texts = (
                text if takes_value(part) else text.replace("%", "%%")
                for part, text in zip(parts, texts, strict=True)
            )
        return "".join(texts)

    def definition(self, name: str, kind: ColumnType) -> Sql:
        """A column as CREATE TABLE and ADD COLUMN spell it."""
        constraint = NOTHING if kind.nullable else sql(" NOT NULL")
        return sql("{} {}{}", Name(name), Type(kind.type), constraint)

    def internal_definition(self, column: InternalColumn) -> Sql:
        """A column of one of our own tables, likewise."""
        return self.definition(column.name, ColumnType(self._internal_type(column.holds), column.nullable))

    def _internal_type(self, holds: Holds) -> str:
        match holds:
            case Holds.KEY:
                return self.text_up_to(KEY_LENGTH)
            case Holds.TEXT:
                return self.text
            case Holds.INTEGER:
                return "bigint"
            case Holds.REAL:
                return "double precision"
            case Holds.MOMENT:
                return self.moment
            case _:
                assert_never(holds)

    def _rendered(self, part: Piece) -> str:
        match part:
            case str():
                return part
            case Name():
                return ".".join(map(self.quote, part.parts))
            case Value():
                return self._literal(part.value)
            case Param():
                return self.parameters.value[0].format(part.name)
            case Place():
                return self.parameters.value[1]
            case Type() | Keyword():
                return part.spelled
            case _:
                assert_never(part)

    def _literal(self, value: str | int | None) -> str:
        match value:
            case None:
                return "NULL"
            case bool():
                return "true" if value else "false"
            case int():
                return str(value)
            case str():
                before, doubled = "", self.doubled
                if self.escaping and "\\" in value:
                    before, doubled = self.escaping, f"{doubled}\\"
                for mark in doubled:
                    value = value.replace(mark, mark * 2)
                return f"{before}'{value}'"
            case _:
                assert_never(value)
