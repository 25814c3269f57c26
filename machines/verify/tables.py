"""Temp and final table of the abstract database: what is done to them, on values. Decides nothing."""

from machines.operations import Recipe
from machines.verify.database import Database, Table, in_order
from machines.verify.requests import Refused, Request
from machines.verify.values import evolve


def target(database: Database, request: Request) -> Table | None:
    """The table that the stream's rows go to."""
    return database.temp if request.wishes.writes_to_temp else database.final


def inserted(database: Database, request: Request) -> Database:
    """The database with a flush's rows in it."""
    found = there(target(database, request))
    table = Table(found.columns, in_order((*found.rows, *request.to_insert.rows)))
    if request.wishes.writes_to_temp:
        return evolve(database, temp=table)
    return evolve(database, final=table)


def trimmed(database: Database, checkpoint: int | None) -> Database:
    """The database without temp's rows beyond a checkpoint."""
    temp = there(database.temp)
    rows = tuple(row for row in temp.rows if row.raw_id <= (checkpoint or 0))
    return evolve(database, temp=Table(temp.columns, rows))


def columns_of(by: Recipe) -> tuple[str, ...]:
    """The names of a recipe's columns."""
    return tuple(column.name for column in by.columns)


def there(table: Table | None) -> Table:
    """A table that must be there."""
    if table is None:
        raise Refused("there is no such table")
    return table


def ensured(table: Table | None, columns: tuple[str, ...]) -> Table:
    """The table with these columns, made if it is not there."""
    return Table(columns, table.rows if table is not None else ())


def forgotten(database: Database) -> Database:
    """The ledger names no temp table: the one that is there is left over."""
    entry, others = database.entry.without_temp(), database.leftovers + (database.temp is not None)
    return evolve(database, temp=None, entry=entry, leftovers=others, marked=False)
