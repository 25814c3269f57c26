"""Faults for the search over catalogs to find: decisions about names that break one rule each."""

from collections.abc import Collection

from attrs import evolve, frozen

from dataflow.names import NamingRules
from dataflow.ownership import Columns
from dataflow.stream_tables import OwnedTable, StreamTables
from dataflow.types import Column, TableName
from machines.verify.catalogs.database import Database
from machines.verify.catalogs.names import Catalog, Names


class RefusesNothing(Names):
    """A claim takes whatever it named, whatever its owner."""

    def claimed(self, database: Database, named: StreamTables, rules: NamingRules) -> OwnedTable:
        remembered = next((each.columns for each in database.owned if each.final == named.final), ())
        joined = {each.field: each for each in (*remembered, *named.owned)}
        return OwnedTable(final=named.final, stream=named.stream, columns=tuple(joined.values()))


class DerivesFromTodaysCatalog(RefusesNothing):
    def owned(self, database: Database, catalog: Catalog) -> tuple[OwnedTable, ...]:
        return ()

    def found(self, database: Database, final: TableName, rules: NamingRules) -> tuple[str, ...]:
        return ()


class ForgetsWhoIsDeselected(Names):
    def owned(self, database: Database, catalog: Catalog) -> tuple[OwnedTable, ...]:
        selected = {each.name for each in catalog}
        return tuple(each for each in super().owned(database, catalog) if each.stream in selected)


class ForgetsColumnsOfTodaysCatalogAlone(Names):
    """A claim forgets the columns of fields that are not in the schema, though a temp table may have them."""

    def claimed(self, database: Database, named: StreamTables, rules: NamingRules) -> OwnedTable:
        owned, today = super().claimed(database, named, rules), {each.field for each in named.columns}
        return evolve(owned, columns=tuple(each for each in owned.columns if each.field in today))


class ForgetsWhatComesAgain(Names):
    """A column that goes and comes again in one run is forgotten between."""

    def without(self, remembered: Columns, dropped: Collection[str], wanted: tuple[Column, ...]) -> Columns:
        return super().without(remembered, dropped, ())


class RemembersNoColumns(Names):
    def owned(self, database: Database, catalog: Catalog) -> tuple[OwnedTable, ...]:
        return tuple(evolve(each, columns=()) for each in super().owned(database, catalog))


class AsksForTheTableAlone(Names):
    """A first claim looks at its own entry, and at no other table of the stream or of that name."""

    def claimed(self, database: Database, named: StreamTables, rules: NamingRules) -> OwnedTable:
        own = tuple(each for each in database.entries if each[0] == named.final)
        return super().claimed(evolve(database, entries=own), named, rules)


@frozen
class Fault:
    """A fault, the scenario that is to show it, and the beginning of what is said of it."""

    names: Names
    scenario: str
    law: str


NAME_FAULTS: dict[str, Fault] = {
    "names_are_derived_from_todays_catalog": Fault(
        DerivesFromTodaysCatalog(), "append, two twins", "nothing is mixed"
    ),
    "a_stream_that_is_deselected_is_forgotten": Fault(ForgetsWhoIsDeselected(), "dedup, two twins", "law 3"),
    "a_column_is_forgotten_while_temp_has_it": Fault(
        ForgetsColumnsOfTodaysCatalogAlone(), "dedup, two twin fields", "law 3"
    ),
    "a_column_that_comes_again_is_forgotten": Fault(
        ForgetsWhatComesAgain(), "append_truncate, two twin fields", "law 3"
    ),
    "columns_are_not_remembered": Fault(RemembersNoColumns(), "append, two twin fields", "law 3"),
    "a_claim_refuses_nothing": Fault(
        RefusesNothing(), "append, two runs at once, two twins", "nothing is mixed"
    ),
    "a_claim_asks_for_its_own_table_alone": Fault(
        AsksForTheTableAlone(), "append, two runs at once, two twins but for case", "nothing is mixed"
    ),
}
