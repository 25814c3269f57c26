"""SQL as values: composed once, and rendered by a dialect. Sends nothing, and knows no database.

Text is code: `sql` takes no text but what is written as a literal in the function that calls it. Everything else
has to say what it is: a `Name`, a `Value`, a `Param`, a `Type` or a `Keyword`.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import LiteralString, TypeAlias

from attrs import frozen

# Words, numbers, brackets, and quoted words for a type's own options, such as the name of a time zone.
_TYPE = re.compile(r"(?:[\w (),\[\]]|'[\w/+-]*')+")
_WORD = re.compile(r"\w+")
_KEYWORDS = re.compile(r"[A-Z]+( [A-Z]+)*")
# How names are quoted in one database or another.
_QUOTES = re.compile(r'["`]')


@frozen(init=False)
class Name:
    """The name of a table, a column or another thing; in several parts when it is qualified.

    Raises:
        ValueError: there is no part, or one that is empty or holds U+0000.
    """

    parts: tuple[str, ...]

    def __init__(self, *parts: str) -> None:
        if not all(parts) or not parts or any("\0" in part for part in parts):
            raise ValueError("a name has at least one part, and no part is empty or holds U+0000")
        self.__attrs_init__(parts)


@frozen
class Value:
    """A value that stands in the statement itself, for a place where no parameter can be."""

    value: str | int | None


@frozen
class Param:
    """The place of a value that the statement is executed with.

    Raises:
        ValueError: the name is no word.
    """

    name: str

    def __attrs_post_init__(self) -> None:
        if not _WORD.fullmatch(self.name):
            raise ValueError("a parameter is named by a word")


@frozen
class Place:
    """The place of the next value of a row whose values are given in their order, without names."""


@frozen
class Type:
    """A type as the database spells it.

    Raises:
        ValueError: it is not spelled as a type.
    """

    spelled: str

    def __attrs_post_init__(self) -> None:
        if not _TYPE.fullmatch(self.spelled):
            raise ValueError("a type is spelled in words, numbers and brackets")


@frozen
class Keyword:
    """A word of the database's grammar that the database itself gave, such as the name of a privilege; or several.

    Raises:
        ValueError: it is not spelled in capital letters.
    """

    spelled: str

    def __attrs_post_init__(self) -> None:
        if not _KEYWORDS.fullmatch(self.spelled):
            raise ValueError("a keyword is spelled in capital letters")


@frozen
class Sql:
    """A statement, or a part of one: literal text and what stands between."""

    parts: "tuple[Piece, ...]"

    def __bool__(self) -> bool:
        """Whether it holds anything."""
        return bool(self.parts)

    @property
    def has_parameters(self) -> bool:
        """Whether it is executed with values."""
        return any(map(takes_value, self.parts))


# What a place takes, and what it comes to.
Part: TypeAlias = Sql | Name | Value | Param | Place | Type | Keyword
Piece: TypeAlias = str | Name | Value | Param | Place | Type | Keyword

# What stands where a statement has nothing to say.
NOTHING = Sql(())


@frozen
class Template:
    """A text with places for parts, which are filled when it is called."""

    text: str

    def __call__(self, *parts: Part, **named: Part) -> Sql:
        """Fill each `{}` with the next part, and each `{name}` with the part of that name.

        Raises:
            TypeError: a part is plain text, which does not say what it is.
            ValueError: a place has no part, or a part no place.
        """
        return _fill(self.text, parts, named)


def sql(text: LiteralString, *parts: Part, **named: Part) -> Sql:
    """Compose a statement, or a part of one, of a literal text and what stands in its places, as `Template` does.

    Raises:
        TypeError: a part is plain text, which does not say what it is.
        ValueError: the text is not a literal of the calling function, or quotes a name; a place has no part, or a
            part no place.
    """
    _demand_literal(text, sys._getframe(1).f_code.co_consts)  # noqa: SLF001 - as logging finds its caller
    return _fill(text, parts, named)


def template(text: LiteralString) -> Template:
    """A literal text whose places are filled later, for a dialect.

    Raises:
        ValueError: the text is not a literal of the calling function, or quotes a name.
    """
    _demand_literal(text, sys._getframe(1).f_code.co_consts)  # noqa: SLF001 - as logging finds its caller
    return Template(text)


def join(separator: LiteralString, parts: Iterable[Part]) -> Sql:
    """The parts with a literal text between them; parts that hold nothing are left out.

    Raises:
        ValueError: the separator is not a literal of the calling function, or quotes a name.
    """
    _demand_literal(separator, sys._getframe(1).f_code.co_consts)  # noqa: SLF001 - as logging finds its caller
    return _join(separator, parts)


def listed(parts: Iterable[Part]) -> Sql:
    """The parts with commas between them."""
    return _join(", ", parts)


def names(columns: Iterable[str]) -> Sql:
    """Columns by their names, with commas between them."""
    return listed(map(Name, columns))


def given(name: str) -> Sql:
    """A column equals, or is to be, the parameter of its name."""
    return sql("{} = {}", Name(name), Param(name))


def all_given(columns: Iterable[str]) -> Sql:
    """Each of the columns equals the parameter of its name."""
    return join(" AND ", map(given, columns))


def filled(statement: Sql, parameters: Mapping[str, object]) -> Sql:
    """The statement with these values in the places of its parameters; for a reader, since values are never sent so."""
    pieces: list[Piece] = []
    for piece in statement.parts:
        if isinstance(piece, Param) and piece.name in parameters:
            pieces.extend(_shown(parameters[piece.name]).parts)
        else:
            pieces.append(piece)
    return Sql(tuple(pieces))


def takes_value(piece: "Part | Piece") -> bool:
    """Whether it is the place of a value that the statement is executed with."""
    return isinstance(piece, Param | Place)


def _shown(value: object) -> Sql:
    if isinstance(value, list):
        return sql("[{}]", listed(map(_shown, value)))
    if value is None or isinstance(value, bool | int | str):
        return Sql((Value(value),))
    return Sql((Value(str(value)),))


def _demand_literal(text: str, literals: Sequence[object]) -> None:
    # The text itself is kept out of the error: it may hold a record's content.
    if text not in literals:
        raise ValueError("the text of a statement is not a literal of the function that composes it")
    if _QUOTES.search(text):
        raise ValueError("a name is quoted by hand; databases quote names differently, so make it a Name")


def _join(separator: str, parts: Iterable[Part]) -> Sql:
    joined: list[Piece] = []
    for part in parts:
        pieces = list(_flat(part))
        if joined and pieces:
            joined.append(separator)
        joined.extend(pieces)
    return Sql(tuple(joined))


def _fill(text: str, parts: Sequence[Part], named: Mapping[str, Part]) -> Sql:
    filled: list[Piece] = []
    given = {**{str(number): part for number, part in enumerate(parts)}, **named}
    used = set()
    for literal, place in _pieces(text):
        if literal:
            filled.append(literal)
        if place is None:
            continue
        if place not in given:
            raise ValueError(f"the place {{{place}}} of a statement has no part")
        used.add(place)
        filled.extend(_flat(given[place]))
    if unused := given.keys() - used:
        raise ValueError(f"no place of a statement has the parts {', '.join(sorted(unused))}")
    return Sql(tuple(filled))


def _flat(part: Part) -> Iterator[Piece]:
    if isinstance(part, Sql):
        yield from part.parts
    elif isinstance(part, Name | Value | Param | Place | Type | Keyword):
        yield part
    else:
        raise TypeError(
            f"a {type(part).__name__} does not say what it is in a statement: Name, Value, Param, Type or Keyword"
        )


@lru_cache(maxsize=1024)
def _pieces(text: str) -> Sequence[tuple[str, str | None]]:
    """Literal texts, and the place after each; places without a name are numbered."""
    pieces: list[tuple[str, str | None]] = []
    number = 0
    for literal, place, form, conversion in Formatter().parse(text):
        if form or conversion:
            raise ValueError("a place of a statement has no format")
        if place == "":
            pieces.append((literal, str(number)))
            number += 1
        else:
            pieces.append((literal, place))
    return pieces
