"""The statements that choose among rows of one key: which is the latest, and how it gets into a table. Pure.

Every column is written with its table's alias, so that no name of a user's can meet one of ours.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen
from psycopg.sql import SQL, Composed, Identifier

from connectors.contract import Recipe
from connectors.postgres.quoting import all_names, composed, listed, names, of, rows_of, table_name
from connectors.sql.deletion import says_alive, says_deleted
from connectors.sql.text import Name
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, EXTRACTED_AT, RAW_ID, Column, Kind, TableName

# The table that rows come from, its latest row of each key, the table they go to, and what is there.
SOURCE, LATEST, TARGET, NEWER = (Identifier(name) for name in ("source", "latest", "target", "newer"))


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

    def null_keys(self, source: TableName) -> Composed:
        """Which columns of the key are null in rows where some are: one row of booleans for each combination."""
        tests = [SQL("{} IS NULL").format(of(SOURCE, name)) for name in self.recipe.primary_key]
        return SQL("SELECT DISTINCT {} FROM {} AS {} WHERE {}").format(
            listed(tests), table_name(source), SOURCE, SQL(" OR ").join(tests)
        )

    def merge(self, source: TableName, target: TableName, nulls: frozenset[str]) -> tuple[Composed, ...]:
        """Bring the source's latest row of each key into the target, of the keys that are null in just `nulls`.

        Two statements, the first of which makes room, since the user may have a unique index on the key. Keys are
        compared by equality alone, which an index and a hash can serve; IS NOT DISTINCT FROM has neither.
        """
        replace = SQL("DELETE FROM {} AS {} USING ({}) AS {} WHERE {}").format(
            self._rows(target),
            TARGET,
            self._latest(source, nulls, self.compared),
            LATEST,
            self._gives_way(target, nulls),
        )
        return replace, self._insert(source, target, nulls)

    def merge_in_place(
        self, source: TableName, target: TableName, nulls: frozenset[str]
    ) -> tuple[Composed, ...]:
        """The same where foreign keys lead to the target: a row that stays is updated, for its going would be felt.

        The first statement removes what is deleted, and all but one of several rows of a key.
        """
        latest = self._latest(
            source, nulls, list(dict.fromkeys([*self.compared, *(mark.name for mark in self._marks)]))
        )
        gone = [composed(says_deleted(Name("latest", mark.name), mark.kind)) for mark in self._marks]
        other = Identifier("other")
        surplus = SQL("EXISTS (SELECT FROM {} AS {} WHERE {} AND {}.ctid < {}.ctid)").format(
            self._rows(target), other, self._same_key(other, LATEST, nulls), other, TARGET
        )
        remove = SQL("DELETE FROM {} AS {} USING ({}) AS {} WHERE {} AND ({})").format(
            self._rows(target),
            TARGET,
            latest,
            LATEST,
            self._gives_way(target, nulls),
            SQL(" OR ").join([*gone, surplus]),
        )
        columns = all_names(self.recipe.columns)
        update = SQL(
            "UPDATE {} AS {} SET ({}) = ROW({}) FROM ({}) AS {} JOIN {} AS {} ON {}.ctid = {}.ctid WHERE {}"
        ).format(
            self._rows(target),
            TARGET,
            names(columns),
            listed(of(SOURCE, name) for name in columns),
            latest,
            LATEST,
            table_name(source),
            SOURCE,
            SOURCE,
            LATEST,
            self._gives_way(target, nulls),
        )
        return remove, update, self._insert(source, target, nulls)

    def dedupe(self, table: TableName) -> tuple[Composed, ...]:
        """Keep the latest row of each key, and none of a key whose latest row is a deletion."""
        superseded = SQL(
            "DELETE FROM {table} WHERE ctid IN (SELECT ranked.row FROM ("
            "SELECT {source}.ctid, pg_catalog.row_number() OVER (PARTITION BY {key} ORDER BY {order}) "
            'FROM {table} AS {source}) AS ranked ("row", "rank") WHERE ranked.rank > 1)'
        ).format(
            table=table_name(table),
            source=SOURCE,
            key=listed(_sorted_as(SOURCE, each) for each in self._key),
            order=self._latest_first,
        )
        removed = (
            SQL("DELETE FROM {} WHERE {}").format(
                table_name(table), composed(says_deleted(Name(mark.name), mark.kind))
            )
            for mark in self._marks
        )
        return superseded, *removed

    # -- their parts

    def _insert(self, source: TableName, target: TableName, nulls: frozenset[str]) -> Composed:
        # What is left of a key in the target is there because it is later, or is the row itself.
        columns = all_names(self.recipe.columns)
        return SQL(
            "INSERT INTO {target_table} ({names}) SELECT {values} FROM {source_table} AS {source} "
            "JOIN ({latest_rows}) AS {latest} ON {latest}.ctid = {source}.ctid "
            "WHERE {kept}NOT EXISTS (SELECT FROM {target_rows} AS {target} WHERE {same_key})"
        ).format(
            source=SOURCE,
            target=TARGET,
            latest=LATEST,
            source_table=table_name(source),
            target_table=table_name(target),
            target_rows=self._rows(target),
            names=names(columns),
            values=listed(of(SOURCE, name) for name in columns),
            latest_rows=self._latest(source, nulls, self.recipe.primary_key),
            kept=SQL("").join(
                SQL("{} AND ").format(composed(says_alive(Name("source", mark.name), mark.kind)))
                for mark in self._marks
            ),
            same_key=self._same_key(TARGET, LATEST, nulls),
        )

    def _rows(self, target: TableName) -> Composed:
        return rows_of(target, partitioned=self.partitioned)

    def _gives_way(self, target: TableName, nulls: frozenset[str]) -> Composed:
        """Whether a row of the target has the latest row's key, and no row of that key there is later."""
        return SQL("{} AND NOT EXISTS (SELECT FROM {} AS {} WHERE {} AND {})").format(
            self._same_key(TARGET, LATEST, nulls),
            self._rows(target),
            NEWER,
            self._same_key(NEWER, LATEST, nulls),
            self._later(NEWER, LATEST),
        )

    def _latest(self, source: TableName, nulls: frozenset[str], columns: Sequence[str]) -> Composed:
        """The latest row of each key: where it is, and some of its columns. Narrow, since it is sorted."""
        nulls_are = SQL(" AND ").join(
            SQL("{} IS NULL" if name in nulls else "{} IS NOT NULL").format(of(SOURCE, name))
            for name in self.recipe.primary_key
        )
        return SQL(
            "SELECT DISTINCT ON ({key}) {source}.ctid, {names} FROM {table} AS {source} "
            "WHERE {nulls} ORDER BY {key}, {order}"
        ).format(
            source=SOURCE,
            key=listed(_sorted_as(SOURCE, each) for each in self._key),
            names=listed(of(SOURCE, name) for name in columns),
            table=table_name(source),
            nulls=nulls_are,
            order=self._latest_first,
        )

    @property
    def _latest_first(self) -> Composed:
        nullable = (
            SQL("{} DESC NULLS LAST").format(_sorted_as(SOURCE, each)) for each in self._nullable_order
        )
        given = (SQL("{} DESC").format(of(SOURCE, name)) for name in (EXTRACTED_AT, RAW_ID))
        return listed([*nullable, *given])

    def _later(self, one: Identifier, other: Identifier) -> Composed:
        """Whether `one` comes before `other` in the order above, strictly."""
        given = [listed(of(each, name) for name in (EXTRACTED_AT, RAW_ID)) for each in (one, other)]
        later = SQL("({}) > ({})").format(*given)
        for column in reversed(self._nullable_order):
            later = SQL(
                "({one} > {other} OR {other} IS NULL AND {one} IS NOT NULL "
                "OR {one} IS NOT DISTINCT FROM {other} AND {later})"
            ).format(one=_sorted_as(one, column), other=_sorted_as(other, column), later=later)
        return later

    def _same_key(self, one: Identifier, other: Identifier, nulls: frozenset[str]) -> Composed:
        return SQL(" AND ").join(
            SQL("{} IS NULL").format(of(one, name))
            if name in nulls
            else SQL("{} = {}").format(of(one, name), of(other, name))
            for name in self.recipe.primary_key
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


def _sorted_as(alias: Identifier, column: Column) -> Composed:
    # By code point: the same order in every database, and sorted several times faster than a language's.
    collation = SQL(' COLLATE "C"') if column.kind is Kind.STRING else SQL("")
    return SQL("{}{}").format(of(alias, column.name), collation)
