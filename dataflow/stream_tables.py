"""The tables and columns of one stream, and what the ledger remembers of them: values. Chooses no name."""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

from dataflow.errors import ConfigError
from dataflow.types import Column, Kind, StreamName, TableName


@frozen(kw_only=True)
class OwnedColumn:
    """A column, and the field that it was made for. `widened`: the kind that its values needed, beyond the declared."""

    field: str
    name: str
    widened: Kind | None = None


@frozen(kw_only=True)
class OwnedTable:
    """A final table, the stream that owns it, and its columns, as the ledger remembers them.

    `stream` is None where a version made the entry that did not write it down; of its columns nothing is known then but
    `waiting`, those of its temp table, if it has one. `temp` is that table.
    """

    final: TableName
    stream: StreamName | None
    columns: tuple[OwnedColumn, ...] = ()
    temp: TableName | None = None
    waiting: tuple[OwnedColumn, ...] = ()


@frozen(kw_only=True)
class StreamTables:
    """The tables of one stream: its tables and its columns, in the order of its schema.

    `stream` is None when tables are repaired whose owner is unknown. `columns` leaves out the metadata columns.
    `temp` lies beside `final`, in the same namespace. `owned` are the columns that the ledger is to remember: these,
    and those of earlier schemas that may still be there.
    """

    stream: StreamName | None
    final: TableName
    temp: TableName
    columns: tuple[Column, ...]
    owned: tuple[OwnedColumn, ...] = field(default=(), repr=False)
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


@frozen(kw_only=True)
class NamedTables:
    """A stream's final and temp table. `owned` is what the ledger remembers of the final one, if it does.

    `failure` is why the final table can be given to nobody.
    """

    final: TableName
    temp: TableName
    owned: OwnedTable | None = None
    failure: ConfigError | None = None
