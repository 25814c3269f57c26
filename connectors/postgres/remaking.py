"""A table that is made again because it has had as many columns as the server allows: it counts those that were
dropped.

Composes no statement but that of the new table. Refuses where something holds on to the old one.
"""

from collections.abc import Mapping

from connectors.postgres import swap
from connectors.postgres.columns import METADATA_TYPES, POSTGRES
from connectors.postgres.inspection import Tables
from connectors.postgres.quoting import table_name
from connectors.sql.text import Sql, listed, sql
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType
from dataflow.names import name_hash
from dataflow.types import METADATA_COLUMNS, TableName

# Columns that a table may ever have had.
MOST_COLUMNS = 1600


def place_of(table: TableName) -> TableName:
    """The name of the new table until it has the old one's name."""
    return TableName(table.namespace, f"_airbyte_remade_{name_hash(table.namespace, table.name)}")


def columns_of_all(columns: Mapping[str, ColumnType]) -> Mapping[str, ColumnType]:
    """With the metadata columns, which come first."""
    return {**METADATA_TYPES, **columns}


def create_anew(table: TableName, columns: Mapping[str, ColumnType]) -> Sql:
    """A table of the metadata columns and these."""
    definitions = (POSTGRES.definition(*each) for each in columns_of_all(columns).items())
    return sql("CREATE TABLE {} ({})", table_name(table), listed(definitions))


def remake(client: Tables, table: TableName, add: Mapping[str, ColumnType]) -> None:
    """Add columns by a new table in the old one's place, with its rows and with what is written on it."""
    holders = client.server.standing(table).holders
    if holders:
        raise ConfigError(
            f"The table {table} has had {MOST_COLUMNS} columns, including dropped ones, and the server allows no "
            f"more. It cannot be created again: {swap.named(holders)} would be lost.",
            remedy="Drop these objects, run the sync, and create them again; or refresh the stream.",
        )
    kept = client.discover_schema(table).columns
    new = place_of(table)
    client.drop_table(new)
    client.execute(create_anew(new, {**kept, **add}))
    client.execute(swap.refill(table, new, [*METADATA_COLUMNS, *kept]))
    statements = swap.hand_over(
        client.server.belongings(table),
        client.server.belongings(new),
        new,
        {*columns_of_all(kept), *add},
    )
    for statement in statements:
        client.execute(statement)
    client.drop_table(table)
    client.rename_table(new, table)


def without_additions(changeset: ColumnChangeset) -> ColumnChangeset:
    """What of a changeset takes no new column."""
    return ColumnChangeset(drop=changeset.drop, change=changeset.change)
