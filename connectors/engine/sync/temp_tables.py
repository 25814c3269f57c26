"""Names a stream's temp tables, and finds those that are there. Reads and changes no row.

If one commit holds everything, the name of a stream's temp table never changes. Otherwise each name is used once: what
a killed run still has at work names a table that no longer exists. If one statement is durable at a time, a claim
gives temp a name of its own for the same reason, and so does a run before it repeats a request that went unanswered. A
temp table that the ledger does not name is a leftover, and the next run that claims the stream's table may drop it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import cast

from attrs import evolve

from connectors.contract import Client, ClientOfStatements, Connector
from connectors.contract.ledger import LedgerEntry
from dataflow.errors import InternalError
from dataflow.names import LEAST_BYTES_OPENED, TOKEN_DIGITS, is_temp_of, opened_name, opening_of, temp_mark
from dataflow.runtime.randomness import token
from dataflow.types import TableName
from machines.parts import Atomic


def expect_room(connector: Connector) -> None:
    """Raises InternalError where names are used once, and the database's are too short for them."""
    most = connector.columns.naming.longest
    if connector.atomic is Atomic.EVERYTHING or most >= LEAST_BYTES_OPENED:
        return
    raise InternalError(
        f"A name has {most} characters at most, and the name of a temp table needs {LEAST_BYTES_OPENED} here.",
        doing="setting up the destination",
        remedy="Nothing was loaded. This connector cannot be used. Report this to its author: where a commit does not "
        "hold everything, each temp table is named by its claim and two random numbers.",
    )


def is_opening(table: TableName, named: TableName) -> bool:
    """Whether a table is the one that the ledger names so: by its opening, whatever holder's name it has."""
    if table == named:
        return True
    opening = opening_of(named.name)
    same_stream = (table.namespace, temp_mark(table.name)) == (named.namespace, temp_mark(named.name))
    return same_stream and opening != "" and opening_of(table.name) == opening


class TempTables:
    """The temp tables of one stream, as one run sees them. `temp` is any name that one of them has, or had."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        # The name that this run gave it, where a claim renames it; and those that it may have instead, since the run
        # does not know whether it was renamed.
        self._held: TableName | None = None
        self._tried: tuple[TableName, ...] = ()
        # Whether a request that named it went unanswered, and may still be at work; and how many name it now.
        self._unanswered = False
        self._requests = 0
        self._changing = connector.runtime.threads.condition()

    def of(self, entry: LedgerEntry, temp: TableName) -> TableName:
        """The table that the ledger names, by the name it has now; `temp` where it names none."""
        return self.now(entry.temp or temp)

    def now(self, temp: TableName) -> TableName:
        """The name that this table has now: the one that this run gave it, where a claim renames it."""
        held = self._held
        return held if held is not None and opening_of(held.name) == opening_of(temp.name) else temp

    @contextmanager
    def named(self, client: Client) -> Iterator[None]:
        """Around requests that name temp. If an earlier one went unanswered, temp is renamed first, for good.

        So what is still at work, or is yet to arrive, names a table that is not there. Nothing is to do where commits
        refuse what is late.
        """
        if self._connector.atomic is not Atomic.STATEMENT:
            yield
            return
        with self._changing:
            # Other requests of this run are not late: they are waited for.
            self._changing.wait_for(lambda: not (self._unanswered and self._requests))
            if self._unanswered:
                self._rename(cast("ClientOfStatements", client))
            self._requests += 1
        try:
            yield
        except BaseException:
            self._unanswered = True
            raise
        finally:
            with self._changing:
                self._requests -= 1
                self._changing.notify_all()

    def _rename(self, client: ClientOfStatements) -> None:
        """Give temp another name. Only a table that still has a name of this run's: a later claim has renamed its own.

        There may be none, since the request that went unanswered may have published it.
        """
        names = (self._held, *self._tried) if self._held is not None else ()
        table = next((each for each in names if client.table_exists(each)), None)
        if table is None:
            return
        name = self._holding(table)
        self._tried = (*self._tried, name)
        client.rename_table(table, name)
        self._held, self._tried, self._unanswered = name, (), False

    def fresh(self, temp: TableName, epoch: int) -> TableName:
        """A name for a new table; unique where names are used once."""
        if self._connector.atomic is Atomic.EVERYTHING:
            return temp
        opening = f"{epoch}_{self._token()}"
        if self._connector.atomic is Atomic.STATEMENT:
            self._held, self._tried = self._called(temp, f"{opening}_{self._token()}"), ()
            return self._held
        return self._called(temp, opening)

    def known_as(self, table: TableName) -> TableName:
        """The name by which the ledger knows this table: its opening, without the holder's mark."""
        opening = opening_of(table.name)
        return self._called(table, opening) if opening else table

    def renewed(self, table: TableName) -> TableName:
        """Another name for the same opening, which this run holds from here on."""
        self._held, self._tried = self._holding(table), ()
        return self._held

    def there(self, client: Client, temp: TableName) -> Collection[TableName]:
        """All that there are in the database, of every opening."""
        found = client.tables_named(temp_mark(temp.name))
        return [
            each for each in found if each.namespace == temp.namespace and is_temp_of(each.name, temp.name)
        ]

    def opened(self, client: Client, entry: LedgerEntry) -> TableName | None:
        """The table that is there of the ledger's opening, whatever holder's name it has."""
        if entry.temp is None:
            return None
        return next((each for each in self.there(client, entry.temp) if is_opening(each, entry.temp)), None)

    def adopting(self, client: Client, entry: LedgerEntry, temp: TableName) -> LedgerEntry:
        """The entry before a claim; it names a temp table with rows that no claim which it counts can have made.

        The ledger was lost, or restored to an earlier state. The name keeps every later sweep from these rows, and
        INSPECT refuses them. Asks nothing where the name of a temp table never changes.
        """
        if self._connector.atomic is Atomic.EVERYTHING or entry.temp is not None:
            return entry
        later = [each for each in self.there(client, temp) if is_of_no_claim_up_to(entry.epoch, each)]
        found = [each for each in later if not client.table_is_empty(each)]
        return evolve(entry, temp=max(found, key=lambda each: each.name)) if found else entry

    def leftovers(self, client: Client, entry: LedgerEntry, temp: TableName) -> Collection[TableName]:
        """Those that claims up to this one made, and that the ledger does not name.

        None where a commit cannot leave one, and none beside a temp table that was adopted: any of them may hold rows
        that a STATE covers.
        """
        adopted = entry.temp is not None and entry.recipe is None
        if self._connector.atomic is Atomic.EVERYTHING or adopted:
            return ()
        return [
            each
            for each in self.there(client, temp)
            if not is_of_no_claim_up_to(entry.epoch, each)
            and (entry.temp is None or not is_opening(each, entry.temp))
        ]

    def _holding(self, table: TableName) -> TableName:
        return self._called(table, f"{opening_of(table.name)}_{self._token()}")

    def _called(self, temp: TableName, suffix: str) -> TableName:
        return evolve(temp, name=opened_name(temp.name, suffix, self._connector.columns.naming))

    def _token(self) -> str:
        return token(self._connector.runtime.randomness, TOKEN_DIGITS)


def is_of_no_claim_up_to(epoch: int, table: TableName) -> bool:
    """Whether a later claim made this table, or none: its name has no opening."""
    opening = opening_of(table.name)
    return opening == "" or int(opening.partition("_")[0]) > epoch
