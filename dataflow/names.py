"""Maps one logical name to a physical one. Deterministic; asks no database, quotes nothing, compares no two names.

A name is *mapped*: characters the destination cannot hold are replaced, and one that is too long is cut by bytes,
never inside a character, and ends in a hash of the whole original. Which of two names that are mapped alike keeps
the plain one is decided in `table_catalog`.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from hashlib import sha256
from string import ascii_letters, digits

from attrs import field, frozen, validators

from dataflow.errors import InternalError
from dataflow.types import StreamName, TableName

# 48 bits: among ten thousand names the chance of one collision is below one in a million, and it is checked.
HASH_DIGITS = 12
# A person who finds such a table in a database should recognise it.
TEMP_MARK = "_airbyte_tmp_"
# Every index a table may get; each has a name of its own in the check of the whole catalog.
INDEX_PURPOSES = ("primary_key", "cursor", "extracted_at")
# An opening of a temp table is named by the claim that made it (a claim a second reaches ten digits after three
# centuries), and by hexadecimal digits that distinguish two openings, or two holders, of one claim.
EPOCH_DIGITS, TOKEN_DIGITS = 10, 6
# Room for the longest thing we append and a few characters of the name itself: for every name, and for one that a temp
# table has for one opening and one holder.
A_FEW = 7
LEAST_BYTES = A_FEW + len(TEMP_MARK) + HASH_DIGITS
LEAST_BYTES_OPENED = LEAST_BYTES + len("_") + EPOCH_DIGITS + 2 * (len("_") + TOKEN_DIGITS)
PLAIN = frozenset(ascii_letters + digits + "_")


@frozen(kw_only=True)
class NamingRules:
    """What a destination allows in names of namespaces, tables, columns and indexes; given by the connector.

    `max_bytes` counts UTF-8, and `max_characters` bounds a name besides. `plain` keeps only ASCII letters, digits and
    underscores (accents are dropped, other characters become underscores) and no leading digit; otherwise all but
    U+0000 is kept. With `basic_plane_only`, characters beyond the basic plane become underscores too. Without
    `trailing_spaces`, so do spaces at the end. `ignore_case` says that the destination takes names that differ by case
    as one. `reserved` names are never given to anything.
    """

    max_bytes: int = field(validator=validators.ge(LEAST_BYTES))
    plain: bool
    ignore_case: bool
    reserved: tuple[str, ...] = ()
    max_characters: int | None = field(
        default=None, validator=validators.optional(validators.ge(LEAST_BYTES))
    )
    basic_plane_only: bool = False
    trailing_spaces: bool = True

    @property
    def longest(self) -> int:
        """How many ASCII characters a name has at most."""
        return self.max_bytes if self.max_characters is None else min(self.max_bytes, self.max_characters)

    def holds(self, name: str) -> bool:
        """Whether a name is short enough."""
        return len(name.encode()) <= self.max_bytes and len(name) <= (self.max_characters or len(name))

    def comparable(self, name: str) -> str:
        """Two names are the same to the destination when their comparable forms are equal."""
        return name.casefold() if self.ignore_case else name

    def reserves(self, name: str) -> bool:
        """Whether the destination keeps this name for itself."""
        return self.comparable(name) in {self.comparable(reserved) for reserved in self.reserved}


def comparable(table: TableName, rules: NamingRules) -> TableName:
    """The name of a table as the destination compares it."""
    return TableName(rules.comparable(table.namespace), rules.comparable(table.name))


def physical_name(name: str, rules: NamingRules) -> str:
    """One name as the destination can hold it, without regard to any other name.

    An empty name, and one of which nothing readable is left, becomes a name made of its hash.
    """
    mapped = _plain(name) if rules.plain else _storable(name, rules)
    if not mapped or (mapped != name and not mapped.strip("_")):
        mapped = f"unnamed_{name_hash(name)}"
    if rules.plain and mapped[0].isdigit():
        mapped = f"_{mapped}"
    if not rules.holds(mapped) or rules.reserves(mapped):
        mapped = with_suffix(mapped, f"_{name_hash(name)}", rules)
    return mapped


def index_name(table: TableName, purpose: str, rules: NamingRules) -> str:
    """The name of a table's index: readable, hashed over namespace, table and purpose, within the byte limit.

    `purpose` is one of INDEX_PURPOSES; another is named as well, but not checked over the catalog.
    """
    hashed = name_hash(table.namespace, table.name, purpose)
    return with_suffix(_cut(table.name, rules.longest // 2) + f"_{purpose}", f"_{hashed}", rules)


def name_hash(*parts: str | None) -> str:
    """HASH_DIGITS hexadecimal digits of SHA-256 over the UTF-8 of the parts, each after its length."""
    digest = sha256()
    for part in parts:
        encoded = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"-" if part is None else b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()[:HASH_DIGITS]


def table_names(stream: StreamName, rules: NamingRules) -> tuple[str, str]:
    """What a stream's table may be called: plainly, and with a hash."""
    mapped = physical_name(stream.name, rules)
    return mapped, with_suffix(mapped, f"_{name_hash(stream.namespace, stream.name)}", rules)


def column_names(field: str, rules: NamingRules) -> tuple[str, str]:
    """What a field's column may be called: plainly, and with a hash."""
    mapped = physical_name(field, rules)
    return mapped, with_suffix(mapped, f"_{name_hash(field)}", rules)


def temp_name(stream: StreamName, rules: NamingRules) -> str:
    """The name of a stream's temp table. It depends on the stream's name alone, so that a later run finds it."""
    suffix = f"{TEMP_MARK}{name_hash(stream.namespace, stream.name)}"
    return with_suffix(physical_name(stream.name, rules), suffix, rules)


def temp_mark(temp: str) -> str:
    """What the names of all temp tables of one stream contain, and no other name: the mark and the stream's hash.

    A name without the mark, which earlier versions gave, is all there is of it.
    """
    if TEMP_MARK not in temp:
        return temp
    start = temp.rindex(TEMP_MARK)
    return temp[start : start + len(TEMP_MARK) + HASH_DIGITS]


def opened_name(temp: str, opening: str, rules: NamingRules) -> str:
    """The name of one opening of a stream's temp table. `temp` is any name of it."""
    mark = temp_mark(temp)
    return with_suffix(temp[: temp.rindex(mark)], f"{mark}_{opening}", rules)


def replaced_name(temp: str, rules: NamingRules) -> str:
    """The name of what a temp table replaced, until it is dropped: one of an opening that no ledger names."""
    opening = opening_of(temp)
    return opened_name(temp, f"{opening}0", rules) if opening else with_suffix(temp, "_old", rules)


def is_temp_of(table: str, temp: str) -> bool:
    """Whether this is a name of a temp table of the stream that has the temp table `temp`, of whatever opening."""
    mark = temp_mark(temp)
    return re.fullmatch(rf".*{re.escape(mark)}(_\d+_[0-9a-f]+(_[0-9a-f]+)?)?", table, re.DOTALL) is not None


def opening_of(temp: str) -> str:
    """The opening that a temp table's name was given, without a later holder's part; empty for any other name."""
    if TEMP_MARK not in temp:
        return ""
    rest = temp[temp.rindex(TEMP_MARK) :].removeprefix(temp_mark(temp)).split("_")
    return "_".join(rest[1:3])


def _plain(name: str) -> str:
    unaccented = (char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return _replace(unaccented, PLAIN.__contains__)


def _storable(name: str, rules: NamingRules) -> str:
    # A lone surrogate has no UTF-8, and no database takes U+0000 in a name.
    highest = "\uffff" if rules.basic_plane_only else chr(sys.maxunicode)
    kept = _replace(name, lambda char: char != "\0" and not "\ud800" <= char <= "\udfff" and char <= highest)
    bare = kept.rstrip(" ")
    return kept if rules.trailing_spaces else bare + "_" * (len(kept) - len(bare))


def _replace(chars: Iterable[str], keep: Callable[[str], bool]) -> str:
    return "".join(char if keep(char) else "_" for char in chars)


def with_suffix(name: str, suffix: str, rules: NamingRules) -> str:
    """The name with the suffix, cut so that the whole is within the limit.

    Raises InternalError if the suffix alone is not: cut names could be equal.
    """
    if not rules.holds(suffix):
        raise InternalError(
            f"A name has {rules.longest} characters at most, and the end of one alone has {len(suffix)}.",
            doing="naming tables and columns",
            remedy="Report this to the author of this connector: its naming rules leave no room for the name.",
        )
    characters = None if rules.max_characters is None else rules.max_characters - len(suffix)
    return _cut(name[:characters], rules.max_bytes - len(suffix.encode())) + suffix


def _cut(name: str, limit: int) -> str:
    """The longest beginning of at most `limit` bytes that ends between two characters."""
    return name.encode()[:limit].decode("utf-8", "ignore")
