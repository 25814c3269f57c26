"""What a client asks of the server about a table before it works on it. Changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connectors.postgres import catalog, evolution, swap
from connectors.postgres.columns import POSTGRES
from connectors.postgres.merging import Merging
from connectors.postgres.sessions import Row
from connectors.postgres.sql import PostgresStatements
from connectors.sql.text import Sql
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, TableSchema
from dataflow.types import META, TableName


class Session(Protocol):
    """Executes statements in the current transaction."""

    @property
    def statements(self) -> PostgresStatements:
        """The statements of the client."""
        ...

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """The rows that the statement returns."""
        ...

    def column_names(self, table: TableName) -> Sequence[str]:
        """The columns of a table; none when there is no such table."""
        ...


class ServerInspection:
    """The questions of one client, in its transactions, beside those that every SQL database is asked."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def has_default(self, table: TableName, column: str, value: str) -> bool:
        """Whether a jsonb column has this default."""
        return bool(
            self._scalar(catalog.has_default(), catalog.named(table) | {"column": column, "value": value})
        )

    def views_in_the_way(self, table: TableName, changeset: ColumnChangeset) -> list[tuple[str, TableName]]:
        """The views that do not let a table's columns change, each with its kind."""
        columns = catalog.named(table) | {"columns": evolution.disturbed(changeset)}
        rows = self._session.execute(catalog.views_on_columns(), columns)
        return [(kind, TableName(namespace, name)) for kind, namespace, name in rows]

    def require_no_view(self, table: TableName, changeset: ColumnChangeset) -> None:
        """Nothing: the server itself refuses to change a column that a view shows, once it is asked to."""

    def key_indexes(self, table: TableName) -> Sequence[tuple[str, str, Sequence[str]]]:
        """The indexes that look rows up by equality: name, method, and columns in order."""
        found = self._session.execute(catalog.key_indexes(), catalog.named(table))
        return [(name, method, columns) for name, method, columns in found]

    def worth_looking_up(self, source: TableName, target: TableName) -> bool:
        """Whether to look the source's keys up in the target, which is the larger by far."""
        of_source = {"from_namespace": source.namespace, "from_name": source.name}
        return bool(self._scalar(catalog.worth_looking_up(), catalog.named(target) | of_source))

    def never_analyzed(self, table: TableName) -> bool:
        """Whether the planner knows nothing of a table's values."""
        return bool(self._scalar(catalog.never_analyzed(), catalog.named(table)))

    def is_partitioned(self, table: TableName) -> bool:
        """Whether its rows lie in partitions."""
        return bool(self._scalar(catalog.is_partitioned(), catalog.named(table)))

    def is_secured(self, table: TableName) -> bool:
        return bool(self._scalar(catalog.is_secured(), catalog.named(table)))

    def standing(self, table: TableName) -> swap.Standing:
        """What holds on to a table that is there."""
        ours = {"index": self._session.statements.key_index(table), "meta": META}
        holders = self._session.execute(catalog.holders(), catalog.named(table) | ours)
        references = self._session.execute(catalog.references(), catalog.named(table))
        return swap.Standing(
            holders=tuple(holder for (holder,) in holders),
            references=tuple(swap.Reference(words, tuple(key), acts) for words, key, acts in references),
            secured=self.is_secured(table),
        )

    def belongings(self, table: TableName) -> swap.Belongings:
        """What is written on a table that is there."""
        owner, replica_identity, options = self._session.execute(catalog.belongings(), catalog.named(table))[
            0
        ]
        return swap.Belongings(
            owner=owner,
            replica_identity=replica_identity,
            options=tuple(tuple(option.split("=", 1)) for option in options),
            comments=tuple(self._session.execute(catalog.comments(), catalog.named(table))),
            statistics=tuple(self._session.execute(catalog.statistics_targets(), catalog.named(table))),
            grants=frozenset(
                swap.Grant(*row) for row in self._session.execute(catalog.grants(), catalog.named(table))
            ),
        )

    def see_all_rows(self, table: TableName) -> None:
        """ConfigError where row security would keep rows from a statement that has to find all of them."""
        if self._scalar(catalog.hides_rows(), catalog.named(table)):
            raise ConfigError(
                f"Row security on {table} may hide rows from the user of this sync, and the sync must see all of "
                "them.",
                remedy="Give that user BYPASSRLS, or a policy FOR ALL that lets it see and write every row: "
                "USING (true).",
            )

    def require_identity(self, table: TableName) -> None:
        """ConfigError where a publication forbids to change or delete the rows of a final table."""
        if self.lacks_identity(table):
            identify = POSTGRES.render(self._session.statements.identify_by_row(table))
            raise ConfigError(
                f"A publication includes the table {table}, which has no replica identity: the server lets no row of "
                "it be updated or deleted.",
                remedy=f"Let the table's owner run: {identify}; or give it a primary key, then run the sync again.",
            )

    def blame_triggers(self, table: TableName) -> None:
        """ConfigError where rows were not taken and somebody's trigger may have kept them from the table."""
        if triggers := [
            name for (name,) in self._session.execute(catalog.triggers_before_insert(), catalog.named(table))
        ]:
            raise ConfigError(
                f"The table {table} did not take every row, and a user-defined trigger runs before each insert: "
                f"{', '.join(triggers)}.",
                remedy="Let the trigger return every row, or drop it. Nothing of this flush was kept.",
            )

    def null_keys(self, source: TableName, merging: Merging) -> list[frozenset[str]]:
        """Which columns of the key are null together: never any, and the combinations that the source has."""
        rows = self._session.execute(merging.null_keys(source))
        names = merging.recipe.primary_key
        found = [frozenset(n for n, null in zip(names, row, strict=True) if null) for row in rows]
        return [frozenset(), *found]

    def lacks_identity(self, table: TableName) -> bool:
        """Whether a publication includes the table, and no replica identity distinguishes its rows."""
        return bool(self._scalar(catalog.lacks_identity(), catalog.named(table)))

    def columns_ever(self, table: TableName) -> int:
        """The number of columns that the table has had, including dropped ones."""
        return int(self._scalar(catalog.columns_ever(), catalog.named(table)))

    def _scalar(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._session.execute(statement, parameters)[0][0]


class Tables(Session, Protocol):
    """The operations of a client that a larger step is made of."""

    @property
    def server(self) -> ServerInspection:
        """What the client asks."""
        ...

    def table_exists(self, table: TableName) -> bool:
        """As the contract has it."""
        ...

    def discover_schema(self, table: TableName) -> TableSchema:
        """As the contract has it."""
        ...

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """As the contract has it."""
        ...

    def drop_table(self, table: TableName) -> None:
        """As the contract has it."""
        ...

    def rename_table(self, source: TableName, target: TableName) -> None:
        """Give a table another's name, and its index the name that goes with it."""
        ...
