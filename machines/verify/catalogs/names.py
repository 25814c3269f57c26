"""What names mean, by the very functions that a sync runs: before its streams start, at a claim, once columns go."""

from collections.abc import Collection, Mapping

from dataflow.catalog import DestinationStream
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema, diff
from dataflow.names import NamingRules, comparable
from dataflow.ownership import Columns, alike, claimed, ours, without
from dataflow.stream_tables import OwnedTable, StreamTables
from dataflow.table_catalog import name_tables, unsettled, with_columns
from dataflow.types import Column, StreamName, TableName
from machines.verify.catalogs.database import Database

NAMESPACE = "shop"
_TYPE = ColumnType("text")

Catalog = tuple[DestinationStream, ...]


class Names:
    """The decisions about names. A fault bends one of them."""

    def owned(self, database: Database, catalog: Catalog) -> tuple[OwnedTable, ...]:
        """What the ledger says to a run that is about to name the tables of its catalog."""
        return database.owned

    def named(
        self, database: Database, catalog: Catalog, rules: NamingRules
    ) -> Mapping[StreamName, StreamTables]:
        """Each stream's tables and columns, as `connectors/engine/sync/naming.py` finds them. Raises ConfigError."""
        owned = self.owned(database, catalog)
        tables = name_tables([each.name for each in catalog], rules, NAMESPACE, owned)
        return {
            each.name: with_columns(
                each.name,
                each.fields,
                tables[each.name],
                rules,
                self.found(database, tables[each.name].final, rules)
                if unsettled(each.fields, tables[each.name])
                else (),
            )
            for each in catalog
        }

    def found(self, database: Database, final: TableName, rules: NamingRules) -> Collection[str]:
        """The columns that a final table has now."""
        table = database.table(comparable(final, rules))
        return table.columns if table is not None else ()

    def claimed(self, database: Database, named: StreamTables, rules: NamingRules) -> OwnedTable:
        """What is remembered once the stream has claimed its table. Raises TransientError."""
        remembered = next((each for each in database.owned if each.final == named.final), None)
        if remembered is not None:
            return claimed(remembered, named)
        others = alike(named.final, named.stream, database.owned, rules) if named.stream else ()
        return claimed(OwnedTable(final=named.final, stream=None), named, others)

    def without(self, remembered: Columns, dropped: Collection[str], wanted: tuple[Column, ...]) -> Columns:
        """What is remembered once columns were dropped."""
        return without(remembered, dropped, wanted)

    def change(
        self, actual: Collection[str], expected: Collection[str], remembered: Columns
    ) -> ColumnChangeset:
        """How a final table gets the columns that are expected."""
        return ours(difference(actual, expected), remembered)


def difference(actual: Collection[str], expected: Collection[str]) -> ColumnChangeset:
    """What must change for a table to have these columns, which are all of one type."""
    return diff(_schema(actual), _schema(expected))


def _schema(columns: Collection[str]) -> TableSchema:
    return TableSchema(dict.fromkeys(columns, _TYPE))
