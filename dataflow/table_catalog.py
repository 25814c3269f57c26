"""Decides which table and which columns each stream of a catalog has. Pure; asks no database, quotes nothing.

What a name means is remembered, and never derived from today's catalog alone. The rules, in order:

1. A stream keeps the table that it owns, and a field its column, whatever else the catalog holds.
2. A newcomer takes its mapped name if that is free: no other stream or field owns it, nothing of this catalog took
   it, it is not called as a temp table is, and it is no column that somebody else made. Otherwise it takes the name
   with a hash of its own original.
3. Which of several newcomers takes the plain name does not depend on the order of the catalog: first come names
   that the mapping leaves as they are, then the order of the names.
4. Final tables, temp tables and their indexes share one space per namespace, as they do in many databases, and are
   checked against each other before anything is written. A conflict that is left is a ConfigError.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from dataflow.adoption import adopted_tables, recognised_columns
from dataflow.errors import ConfigError
from dataflow.keys import stays
from dataflow.names import (
    INDEX_PURPOSES,
    TEMP_MARK,
    NamingRules,
    column_names,
    index_name,
    physical_name,
    table_names,
    temp_name,
)
from dataflow.stream_tables import NamedTables, OwnedColumn, OwnedTable, StreamTables, TableCatalog
from dataflow.types import METADATA_COLUMNS, Column, Field, StreamName, TableName, Widened


def table_catalog(
    streams: Iterable[tuple[StreamName, tuple[Field, ...]]], rules: NamingRules, default_namespace: str
) -> TableCatalog:
    """The tables of every stream where nothing is remembered, in the order given."""
    wanted = list(streams)
    named = name_tables([stream for stream, _ in wanted], rules, default_namespace)
    return {stream: with_columns(stream, declared, named[stream], rules) for stream, declared in wanted}


def name_tables(
    streams: Sequence[StreamName],
    rules: NamingRules,
    default_namespace: str,
    owned: Sequence[OwnedTable] = (),
) -> Mapping[StreamName, NamedTables]:
    """The tables of every stream. A stream without namespace goes to `default_namespace`.

    `owned` is all that the ledger remembers, also of streams that this catalog does not hold. A temp table's name
    depends on its stream's name alone, so that a later run finds what a crash left.

    Raises ConfigError when two streams have the same name, or when a conflict is left after all suffixes.
    """
    _refuse_duplicates(streams)
    namespaces = {stream: physical_name(stream.namespace or default_namespace, rules) for stream in streams}
    kept = {
        each.stream: each
        for each in owned
        if each.stream is not None
        and each.stream in namespaces
        and rules.comparable(namespaces[each.stream]) == rules.comparable(each.final.namespace)
    }
    adopted, failures = adopted_tables([s for s in streams if s not in kept], namespaces, rules, owned)
    kept |= adopted
    namespaces |= {stream: each.final.namespace for stream, each in kept.items()}
    temps = {stream: TableName(namespaces[stream], temp_name(stream, rules)) for stream in streams}
    space = _Space(rules)
    for each in owned:
        space.take(space.names(each.final))
    for stream, temp in temps.items():
        # Before any newcomer, since a temp name must not change with what else is in the catalog.
        if not space.claim_table(temp):
            raise _conflict(f"the temporary table of stream {stream}")
    finals = {stream: each.final for stream, each in kept.items()}
    for stream in sorted(temps, key=lambda stream: _precedence(stream, namespaces[stream], rules)):
        if stream not in finals:
            finals[stream] = _newcomers_table(stream, namespaces[stream], space, rules)
    return {
        stream: NamedTables(
            final=finals[stream], temp=temps[stream], owned=kept.get(stream), failure=failures.get(stream)
        )
        for stream in streams
    }


def with_columns(
    stream: StreamName,
    declared: Sequence[Field],
    tables: NamedTables,
    rules: NamingRules,
    found: Collection[str] = (),
) -> StreamTables:
    """The stream's tables with the columns of its declared fields.

    `found` are the names of the columns that its final table has now. It is needed where `unsettled` says so.
    """
    known = tables.owned.columns if tables.owned else ()
    if not known:
        # Nobody wrote down whose these columns are. Those of a temp table name their fields; what today's other fields
        # would be called is theirs.
        waiting = tables.owned.waiting if tables.owned else ()
        fields, names = {each.field for each in waiting}, {each.name for each in waiting}
        others = [each for each in declared if each.name not in fields]
        known = (
            *waiting,
            *recognised_columns(stream, others, [name for name in found if name not in names], rules),
        )
    by_field = {each.field: each for each in known}
    taken = {rules.comparable(each) for each in (*METADATA_COLUMNS, *found)}
    taken |= {rules.comparable(each.name) for each in known}
    newcomers = [each.name for each in declared if each.name not in by_field]
    for name in sorted(newcomers, key=lambda name: (physical_name(name, rules) != name, name)):
        chosen = next(
            (each for each in column_names(name, rules) if rules.comparable(each) not in taken), None
        )
        if chosen is None:
            raise _conflict(f'the column of field "{name}" of stream {stream}')
        taken.add(rules.comparable(chosen))
        by_field[name] = OwnedColumn(field=name, name=chosen)
    return StreamTables(
        stream=stream,
        final=tables.final,
        temp=tables.temp,
        columns=tuple(_column(each, by_field[each.name]) for each in declared),
        owned=tuple(by_field.values()),
    )


def unsettled(declared: Sequence[Field], tables: NamedTables) -> bool:
    """Whether the names of columns depend on what the final table has now: some field is new to the ledger."""
    known = {each.field for each in tables.owned.columns} if tables.owned else frozenset()
    return any(each.name not in known for each in declared)


def _column(declared: Field, owned: OwnedColumn) -> Column:
    """A column that was widened stays so, unless it would not hold what the field is declared as now."""
    kind = owned.widened
    if kind is None or kind is declared.type.kind or not stays(kind, declared.type.kind):
        return Column(owned.name, declared.name, declared.type)
    return Column(owned.name, declared.name, Widened(declared.type, kind))


class _Space:
    """The names already taken by tables and indexes, over all namespaces."""

    def __init__(self, rules: NamingRules) -> None:
        self._rules = rules
        self._taken: set[TableName] = set()

    def names(self, table: TableName) -> Sequence[TableName]:
        """The names of a table and of its indexes, as the destination compares them."""
        names = [table.name, *(index_name(table, purpose, self._rules) for purpose in INDEX_PURPOSES)]
        space = self._rules.comparable(table.namespace)
        return [TableName(space, self._rules.comparable(name)) for name in names]

    def take(self, names: Iterable[TableName]) -> None:
        """Nobody else may have these."""
        self._taken.update(names)

    def claim_table(self, table: TableName) -> bool:
        """Take the names of a table and of its indexes; False, and none taken, when one is not free."""
        wanted = self.names(table)
        distinct = set(wanted)
        reserved = any(self._rules.reserves(each.name) for each in wanted)
        if len(distinct) < len(wanted) or distinct & self._taken or reserved:
            return False
        self.take(distinct)
        return True


def _newcomers_table(stream: StreamName, namespace: str, space: _Space, rules: NamingRules) -> TableName:
    plain, hashed = table_names(stream, rules)
    # Another stream's temp table may come to have such a name, and a temp table's name never gives way.
    for name in (hashed,) if TEMP_MARK in rules.comparable(plain) else (plain, hashed):
        if space.claim_table(TableName(namespace, name)):
            return TableName(namespace, name)
    raise _conflict(f"the table of stream {stream}")


def _precedence(stream: StreamName, namespace: str, rules: NamingRules) -> tuple[bool, bool, bool, str, str]:
    """The order in which newcomers choose their tables; see rule 3 of the module."""
    renamed = physical_name(stream.name, rules) != stream.name
    moved = namespace != stream.namespace
    return renamed, moved, stream.namespace is None, stream.namespace or "", stream.name


def _refuse_duplicates(streams: Sequence[StreamName]) -> None:
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
