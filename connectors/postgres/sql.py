"""The statements of the Postgres destination: composed here, executed elsewhere. Values are always parameters.

Names are always quoted, and every column is written with its table's alias, so that no name of a user's can
meet one of ours. Statements with parameters hold no names that were found in a database. Longer than most modules:
all that the server is told of tables is here.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from attrs import frozen
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from connectors.contract import Recipe
from connectors.postgres.columns import METADATA_TYPES, PostgresColumns, conversion
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.names import index_name
from dataflow.types import (
    CDC_DELETED_AT,
    CDC_POSITIONS,
    EXTRACTED_AT,
    METADATA_COLUMNS,
    RAW_ID,
    Column,
    Kind,
    TableName,
)

KEY_INDEX = "primary_key"

# In merges: the table that rows come from, its latest row of each key, the table they go to, and what is there.
SOURCE, LATEST, TARGET, NEWER = (Identifier(name) for name in ("source", "latest", "target", "newer"))


@frozen(kw_only=True)
class PostgresSql:
    """Composes the statements for one configured destination. `deletes`: a CDC deletion removes the row."""

    columns: PostgresColumns
    deletes: bool = True
    drop_cascade: bool = False

    # -- schemas and tables

    def namespace_exists(self) -> Composed:
        """Whether there is a schema named by the parameter `namespace`."""
        return SQL("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {})").format(
            Placeholder("namespace")
        )

    def create_namespace(self, namespace: str) -> Composed:
        """Make a schema that is not there."""
        return SQL("CREATE SCHEMA {}").format(Identifier(namespace))

    def table_exists(self) -> Composed:
        """Whether there is a table, plain or partitioned, of the parameters `namespace` and `name`."""
        return SQL("SELECT EXISTS (SELECT FROM {} AND pg_class.relkind IN ('r', 'p'))").format(_THE_TABLE)

    def table_is_empty(self, table: TableName) -> Composed:
        """Whether a table holds no row."""
        return SQL("SELECT NOT EXISTS (SELECT FROM {})").format(_table(table))

    def count_rows(self, table: TableName) -> Composed:
        """How many rows a table holds."""
        return SQL("SELECT count(*) FROM {}").format(_table(table))

    def create_table(self, table: TableName, columns: Sequence[Column]) -> Composed:
        """A table with the metadata columns, then the user's."""
        ours = [_definition(*each) for each in METADATA_TYPES.items()]
        theirs = [_definition(each.name, self.columns.column_type(each.kind)) for each in columns]
        return SQL("CREATE TABLE {} ({})").format(_table(table), _list([*ours, *theirs]))

    def drop_table(self, table: TableName) -> Composed:
        """Drop a table that may be missing."""
        return SQL("DROP TABLE IF EXISTS {}{}").format(_table(table), self._cascade)

    def trim_table(self, table: TableName, *, everything: bool) -> Composed:
        """Delete the rows whose raw id is above the parameter `after`, or all of them."""
        if everything:
            return SQL("DELETE FROM {}").format(_table(table))
        return SQL("DELETE FROM {} WHERE {} > {}::uuid").format(
            _table(table), Identifier(RAW_ID), Placeholder("after")
        )

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Composed:
        """Append all of the source's rows."""
        names = _list(map(Identifier, _all_names(columns)))
        return SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            _table(target), names, names, _table(source)
        )

    def copy_in(self, table: TableName, names: Sequence[str]) -> Composed:
        """Take rows of these columns in the binary format; the others get their defaults."""
        return SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            _table(table), _list(map(Identifier, names))
        )

    def set_default(self, table: TableName, name: str, value: str) -> Composed:
        """Let a column's value be this one where none is given. A definition takes no parameters."""
        return SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
            _table(table), Identifier(name), Literal(value)
        )

    def has_default(self) -> Composed:
        """Whether the jsonb column `column` of `namespace`.`name` has the default `value`, parameters all."""
        return SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attrdef "
            "JOIN pg_catalog.pg_attribute ON attrelid = adrelid AND attnum = adnum "
            "JOIN pg_catalog.pg_class ON pg_class.oid = adrelid "
            "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = {} AND relname = {} AND attname = {} "
            "AND pg_get_expr(adbin, adrelid) = quote_literal({}::jsonb::text) || '::jsonb')"
        ).format(*map(Placeholder, ("namespace", "name", "column", "value")))

    def overwrite_table(self, source: TableName, target: TableName) -> tuple[Composed, ...]:
        """Put the source in the target's place, in one transaction.

        The index goes along under the target's name, or the next temp table would find its own name taken.
        """
        moved = TableName(target.namespace, source.name)
        move = SQL("ALTER TABLE {} SET SCHEMA {}").format(_table(source), Identifier(target.namespace))
        old, new = (index_name(each, KEY_INDEX, self.columns.naming) for each in (source, target))
        return (
            self.drop_table(target),
            *([move] if source.namespace != target.namespace else []),
            SQL("ALTER TABLE {} RENAME TO {}").format(_table(moved), Identifier(target.name)),
            SQL("ALTER INDEX IF EXISTS {} RENAME TO {}").format(
                Identifier(target.namespace, old), Identifier(new)
            ),
        )

    # -- merging

    def analyze(self, table: TableName, columns: Sequence[str]) -> Composed:
        """Let the planner know how the values of some columns are distributed."""
        return SQL("ANALYZE {} ({})").format(_table(table), _list(map(Identifier, columns)))

    def never_analyzed(self) -> Composed:
        """Whether the planner knows nothing of the values in the table of the parameters `namespace` and `name`."""
        return SQL(
            "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stats WHERE schemaname = {} AND tablename = {})"
        ).format(Placeholder("namespace"), Placeholder("name"))

    def key_indexes(self) -> Composed:
        """The indexes of the table of the parameters `namespace` and `name`: name, and columns in order.

        Only those that a look-up by equality can use: valid, of the whole table, of plain columns.
        """
        return SQL(
            "SELECT index_class.relname, array("
            "SELECT attname::text FROM unnest(pg_index.indkey) WITH ORDINALITY AS key (attnum, position) "
            "JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = key.attnum "
            "WHERE key.position <= pg_index.indnkeyatts ORDER BY key.position) "
            "FROM pg_catalog.pg_index "
            "JOIN pg_catalog.pg_class AS index_class ON index_class.oid = pg_index.indexrelid "
            "JOIN pg_catalog.pg_am ON pg_am.oid = index_class.relam "
            "WHERE pg_index.indrelid = (SELECT pg_class.oid FROM {}) AND pg_am.amname = 'btree' "
            "AND pg_index.indisvalid AND pg_index.indpred IS NULL AND pg_index.indexprs IS NULL"
        ).format(_THE_TABLE)

    def create_key_index(self, table: TableName, primary_key: Sequence[str]) -> Composed:
        """The index that merges look rows up by. Not unique: the table's rows are what they are."""
        return SQL("CREATE INDEX {} ON {} ({})").format(
            Identifier(index_name(table, KEY_INDEX, self.columns.naming)),
            _table(table),
            _list(map(Identifier, primary_key)),
        )

    def drop_key_index(self, table: TableName) -> Composed:
        """Drop that index."""
        name = index_name(table, KEY_INDEX, self.columns.naming)
        return SQL("DROP INDEX IF EXISTS {}").format(Identifier(table.namespace, name))

    def null_keys(self, source: TableName, recipe: Recipe) -> Composed:
        """Which columns of the key are null in rows where some are: one row of booleans for each combination."""
        tests = [SQL("{} IS NULL").format(_of(SOURCE, name)) for name in recipe.primary_key]
        return SQL("SELECT DISTINCT {} FROM {} AS {} WHERE {}").format(
            _list(tests), _table(source), SOURCE, SQL(" OR ").join(tests)
        )

    def merge(
        self, source: TableName, target: TableName, recipe: Recipe, nulls: frozenset[str]
    ) -> tuple[Composed, Composed]:
        """Bring the source's latest row of each key into the target, of the keys that are null in just `nulls`.

        Two statements, the first of which makes room, since the user may have a unique index on the key. Keys are
        compared by equality alone, which an index and a hash can serve; IS NOT DISTINCT FROM has neither.
        """
        parts = {
            "source": SOURCE,
            "target": TARGET,
            "latest": LATEST,
            "newer": NEWER,
            "source_table": _table(source),
            "target_table": _table(target),
        }
        replace = SQL(
            "DELETE FROM {target_table} AS {target} USING ({latest_rows}) AS {latest} WHERE {same_key} "
            "AND NOT EXISTS (SELECT FROM {target_table} AS {newer} WHERE {newer_key} AND {later})"
        ).format(
            **parts,
            latest_rows=_latest(source, recipe, nulls, _decisive(recipe)),
            same_key=_same_key(TARGET, LATEST, recipe, nulls),
            newer_key=_same_key(NEWER, LATEST, recipe, nulls),
            later=_later(NEWER, LATEST, recipe),
        )
        removal = self._deletion(recipe)
        names = _all_names(recipe.columns)
        # What is left of a key in the target is there because it is later.
        insert = SQL(
            "INSERT INTO {target_table} ({names}) SELECT {values} FROM {source_table} AS {source} "
            "JOIN ({latest_rows}) AS {latest} ON {latest}.ctid = {source}.ctid "
            "WHERE {kept}NOT EXISTS (SELECT FROM {target_table} AS {target} WHERE {same_key})"
        ).format(
            **parts,
            names=_list(map(Identifier, names)),
            values=_list(_of(SOURCE, name) for name in names),
            latest_rows=_latest(source, recipe, nulls, recipe.primary_key),
            kept=SQL("{} IS NULL AND ").format(_of(SOURCE, removal)) if removal else SQL(""),
            same_key=_same_key(TARGET, LATEST, recipe, nulls),
        )
        return replace, insert

    def dedupe_table(self, table: TableName, recipe: Recipe) -> tuple[Composed, ...]:
        """Keep the latest row of each key, and none of a key whose latest row is a deletion."""
        superseded = SQL(
            "DELETE FROM {table} WHERE ctid IN (SELECT ranked.row FROM ("
            "SELECT {source}.ctid, row_number() OVER (PARTITION BY {key} ORDER BY {order}) "
            'FROM {table} AS {source}) AS ranked ("row", "rank") WHERE ranked.rank > 1)'
        ).format(
            table=_table(table),
            source=SOURCE,
            key=_list(_sorted_as(SOURCE, each) for each in _key(recipe)),
            order=_latest_first(SOURCE, recipe),
        )
        removal = self._deletion(recipe)
        if removal is None:
            return (superseded,)
        deleted = SQL("DELETE FROM {} WHERE {} IS NOT NULL").format(_table(table), Identifier(removal))
        return superseded, deleted

    def _deletion(self, recipe: Recipe) -> str | None:
        """The column whose value says that the row is deleted, if that removes it here."""
        return _by_field(recipe).get(CDC_DELETED_AT) if self.deletes else None

    # -- evolution

    def discover_schema(self) -> Composed:
        """The columns of the table of the parameters `namespace` and `name`: name, type, nullable."""
        return SQL(
            "SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod), NOT attnotnull "
            "FROM pg_catalog.pg_attribute WHERE attrelid = (SELECT pg_class.oid FROM {}) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ).format(_THE_TABLE)

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> Composed:
        """All changes in one statement, so that the table is written anew at most once."""
        actions = [
            *(SQL("ADD COLUMN {}").format(_definition(*each)) for each in changeset.add.items()),
            *(SQL("DROP COLUMN {}{}").format(Identifier(each), self._cascade) for each in changeset.drop),
            *(action for each in changeset.change.items() for action in _change(*each)),
        ]
        return SQL("ALTER TABLE {} {}").format(_table(table), _list(actions))

    @property
    def _cascade(self) -> Composable:
        return SQL(" CASCADE") if self.drop_cascade else SQL("")


_THE_TABLE = SQL(
    "pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace "
    "WHERE pg_namespace.nspname = {} AND pg_class.relname = {}"
).format(Placeholder("namespace"), Placeholder("name"))


def lock_key(table: TableName) -> int:
    """The number of a table's advisory lock: 64 bits, signed, of a hash of its name."""
    digest = sha256(f"{len(table.namespace)}:{table.namespace}.{table.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_HOLDER = SQL(
    "SELECT pg_stat_activity.pid, application_name, backend_start, "
    "extract(epoch FROM clock_timestamp() - state_change)::float8 "
    "FROM pg_catalog.pg_stat_activity JOIN pg_catalog.pg_locks USING (pid)"
)


def lock_holder() -> Composed:
    """Who holds the advisory lock of the parameter `key`: process, name, since when, silent for how many seconds."""
    return SQL(
        "{} WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = {} "
        "AND pg_locks.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    ).format(_HOLDER, Placeholder("key"))


def entry_holder(ledger: TableName) -> Composed:
    """Who has locked or changed the ledger's entry of the table of the parameters `namespace` and `name`.

    A row's xmax is the transaction that did so last; while that runs, it holds the lock on its own number.
    """
    return SQL(
        "{} JOIN {} AS entry ON entry.xmax = pg_locks.transactionid "
        "WHERE granted AND mode = 'ExclusiveLock' AND final_namespace = {} AND final_name = {}"
    ).format(_HOLDER, _table(ledger), Placeholder("namespace"), Placeholder("name"))


def merge_columns(recipe: Recipe) -> tuple[str, ...]:
    """The columns that a merge compares."""
    return tuple(_decisive(recipe))


def _table(name: TableName) -> Identifier:
    return Identifier(name.namespace, name.name)


def _of(alias: Identifier, column: str) -> Composed:
    return SQL("{}.{}").format(alias, Identifier(column))


def _list(parts: Iterable[Composable]) -> Composed:
    return SQL(", ").join(parts)


def _all_names(columns: Sequence[Column]) -> list[str]:
    return [*METADATA_COLUMNS, *(each.name for each in columns)]


def _definition(name: str, kind: ColumnType) -> Composed:
    # A type is one of this connector's own spellings, never a user's text.
    nullable = SQL("") if kind.nullable else SQL(" NOT NULL")
    return SQL("{} {}{}").format(Identifier(name), _type(kind), nullable)


def _type(kind: ColumnType) -> SQL:
    return SQL(kind.type)


# -- which row is the latest


def _by_field(recipe: Recipe) -> Mapping[str, str]:
    return {each.field: each.name for each in recipe.columns}


def _key(recipe: Recipe) -> list[Column]:
    by_name = {each.name: each for each in recipe.columns}
    return [by_name[name] for name in recipe.primary_key]


def _nullable_order(recipe: Recipe) -> list[Column]:
    """The cursor, then the CDC positions: what may be null, and is then the oldest."""
    by_name = {each.name: each for each in recipe.columns}
    by_field = _by_field(recipe)
    positions = [by_field[field] for field in CDC_POSITIONS if field in by_field]
    cursor = [] if recipe.cursor is None else [recipe.cursor]
    return [by_name[name] for name in dict.fromkeys([*cursor, *positions])]


def _decisive(recipe: Recipe) -> list[str]:
    """The columns that choose the winner, each once."""
    order = (each.name for each in _nullable_order(recipe))
    return list(dict.fromkeys([*recipe.primary_key, *order, EXTRACTED_AT, RAW_ID]))


def _latest(source: TableName, recipe: Recipe, nulls: frozenset[str], names: Sequence[str]) -> Composed:
    """The latest row of each key: where it is, and some of its columns. Narrow, since it is sorted."""
    return SQL(
        "SELECT DISTINCT ON ({key}) {source}.ctid, {names} FROM {table} AS {source} "
        "WHERE {nulls} ORDER BY {key}, {order}"
    ).format(
        source=SOURCE,
        key=_list(_sorted_as(SOURCE, each) for each in _key(recipe)),
        names=_list(_of(SOURCE, name) for name in names),
        table=_table(source),
        nulls=_nulls_are(SOURCE, recipe, nulls),
        order=_latest_first(SOURCE, recipe),
    )


def _sorted_as(alias: Identifier, column: Column) -> Composed:
    # By code point: the same order in every database, and sorted several times faster than a language's.
    collation = SQL(' COLLATE "C"') if column.kind is Kind.STRING else SQL("")
    return SQL("{}{}").format(_of(alias, column.name), collation)


def _latest_first(alias: Identifier, recipe: Recipe) -> Composed:
    nullable = (SQL("{} DESC NULLS LAST").format(_sorted_as(alias, each)) for each in _nullable_order(recipe))
    given = (SQL("{} DESC").format(_of(alias, name)) for name in (EXTRACTED_AT, RAW_ID))
    return _list([*nullable, *given])


def _later(one: Identifier, other: Identifier, recipe: Recipe) -> Composed:
    """Whether `one` comes before `other` in the order above, strictly."""
    given = [_list(_of(each, name) for name in (EXTRACTED_AT, RAW_ID)) for each in (one, other)]
    later = SQL("({}) > ({})").format(*given)
    for column in reversed(_nullable_order(recipe)):
        later = SQL(
            "({one} > {other} OR {other} IS NULL AND {one} IS NOT NULL "
            "OR {one} IS NOT DISTINCT FROM {other} AND {later})"
        ).format(one=_sorted_as(one, column), other=_sorted_as(other, column), later=later)
    return later


def _nulls_are(alias: Identifier, recipe: Recipe, nulls: frozenset[str]) -> Composed:
    return SQL(" AND ").join(
        SQL("{} IS NULL" if name in nulls else "{} IS NOT NULL").format(_of(alias, name))
        for name in recipe.primary_key
    )


def _same_key(one: Identifier, other: Identifier, recipe: Recipe, nulls: frozenset[str]) -> Composed:
    return SQL(" AND ").join(
        SQL("{} IS NULL").format(_of(one, name))
        if name in nulls
        else SQL("{} = {}").format(_of(one, name), _of(other, name))
        for name in recipe.primary_key
    )


# -- changing a type


def _change(name: str, change: ColumnTypeChange) -> list[Composed]:
    column = Identifier(name)
    actions = []
    if change.original.nullable != change.new.nullable:
        verb = SQL("DROP" if change.new.nullable else "SET")
        actions.append(SQL("ALTER COLUMN {} {} NOT NULL").format(column, verb))
    if change.original.type != change.new.type:
        using = conversion(column, change.original.type, change.new.type)
        actions.append(SQL("ALTER COLUMN {} TYPE {}{}").format(column, _type(change.new), using))
    return actions
