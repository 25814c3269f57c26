"""The statements that make, move, fill and index tables: composed here, executed elsewhere. Values are parameters.

Names are always quoted. Statements with parameters hold no names that were found in a database. What rows mean to
each other is `merging`, how columns change is `evolution`, how a table is replaced is `swap`.
"""

from collections.abc import Sequence

from attrs import frozen
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from connectors.postgres.columns import METADATA_TYPES, PostgresColumns
from connectors.postgres.quoting import all_names, definition, listed, names, table_name, type_name
from dataflow.names import index_name
from dataflow.types import ADDED_LATER, META, RAW_ID, Column, TableName

KEY_INDEX = "primary_key"


@frozen(kw_only=True)
class PostgresSql:
    """Composes the statements for one configured destination. `deletes`: a CDC deletion removes the row."""

    columns: PostgresColumns
    deletes: bool = True
    drop_cascade: bool = False

    def create_namespace(self, namespace: str) -> Composed:
        """Make a schema that is not there."""
        return SQL("CREATE SCHEMA {}").format(Identifier(namespace))

    def table_is_empty(self, table: TableName) -> Composed:
        """Whether a table holds no row."""
        return SQL("SELECT NOT EXISTS (SELECT FROM {})").format(table_name(table))

    def count_rows(self, table: TableName) -> Composed:
        """How many rows a table holds."""
        return SQL("SELECT pg_catalog.count(*) FROM {}").format(table_name(table))

    def has_lost_value(self, table: TableName, column: Column) -> Composed:
        """Whether a row has null in the column and notes a change of the parameters `field` or `column`."""
        meta = Identifier(META)
        return SQL(
            "SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL AND EXISTS (SELECT FROM pg_catalog.jsonb_array_elements("
            "CASE WHEN pg_catalog.jsonb_typeof({} -> 'changes') = 'array' THEN {} -> 'changes' ELSE '[]'::jsonb END) "
            "AS change WHERE change ->> 'field' IN ({}, {})))"
        ).format(
            table_name(table),
            Identifier(column.name),
            meta,
            meta,
            Placeholder("field"),
            Placeholder("column"),
        )

    def create_table(self, table: TableName, columns: Sequence[Column]) -> Composed:
        """A table with the metadata columns, then the user's."""
        ours = [definition(*each) for each in METADATA_TYPES.items()]
        theirs = [definition(each.name, self.columns.column_type(each.kind)) for each in columns]
        return SQL("CREATE TABLE {} ({})").format(table_name(table), listed([*ours, *theirs]))

    def add_metadata(self, table: TableName, missing: Sequence[str]) -> tuple[Composed, ...]:
        """Add metadata columns that an old table does not have, without rewriting its rows."""
        add = (
            SQL("ADD COLUMN {} DEFAULT {}").format(
                definition(name, METADATA_TYPES[name]), Literal(ADDED_LATER[name])
            )
            for name in missing
        )
        forget = (SQL("ALTER COLUMN {} DROP DEFAULT").format(Identifier(name)) for name in missing)
        return tuple(
            SQL("ALTER TABLE {} {}").format(table_name(table), listed(each)) for each in (add, forget)
        )

    def drop_table(self, table: TableName) -> Composed:
        """Drop a table that may be missing."""
        return SQL("DROP TABLE IF EXISTS {}{}").format(table_name(table), self.cascade)

    def drop_view(self, kind: str, view: TableName) -> Composed:
        """Drop a view of a kind, and what shows it; another's drop may have taken it along."""
        return SQL("DROP {} IF EXISTS {} CASCADE").format(SQL(kind), table_name(view))

    def trim_table(self, table: TableName, *, everything: bool) -> Composed:
        """Delete the rows whose raw id is above the parameter `after`, or all of them."""
        if everything:
            return SQL("DELETE FROM {}").format(table_name(table))
        return SQL("DELETE FROM {} WHERE {} > {}::uuid").format(
            table_name(table), Identifier(RAW_ID), Placeholder("after")
        )

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Composed:
        """Append all of the source's rows."""
        given = names(all_names(columns))
        return SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            table_name(target), given, given, table_name(source)
        )

    def identify_by_row(self, table: TableName) -> Composed:
        """Let a publication identify a deleted row by all of its values."""
        return SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(table_name(table))

    def copy_in(self, table: TableName, given: Sequence[str]) -> Composed:
        """Take rows of these columns in the binary format; the others get their defaults."""
        return SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table_name(table), names(given))

    def set_default(self, table: TableName, name: str, value: str) -> Composed:
        """Let a column's value be this one where none is given. A definition takes no parameters."""
        return SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
            table_name(table), Identifier(name), Literal(value)
        )

    def rename_table(self, source: TableName, target: TableName) -> tuple[Composed, ...]:
        """Give the source the target's name, which must be free.

        The index goes along under the target's name, or the next temp table would find its own name taken.
        """
        moved = TableName(target.namespace, source.name)
        move = SQL("ALTER TABLE {} SET SCHEMA {}").format(table_name(source), Identifier(target.namespace))
        old, new = (self.key_index(each) for each in (source, target))
        return (
            *([move] if source.namespace != target.namespace else []),
            SQL("ALTER TABLE {} RENAME TO {}").format(table_name(moved), Identifier(target.name)),
            SQL("ALTER INDEX IF EXISTS {} RENAME TO {}").format(
                Identifier(target.namespace, old), Identifier(new)
            ),
        )

    def analyze(self, table: TableName, columns: Sequence[str]) -> Composed:
        """Let the planner know how the values of some columns are distributed."""
        return SQL("ANALYZE {} ({})").format(table_name(table), names(columns))

    def only_look_up(self) -> tuple[Composed, ...]:
        """Until the transaction ends, let joins look rows up one by one."""
        return tuple(
            SQL("SET LOCAL {} = off").format(Identifier(join))
            for join in ("enable_hashjoin", "enable_mergejoin")
        )

    def key_index(self, table: TableName) -> str:
        """What the index on a table's key is called."""
        return index_name(table, KEY_INDEX, self.columns.naming)

    def create_key_index(self, table: TableName, primary_key: Sequence[str]) -> Composed:
        """The index that merges look rows up by. Not unique: the table's rows are what they are."""
        return SQL("CREATE INDEX {} ON {} ({})").format(
            Identifier(self.key_index(table)), table_name(table), names(primary_key)
        )

    def create_hash_index(self, table: TableName, column: str) -> Composed:
        """The same where keys are too long for that: a hash of one of its columns."""
        return SQL("CREATE INDEX {} ON {} USING hash ({})").format(
            Identifier(self.key_index(table)), table_name(table), Identifier(column)
        )

    def drop_key_index(self, table: TableName) -> Composed:
        """Drop that index."""
        return SQL("DROP INDEX IF EXISTS {}").format(Identifier(table.namespace, self.key_index(table)))

    @property
    def cascade(self) -> Composable:
        """What a DROP ends with."""
        return SQL(" CASCADE") if self.drop_cascade else SQL("")


def retype_metadata(table: TableName, columns: Sequence[str]) -> Composed:
    """Give metadata columns of another destination's the types they have here."""
    changes = (
        SQL("ALTER COLUMN {name} TYPE {type} USING {name}::text::{type}").format(
            name=Identifier(name), type=type_name(METADATA_TYPES[name])
        )
        for name in columns
    )
    return SQL("ALTER TABLE {} {}").format(table_name(table), listed(changes))
