"""The statements that choose among rows of one key: which is the latest, and how it gets into a table. Pure.

Every column is written with its table's alias, so that no name of a user's can meet one of ours.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from connectors.contract import Recipe
from connectors.postgres.quoting import rows_of, table_name
from connectors.sql.deletion import says_alive, says_deleted
from connectors.sql.statements import all_names, of, qualified
from connectors.sql.text import NOTHING, Name, Part, Sql, join, listed, names, sql
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, EXTRACTED_AT, RAW_ID, Column, Kind, TableName

# The table that rows come from, its latest row of each key, the table they go to, and what is there.
SOURCE, LATEST, TARGET, NEWER = (Name(name) for name in ("source", "latest", "target", "newer"))


@frozen(kw_only=True)
class Merging:
    """How rows meet by a recipe. `deletes`: a CDC deletion removes the row. `partitioned`: the target is."""

    recipe: Recipe
    deletes: bool
    partitioned: bool = False

    @property
    def compared(self) -> list[str]:
        """The columns that choose the winner, each once."""
        order = (each.name for each in self._nullable_order)
        return list(dict.fromkeys([*self.recipe.primary_key, *order, EXTRACTED_AT, RAW_ID]))

    def null_keys(self, source: TableName) -> Sql:
        """Which columns of the key are null in rows where some are: one row of booleans for each combination."""
        tests = [sql("{} IS NULL", of(SOURCE, name)) for name in self.recipe.primary_key]
        return sql(
            "SELECT DISTINCT {} FROM {} AS {} WHERE {}",
            listed(tests),
            table_name(source),
            SOURCE,
            join(" OR ", tests),
        )

    def merge(self, source: TableName, target: TableName, nulls: frozenset[str]) -> tuple[Sql, ...]:
        """Bring the source's latest row of each key into the target, of the keys that are null in just `nulls`.

        Two statements, the first of which makes room, since the user may have a unique index on the key. Keys are
        compared by equality alone, which an index and a hash can serve; IS NOT DISTINCT FROM has neither.
        """
        replace = sql(
            "DELETE FROM {} AS {} USING ({}) AS {} WHERE {}",
            self._rows(target),
            TARGET,
            self._latest(source, nulls, self.compared),
            LATEST,
            self._gives_way(target, nulls),
        )
        return replace, self._insert(source, target, nulls)

    def merge_in_place(self, source: TableName, target: TableName, nulls: frozenset[str]) -> tuple[Sql, ...]:
        """The same where foreign keys lead to the target: a row that stays is updated, for its going would be felt.

        The first statement removes what is deleted, and all but one of several rows of a key.
        """
        latest = self._latest(
            source, nulls, list(dict.fromkeys([*self.compared, *(mark.name for mark in self._marks)]))
        )
        gone = [says_deleted(Name("latest", mark.name), mark.kind) for mark in self._marks]
        other = Name("other")
        surplus = sql(
            "EXISTS (SELECT FROM {} AS {} WHERE {} AND {}.ctid < {}.ctid)",
            self._rows(target),
            other,
            self._same_key(other, LATEST, nulls),
            other,
            TARGET,
        )
        remove = sql(
            "DELETE FROM {} AS {} USING ({}) AS {} WHERE {} AND ({})",
            self._rows(target),
            TARGET,
            latest,
            LATEST,
            self._gives_way(target, nulls),
            join(" OR ", [*gone, surplus]),
        )
        columns = all_names(self.recipe.columns)
        update = sql(
            "UPDATE {} AS {} SET ({}) = ROW({}) FROM ({}) AS {} JOIN {} AS {} ON {}.ctid = {}.ctid WHERE {}",
            self._rows(target),
            TARGET,
            names(columns),
            qualified(SOURCE, columns),
            latest,
            LATEST,
            table_name(source),
            SOURCE,
            SOURCE,
            LATEST,
            self._gives_way(target, nulls),
        )
        return remove, update, self._insert(source, target, nulls)

    def dedupe(self, table: TableName) -> tuple[Sql, ...]:
        """Keep the latest row of each key, and none of a key whose latest row is a deletion."""
        superseded = sql(
            "DELETE FROM {table} WHERE ctid IN (SELECT ranked.row FROM ("
            "SELECT {source}.ctid, pg_catalog.row_number() OVER (PARTITION BY {key} ORDER BY {order}) "
            "FROM {table} AS {source}) AS ranked ({row}, {rank}) WHERE ranked.rank > 1)",
            table=table_name(table),
            source=SOURCE,
            key=listed(_sorted_as(SOURCE, each) for each in self._key),
            order=self._latest_first,
            row=Name("row"),
            rank=Name("rank"),
        )
        removed = (
            sql(
                "DELETE FROM {} WHERE {}",
                table_name(table),
                says_deleted(Name(mark.name), mark.kind),
            )
            for mark in self._marks
        )
        return superseded, *removed

    # -- their parts

    def _insert(self, source: TableName, target: TableName, nulls: frozenset[str]) -> Sql:
        # What is left of a key in the target is there because it is later, or is the row itself.
        columns = all_names(self.recipe.columns)
        return sql(
            "INSERT INTO {target_table} ({names}) SELECT {values} FROM {source_table} AS {source} "
            "JOIN ({latest_rows}) AS {latest} ON {latest}.ctid = {source}.ctid "
            "WHERE {kept}NOT EXISTS (SELECT FROM {target_rows} AS {target} WHERE {same_key})",
            source=SOURCE,
            target=TARGET,
            latest=LATEST,
            source_table=table_name(source),
            target_table=table_name(target),
            target_rows=self._rows(target),
            names=names(columns),
            values=qualified(SOURCE, columns),
            latest_rows=self._latest(source, nulls, self.recipe.primary_key),
            kept=join(
                "",
                (sql("{} AND ", says_alive(Name("source", mark.name), mark.kind)) for mark in self._marks),
            ),
            same_key=self._same_key(TARGET, LATEST, nulls),
        )

    def _rows(self, target: TableName) -> Part:
        return rows_of(target, partitioned=self.partitioned)

    def _gives_way(self, target: TableName, nulls: frozenset[str]) -> Sql:
        """Whether a row of the target has the latest row's key, and no row of that key there is later."""
        return sql(
            "{} AND NOT EXISTS (SELECT FROM {} AS {} WHERE {} AND {})",
            self._same_key(TARGET, LATEST, nulls),
            self._rows(target),
            NEWER,
            self._same_key(NEWER, LATEST, nulls),
            self._later(NEWER, LATEST),
        )

    def _latest(self, source: TableName, nulls: frozenset[str], columns: Sequence[str]) -> Sql:
        """The latest row of each key: where it is, and some of its columns. Narrow, since it is sorted."""
        nulls_are = join(
            " AND ",
            (
                sql("{} IS NULL" if name in nulls else "{} IS NOT NULL", of(SOURCE, name))
                for name in self.recipe.primary_key
            ),
        )
        return sql(
            "SELECT DISTINCT ON ({key}) {source}.ctid, {names} FROM {table} AS {source} "
            "WHERE {nulls} ORDER BY {key}, {order}",
            source=SOURCE,
            key=listed(_sorted_as(SOURCE, each) for each in self._key),
            names=qualified(SOURCE, columns),
            table=table_name(source),
            nulls=nulls_are,
            order=self._latest_first,
        )

    @property
    def _latest_first(self) -> Sql:
        nullable = (sql("{} DESC NULLS LAST", _sorted_as(SOURCE, each)) for each in self._nullable_order)
        given = (sql("{} DESC", of(SOURCE, name)) for name in (EXTRACTED_AT, RAW_ID))
        return listed([*nullable, *given])

    def _later(self, one: Name, other: Name) -> Sql:
        """Whether `one` comes before `other` in the order above, strictly."""
        given = [listed(of(each, name) for name in (EXTRACTED_AT, RAW_ID)) for each in (one, other)]
        later = sql("({}) > ({})", *given)
        for column in reversed(self._nullable_order):
            later = sql(
                "({one} > {other} OR {other} IS NULL AND {one} IS NOT NULL "
                "OR {one} IS NOT DISTINCT FROM {other} AND {later})",
                one=_sorted_as(one, column),
                other=_sorted_as(other, column),
                later=later,
            )
        return later

    def _same_key(self, one: Name, other: Name, nulls: frozenset[str]) -> Sql:
        return join(
            " AND ",
            (
                sql("{} IS NULL", of(one, name))
                if name in nulls
                else sql("{} = {}", of(one, name), of(other, name))
                for name in self.recipe.primary_key
            ),
        )

    @property
    def _key(self) -> list[Column]:
        by_name = {each.name: each for each in self.recipe.columns}
        return [by_name[name] for name in self.recipe.primary_key]

    @property
    def _nullable_order(self) -> list[Column]:
        """The cursor, then the CDC positions: what may be null, and is then the oldest."""
        by_name = {each.name: each for each in self.recipe.columns}
        positions = [self._by_field[field] for field in CDC_POSITIONS if field in self._by_field]
        cursor = [] if self.recipe.cursor is None else [self.recipe.cursor]
        return [by_name[name] for name in dict.fromkeys([*cursor, *positions])]

    @property
    def _marks(self) -> list[Column]:
        """The column that says that the row is deleted, if there is one and that removes it here."""
        return [each for each in self.recipe.columns if self.deletes and each.field == CDC_DELETED_AT]

    @property
    def _by_field(self) -> Mapping[str, str]:
        return {each.field: each.name for each in self.recipe.columns}


def _sorted_as(alias: Name, column: Column) -> Sql:
    # By code point: the same order in every database, and sorted several times faster than a language's.
    collation = sql(" COLLATE {}", Name("C")) if column.kind is Kind.STRING else NOTHING
    return sql("{}{}", of(alias, column.name), collation)
