"""What MySQL and MariaDB word differently from other databases. Pure: sends nothing."""

from collections.abc import Sequence

from attrs import evolve, frozen

from connectors.contract import Recipe
from connectors.mysql.columns import MYSQL, SPELLED, UNSPELLED
from connectors.sql.dialect import Dialect
from connectors.sql.statements import KEY_INDEX, Statements, T, of
from connectors.sql.text import Name, Param, Sql, Type, Value, join, listed, names, sql
from dataflow.evolution import ColumnType
from dataflow.types import ADDED_LATER, META, RAW_ID, Column, Kind, TableName

# The collations by which two texts are equal only if they are the same.
MARIADB_EXACT, MYSQL_EXACT = "utf8mb4_nopad_bin", "utf8mb4_0900_bin"
# What ends a field and a row of a load, and what escapes. Texts seldom have them, and JSON never, so that next to none
# has to be rewritten.
FIELD_END, ROW_END, ESCAPE = "\x1f", "\x1e", "\x1d"

# As many rows as there can be.
EVERY_ROW = 2**64 - 1


@frozen(kw_only=True)
class MysqlStatements(Statements):
    """Overrides tables' making, their columns' types and what JSON is searched by. `collation` is the server's exact
    one.
    """

    dialect: Dialect = MYSQL
    collation: str = MARIADB_EXACT

    def create_table(
        self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> Sequence[Sql]:
        types = {column.name: self.dialect.column_type(column.kind) for column in columns}
        definitions = [
            self.dialect.definition(*each) for each in {**self.dialect.metadata_types, **types}.items()
        ]
        statement = sql(
            # Raw ids only grow, so rows are appended; cuts and merges find them by it.
            "CREATE TABLE {} ({}, PRIMARY KEY ({})){} DEFAULT CHARACTER SET utf8mb4 COLLATE {}",
            self.table(table),
            listed(definitions),
            Name(RAW_ID),
            self.dialect.table_options,
            Type(self.collation),
        )
        return (statement, *self.index_on_key(table, {name: types[name].type for name in primary_key}))

    def rename_tables(self, *renames: tuple[TableName, TableName]) -> Sql:
        """Give tables other names, all at one moment."""
        each = (sql("{} TO {}", self.table(old), self.table(new)) for old, new in renames)
        return sql("RENAME TABLE {}", listed(each))

    def find_columns(self) -> Sql:
        return sql(
            "SELECT column_name, concat(CASE column_type WHEN 'bigint(20)' THEN 'bigint' ELSE column_type END, "
            # A character set that does not hold every character is one to change.
            "CASE WHEN collation_name IN ({}) OR character_set_name <> 'utf8mb4' "
            "THEN concat(' CHARACTER SET ', character_set_name, ' COLLATE ', collation_name) ELSE '' END, "
            "CASE WHEN data_type = 'datetime' AND column_comment = 'UTC' THEN {} ELSE '' END), "
            "is_nullable = 'YES' FROM information_schema.columns "
            "WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position",
            listed(map(Value, SPELLED)),
            Value(" COMMENT 'UTC'"),
            Param("namespace"),
            Param("name"),
        )

    def add_column(self, table: TableName, name: str, kind: ColumnType) -> Sql:
        return sql("ALTER TABLE {} ADD COLUMN {}", self.table(table), self._definition(name, kind))

    def find_engine(self) -> Sql:
        """The storage engine of a table, and nothing if there is none."""
        return sql(
            "SELECT engine FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )

    def change_engine(self, table: TableName) -> Sql:
        """Have a table kept by the engine that ours are kept by."""
        return sql("ALTER TABLE {}{}", self.table(table), self.dialect.table_options)

    def find_key_index(self) -> Sql:
        """The columns of the index by which merges look rows up, in their order."""
        return sql(
            "SELECT column_name FROM information_schema.statistics WHERE index_name = {} "
            "AND table_schema = {} AND table_name = {} ORDER BY seq_in_index",
            Value(KEY_INDEX),
            Param("namespace"),
            Param("name"),
        )

    def count_indexes(self) -> Sql:
        """One row: how many indexes the table has, the primary key among them."""
        return sql(
            "SELECT count(DISTINCT index_name) FROM information_schema.statistics "
            "WHERE table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )

    def drop_key_index(self, table: TableName) -> Sql:
        """Remove that index."""
        return sql("DROP INDEX {} ON {}", Name(KEY_INDEX), self.table(table))

    def find_size(self) -> Sql:
        """One row: about how many rows the table holds, and its bytes on disk."""
        return sql(
            "SELECT table_rows, data_length + index_length FROM information_schema.tables "
            "WHERE table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )

    def find_dependents(self) -> Sql:
        """What would go, or stay with the old table, when another takes the table's place: kind and name."""
        return sql(
            "SELECT 'trigger', trigger_name FROM information_schema.triggers "
            "WHERE event_object_schema = {namespace} AND event_object_table = {name} UNION ALL "
            "SELECT DISTINCT 'foreign key', concat(table_schema, '.', table_name, '.', constraint_name) "
            "FROM information_schema.key_column_usage "
            "WHERE referenced_table_schema = {namespace} AND referenced_table_name = {name} UNION ALL "
            "SELECT 'foreign key', constraint_name FROM information_schema.table_constraints "
            "WHERE constraint_type = 'FOREIGN KEY' AND table_schema = {namespace} AND table_name = {name} "
            "ORDER BY 1, 2",
            namespace=Param("namespace"),
            name=Param("name"),
        )

    def of_one_key(self, recipe: Recipe, alias: Name) -> Sql:
        """With a hash of each text. MariaDB parts the rows of a window by a text's first bytes (max_sort_length)."""
        kinds = {column.name: column.kind for column in recipe.columns}
        texts = [name for name in recipe.primary_key if kinds.get(name) in (Kind.STRING, Kind.JSON)]
        hashes = (sql("sha2({}, 256)", of(alias, name)) for name in texts)
        return join(", ", [super().of_one_key(recipe, alias), *hashes])

    def delete_rows_of(self, table: TableName, found: Sql) -> Sql:
        """By a join: a DELETE with IN reads the whole table, however few rows it is to remove. In the rows' order."""
        name, gone = self.table(table), Name("_airbyte_gone")
        return sql(
            "DELETE {} FROM ({}) AS {} STRAIGHT_JOIN {} ON {} = {}",
            name,
            in_order(found, Name("r")),
            gone,
            name,
            self.row_id(name),
            of(gone, "r"),
        )

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        changed = sql("json_extract({}, '$.changes[*].field')", of(T, META))
        return sql(
            "SELECT EXISTS (SELECT 1 FROM {} AS t WHERE {} IS NULL AND ({} OR {}))",
            self.table(table),
            of(T, column.name),
            sql("coalesce(json_contains({}, json_quote({})), 0)", changed, Param("field")),
            sql("coalesce(json_contains({}, json_quote({})), 0)", changed, Param("column")),
        )

    def add_metadata(self, table: TableName, name: str) -> Sequence[Sql]:
        return (
            sql(
                # MySQL takes a long text's default in parentheses only.
                "ALTER TABLE {} ADD COLUMN {} DEFAULT ({})",
                self.table(table),
                self.dialect.definition(name, self.dialect.metadata_types[name]),
                Value(ADDED_LATER[name]),
            ),
        )

    def take_name(self, table: TableName, changing: str, name: str, kind: ColumnType) -> Sequence[Sql]:
        """In one statement: no crash leaves a table without the column."""
        return (
            sql(
                "ALTER TABLE {} DROP COLUMN {}, CHANGE COLUMN {} {}",
                self.table(table),
                Name(name),
                Name(changing),
                self._definition(name, kind),
            ),
        )

    def load(self, table: TableName, columns: Sequence[str]) -> Sql:
        """Append the rows that the client sends, in the format that `buffer` makes."""
        return sql(
            "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY {} ESCAPED BY {} LINES TERMINATED BY {} ({})",
            self.table(table),
            *map(_octet, (FIELD_END, ESCAPE, ROW_END)),
            names(columns),
        )

    def _definition(self, name: str, kind: ColumnType) -> Sql:
        """A column of a table that may have another collation by default than ours."""
        if kind.type not in UNSPELLED:
            return self.dialect.definition(name, kind)
        spelled = f"{kind.type} CHARACTER SET utf8mb4 COLLATE {self.collation}"
        return self.dialect.definition(name, evolve(kind, type=spelled))


def in_order(query: Sql, column: Name) -> Sql:
    """A query of a FROM clause, in the order of a column. Without LIMIT its rows would lose their order there."""
    return sql("{} ORDER BY {} LIMIT {}", query, column, Value(EVERY_ROW))


def _octet(character: str) -> Sql:
    """A character that would not be seen in a statement, by its number."""
    return Sql((f"x'{ord(character):02x}'",))
