"""The rule of import for databases, as a contract of import-linter: a new database is found, and listed nowhere."""

import sys
from collections.abc import Collection, Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

FOLDER = "connectors"
OURS = ("connectors", "machines", "dataflow")
# What Python brings, but the databases in it.
NO_DRIVERS = sys.stdlib_module_names - {"dbm", "sqlite3"}


class DatabasesContract(Contract):
    """Every folder of `connectors` that is none of `rooms` is a database.

    It imports itself, what stands on third-party packages, and `imports`. Its `__main__` imports `starts` too.
    Nothing outside of it imports it but what is `copied` beside one. A package that it imports, and that is not
    `shared`, is its driver: no room imports that, and no other database, so that no sync of another loads it.
    """

    type_name = "databases"
    # The fields are descriptors whose types import-linter does not declare.
    rooms: Any = fields.ListField(subfield=fields.StringField())
    imports: Any = fields.ListField(subfield=fields.StringField())
    starts: Any = fields.StringField()
    copied: Any = fields.StringField()
    shared: Any = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every import that begins or ends in a database."""
        rooms = {f"{FOLDER}.{room}" for room in self.rooms}
        folders = {child for child in graph.find_children(FOLDER) if graph.find_children(child)}
        databases = folders - rooms
        wrong = sorted({*self._wrong(graph, databases), *self._strayed(graph, databases)})
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that should not be there."""
        for importer, imported in check.metadata["wrong"]:
            output.print_error(f"{importer} imports {imported}.", bold=False)

    def _wrong(self, graph: ImportGraph, databases: Collection[str]) -> Iterator[tuple[str, str]]:
        for database in databases:
            for module in {database} | graph.find_descendants(database):
                allowed = [database, *self.imports]
                if module == f"{database}.__main__":
                    allowed.append(self.starts)
                for imported in graph.find_modules_directly_imported_by(module):
                    if imported.startswith(OURS) and not _within(imported, allowed):
                        yield module, imported
                for importer in graph.find_modules_that_directly_import(module):
                    if not _within(importer, [database, self.copied]):
                        yield importer, module

    def _strayed(self, graph: ImportGraph, databases: Collection[str]) -> Iterator[tuple[str, str]]:
        """Each import of a driver that is not its database's."""
        for database in databases:
            for driver in self._drivers(graph, database):
                for importer in graph.find_modules_that_directly_import(driver):
                    if not _within(importer, [database, self.copied]):
                        yield importer, driver

    def _drivers(self, graph: ImportGraph, database: str) -> set[str]:
        modules = {database} | graph.find_descendants(database)
        imported = {each for module in modules for each in graph.find_modules_directly_imported_by(module)}
        return {
            each for each in imported - NO_DRIVERS if each not in self.shared and not each.startswith(OURS)
        }


def _within(module: str, packages: Collection[str]) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)
