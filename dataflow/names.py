"""Maps logical names to physical ones for a whole catalog. Deterministic; asks no database, quotes nothing.

The rules, in order:

1. A name is *mapped*: characters the destination cannot hold are replaced, and one that is too long is cut
   by bytes, never inside a character, and ends in a hash of the whole original.
2. A name that is taken or reserved gets a hash of its own original as a suffix. Who keeps the plain name
   does not depend on the order of the catalog: first come names that the mapping leaves as they are, then
   the order of the names.
3. Final tables, temp tables and their indexes share one space per namespace, as they do in many databases,
   and are checked against each other before anything is written. A conflict that is left is a ConfigError.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from string import ascii_letters, digits
from typing import TypeAlias

from attrs import field, frozen, validators

from dataflow.errors import ConfigError
from dataflow.types import METADATA_COLUMNS, Column, Field, StreamName, TableName

# 48 bits: among ten thousand names the chance of one collision is below one in a million, and it is checked.
HASH_DIGITS = 12
# Whoever meets a table of this kind in a database should know what it is.
TEMP_MARK = "_airbyte_tmp_"
# Every index a table may get; each has a name of its own in the check of the whole catalog.
INDEX_PURPOSES = ("primary_key", "cursor", "extracted_at")
# Room for the longest thing we append and a few characters of the name itself.
LEAST_BYTES = 32
PLAIN = frozenset(ascii_letters + digits + "_")


@frozen(kw_only=True)
class NamingRules:
    """What a destination allows in names of namespaces, tables, columns and indexes; given by the connector.

    `max_bytes` counts UTF-8. `plain` keeps only ASCII letters, digits and underscores (accents are dropped,
    other characters become underscores) and no leading digit; otherwise all but U+0000 is kept.
    `ignore_case` says that the destination takes names that differ by case as one. `reserved` names are
    never given to anything.
    """

    max_bytes: int = field(validator=validators.ge(LEAST_BYTES))
    plain: bool
    ignore_case: bool
    reserved: tuple[str, ...] = ()

    def comparable(self, name: str) -> str:
        """Two names are the same to the destination when their comparable forms are equal."""
        return name.casefold() if self.ignore_case else name

    def reserves(self, name: str) -> bool:
        """Whether the destination keeps this name for itself."""
        return self.comparable(name) in {self.comparable(reserved) for reserved in self.reserved}


@frozen(kw_only=True)
class StreamTables:
    """Where one stream is written: its tables and its columns, in the order of its schema.

    `columns` leaves out the metadata columns. `temp` lies beside `final`, in the same namespace.
    """

    stream: StreamName
    final: TableName
    temp: TableName
    columns: tuple[Column, ...]
    _by_field: Mapping[str, Column] = field(init=False, eq=False, repr=False)

    @_by_field.default
    def _index(self) -> Mapping[str, Column]:
        return {column.field: column for column in self.columns}

    def column(self, field: str) -> Column:
        """The column that holds a field of the record; for a path, ask with its first element.

        Raises ConfigError when the stream's schema does not declare the field.
        """
        if field not in self._by_field:
            raise ConfigError(
                f'Stream {self.stream} has no field "{field}" in its JSON schema.',
                doing="looking up the column of a primary key or cursor",
                remedy="Choose a field of the schema, or refresh the source's schema.",
            )
        return self._by_field[field]


TableCatalog: TypeAlias = dict[StreamName, StreamTables]


def table_catalog(
    streams: Iterable[tuple[StreamName, tuple[Field, ...]]], rules: NamingRules, default_namespace: str
) -> TableCatalog:
    """The tables of every stream, in the order given. A stream without namespace goes to `default_namespace`.

    A temp table's name depends on its stream's name alone, so that a later run finds what a crash left.

    Raises ConfigError when two streams have the same name, or when a conflict is left after all suffixes.
    """
    wanted = list(streams)
    _refuse_duplicates([stream for stream, _ in wanted])
    namespaces = {stream: physical_name(stream.namespace or default_namespace, rules) for stream, _ in wanted}
    space = _Space(rules)
    temps = {stream: TableName(namespaces[stream], _temp_name(stream, rules)) for stream, _ in wanted}
    for stream, temp in temps.items():
        # First, since a temp name must not change with what else is in the catalog.
        if not space.claim_table(temp):
            raise _conflict(f"the temporary table of stream {stream}")
    finals: dict[StreamName, TableName] = {}
    for stream in sorted(temps, key=lambda stream: _precedence(stream, namespaces[stream], rules)):
        finals[stream] = _final_table(stream, namespaces[stream], space, rules)
    return {
        stream: StreamTables(
            stream=stream, final=finals[stream], temp=temps[stream], columns=_columns(stream, declared, rules)
        )
        for stream, declared in wanted
    }


def physical_name(name: str, rules: NamingRules) -> str:
    """One name as the destination can hold it, without regard to any other name.

    An empty name, and one of which nothing readable is left, becomes a name made of its hash.
    """
    mapped = _plain(name) if rules.plain else _storable(name)
    if not mapped or (mapped != name and not mapped.strip("_")):
        mapped = f"unnamed_{name_hash(name)}"
    if rules.plain and mapped[0].isdigit():
        mapped = f"_{mapped}"
    if len(mapped.encode()) > rules.max_bytes or rules.reserves(mapped):
        mapped = _with_suffix(mapped, f"_{name_hash(name)}", rules)
    return mapped


def index_name(table: TableName, purpose: str, rules: NamingRules) -> str:
    """The name of a table's index: readable, hashed over namespace, table and purpose, within the byte limit.

    `purpose` is one of INDEX_PURPOSES; another is named as well, but not checked over the catalog.
    """
    hashed = name_hash(table.namespace, table.name, purpose)
    return _with_suffix(_cut(table.name, rules.max_bytes // 2) + f"_{purpose}", f"_{hashed}", rules)


def name_hash(*parts: str | None) -> str:
    """HASH_DIGITS hexadecimal digits of SHA-256 over the UTF-8 of the parts, each after its length."""
    digest = sha256()
    for part in parts:
        encoded = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"-" if part is None else b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()[:HASH_DIGITS]


class _Space:
    """The names already taken by tables and indexes, over all namespaces."""

    def __init__(self, rules: NamingRules) -> None:
        self._rules = rules
        self._taken: set[TableName] = set()

    def claim_table(self, table: TableName) -> bool:
        """Take the names of a table and of its indexes; False, and none taken, when one is not free."""
        indexes = [index_name(table, purpose, self._rules) for purpose in INDEX_PURPOSES]
        names = [table.name, *indexes]
        space = self._rules.comparable(table.namespace)
        wanted = {TableName(space, self._rules.comparable(name)) for name in names}
        if len(wanted) < len(names) or wanted & self._taken or any(map(self._rules.reserves, names)):
            return False
        self._taken |= wanted
        return True


def _final_table(stream: StreamName, namespace: str, space: _Space, rules: NamingRules) -> TableName:
    mapped = physical_name(stream.name, rules)
    suffix = f"_{name_hash(stream.namespace, stream.name)}"
    for name in (mapped, _with_suffix(mapped, suffix, rules)):
        if space.claim_table(TableName(namespace, name)):
            return TableName(namespace, name)
    raise _conflict(f"the table of stream {stream}")


def _temp_name(stream: StreamName, rules: NamingRules) -> str:
    suffix = f"{TEMP_MARK}{name_hash(stream.namespace, stream.name)}"
    return _with_suffix(physical_name(stream.name, rules), suffix, rules)


def _precedence(stream: StreamName, namespace: str, rules: NamingRules) -> tuple[bool, bool, bool, str, str]:
    """The order in which streams choose their tables; see rule 2 of the module."""
    renamed = physical_name(stream.name, rules) != stream.name
    moved = namespace != stream.namespace
    return renamed, moved, stream.namespace is None, stream.namespace or "", stream.name


def _columns(stream: StreamName, declared: tuple[Field, ...], rules: NamingRules) -> tuple[Column, ...]:
    taken = {rules.comparable(name) for name in METADATA_COLUMNS}
    chosen: dict[str, str] = {}
    mapped = {each.name: physical_name(each.name, rules) for each in declared}
    for name in sorted(mapped, key=lambda name: (mapped[name] != name, name)):
        suffixed = _with_suffix(mapped[name], f"_{name_hash(name)}", rules)
        free = [each for each in (mapped[name], suffixed) if rules.comparable(each) not in taken]
        if not free:
            raise _conflict(f'the column of field "{name}" of stream {stream}')
        chosen[name] = free[0]
        taken.add(rules.comparable(free[0]))
    return tuple(Column(chosen[each.name], each.name, each.type) for each in declared)


def _refuse_duplicates(streams: list[StreamName]) -> None:
    twice = sorted(str(stream) for stream, times in Counter(streams).items() if times > 1)
    if twice:
        raise ConfigError(
            f"Some streams appear more than once in the catalog: {', '.join(twice)}.",
            doing="naming the tables",
            remedy="Select each stream once.",
        )


def _conflict(what: str) -> ConfigError:
    return ConfigError(
        f"No free name was found for {what}: it is taken or reserved, with and without a hash.",
        doing="naming the tables",
        remedy="Rename or deselect it, or give the connection a prefix.",
    )


def _plain(name: str) -> str:
    unaccented = (char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return _replace(unaccented, PLAIN.__contains__)


def _storable(name: str) -> str:
    # A lone surrogate has no UTF-8, and no database takes U+0000 in a name.
    return _replace(name, lambda char: char != "\0" and not "\ud800" <= char <= "\udfff")


def _replace(chars: Iterable[str], keep: Callable[[str], bool]) -> str:
    return "".join(char if keep(char) else "_" for char in chars)


def _with_suffix(name: str, suffix: str, rules: NamingRules) -> str:
    return _cut(name, rules.max_bytes - len(suffix.encode())) + suffix


def _cut(name: str, limit: int) -> str:
    """The longest beginning of at most `limit` bytes that ends between two characters."""
    return name.encode()[:limit].decode("utf-8", "ignore")
