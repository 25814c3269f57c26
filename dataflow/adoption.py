"""Which stream or field owns a table or a column that an earlier version made without recording it.

Judges by names alone. If a name fits several owners, it chooses none of them and says so.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from attrs import evolve

from dataflow.errors import ConfigError
from dataflow.names import (
    NamingRules,
    column_names,
    comparable,
    table_names,
    temp_mark,
    temp_name,
)
from dataflow.stream_tables import OwnedColumn, OwnedTable
from dataflow.types import Field, StreamName, TableName

# Whatever has a name, and the name as the destination compares it.
N = TypeVar("N")
P = TypeVar("P")


def recognised_columns(
    stream: StreamName, declared: Sequence[Field], found: Collection[str], rules: NamingRules
) -> tuple[OwnedColumn, ...]:
    """The columns that are there and have the names of today's fields."""
    there = {rules.comparable(name): name for name in found}
    wanted: dict[str, tuple[str, str]] = {}
    for each in declared:
        plain, hashed = column_names(each.name, rules)
        wanted[each.name] = rules.comparable(plain), rules.comparable(hashed)
    known, undecided = _distinguished(wanted, there)
    for name, fields in undecided.items():
        raise _undecided(f"the column {there[name]} of stream {stream}", sorted(fields))
    return tuple(OwnedColumn(field=field, name=there[name]) for field, name in known.items())


def adopted_tables(
    streams: Sequence[StreamName],
    namespaces: Mapping[StreamName, str],
    rules: NamingRules,
    owned: Sequence[OwnedTable],
) -> tuple[Mapping[StreamName, OwnedTable], Mapping[StreamName, ConfigError]]:
    """The tables without a recorded owner, by the stream that each belongs to, as far as names show.

    The second answer says why streams that fit one table alike get none of it.
    """
    taken = {comparable(each.final, rules) for each in owned if each.stream is not None}
    nobodys: dict[TableName, list[OwnedTable]] = {}
    adopted: dict[StreamName, OwnedTable] = {}
    by_temp = {temp_mark(temp_name(stream, rules)): stream for stream in streams}
    for each in owned:
        if each.stream is not None or comparable(each.final, rules) in taken:
            continue
        if each.temp is not None:
            # Its temp table's name has a hash of the stream's. The final one's name fits others too.
            if owner := by_temp.get(temp_mark(each.temp.name)):
                adopted[owner] = evolve(each, stream=owner)
            continue
        # An earlier version may have made several entries of one table, by names that the destination takes for one.
        nobodys.setdefault(comparable(each.final, rules), []).append(each)
    wanted: dict[StreamName, tuple[TableName, TableName]] = {}
    for stream in streams:
        if stream not in adopted:
            plain, hashed = (TableName(namespaces[stream], name) for name in table_names(stream, rules))
            wanted[stream] = comparable(plain, rules), comparable(hashed, rules)
    known, undecided = _distinguished(wanted, nobodys)
    failures = {
        stream: _undecided(f"the table {nobodys[name][0].final}", sorted(map(str, alike)))
        for name, alike in undecided.items()
        for stream in alike
    }
    adopted |= {
        stream: evolve(_called(nobodys[name], table_names(stream, rules)), stream=stream)
        for stream, name in known.items()
    }
    return adopted, failures


def _called(tables: Sequence[OwnedTable], names: Collection[str]) -> OwnedTable:
    """The entry of one of these names; the first where there is none."""
    return next((each for each in tables if each.final.name in names), tables[0])


def _distinguished(
    wanted: Mapping[N, tuple[P, P]], found: Collection[P]
) -> tuple[Mapping[N, P], Mapping[P, Sequence[N]]]:
    """Which of the names that were found belongs to whom, where an earlier version did not write it down.

    `wanted` are the plain name and the one with a hash that each may have. A name with a hash is its owner's beyond
    doubt. A plain one belongs to the only one that is left for it; the second answer is those with several.
    """
    known = {owner: hashed for owner, (_, hashed) in wanted.items() if hashed in found}
    left: dict[P, list[N]] = {}
    for owner, (plain, _) in wanted.items():
        if owner not in known and plain in found:
            left.setdefault(plain, []).append(owner)
    known |= {owners[0]: plain for plain, owners in left.items() if len(owners) == 1}
    return known, {plain: owners for plain, owners in left.items() if len(owners) > 1}


def _undecided(what: str, owners: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"An earlier version made {what}, and its name fits each of {' and '.join(owners)}. There is no record of "
        "which of them its rows belong to.",
        doing="naming the tables",
        remedy="Run one sync with only the stream that it belongs to; from then on the ledger remembers it.",
    )
