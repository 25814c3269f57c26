"""The format of the ledger's tables: which is there, and how an older one becomes today's. Reads and writes no entry.

The format is read before anything else. A version that does not know it stops with an error and changes nothing; one
that knew no format finds that the table which it takes for the ledger is none. A version that works while its ledger is
upgraded fails at its next statement, which names a column that is no longer there; since format 3 its error says so.
"""

from collections.abc import Callable, Collection, Sequence
from enum import Enum

from connectors.sql.dialect import Ddl, Dialect, Holds, InternalColumn
from connectors.sql.ledger_rows import (
    CHECKPOINT,
    COLUMNS,
    FLUSH_COLUMNS,
    FLUSH_KEY,
    FLUSH_NAMES,
    FLUSH_TABLE,
    FORMAT_TABLE,
    KEY,
    NAMES,
    TABLE,
)
from connectors.sql.session import Session
from connectors.sql.text import NOTHING, Name, Param, Sql, listed, names, sql, template
from dataflow.errors import ConfigError
from dataflow.types import TableName

# Raised when an entry gets a meaning that the version before would miss.
FORMAT = 3
NOTICE = (
    "This table only holds the format of the ledger, which is in _airbyte_streams. A version that rejects this table "
    "as a ledger is too old: use a newer one. Do not rename or drop this table."
)

_FORMAT_COLUMNS = (
    InternalColumn("format", Holds.INTEGER, nullable=False),
    InternalColumn("notice", Holds.TEXT, nullable=False),
)
# The key of a table that must have one.
_FORMAT_KEY = ("format",)
_INSERT = template("INSERT INTO {} ({}) VALUES ({})")
# What the formats before did not have.
_ADDED_BY_THE_SECOND = ("stream_namespace", "stream_name", "columns")
_ADDED_BY_THE_THIRD = ("publishing",)
# The checkpoint had another name while each flush updated it. It is renamed since a version that does not know flush
# rows would cut rows that a STATE covers.
CHECKPOINT_BEFORE = "checkpoint"
SECOND_NAMES = tuple(
    CHECKPOINT_BEFORE if name == CHECKPOINT else name for name in NAMES if name not in _ADDED_BY_THE_THIRD
)
FIRST_NAMES = tuple(name for name in SECOND_NAMES if name not in _ADDED_BY_THE_SECOND)


class Found(Enum):
    """What has the ledger's place."""

    NOTHING = "nothing"
    FIRST = "the ledger of a version without formats"
    SECOND = "a ledger of the second format: each flush updated its entry"
    EMPTIED = "a format, and no entries: somebody dropped them, and the ledger starts empty"
    TODAYS = "a ledger of today's format"


class LedgerFormat:
    """The tables of one ledger, and what is done to have them in today's format."""

    def __init__(self, session: Session, internal_namespace: str, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect
        self.entries = TableName(internal_namespace, TABLE)
        self.flushes = TableName(internal_namespace, FLUSH_TABLE)
        self.format = TableName(internal_namespace, FORMAT_TABLE)

    def prepare(self) -> None:
        """Create the ledger if it is missing, or bring one of an earlier version to today's format."""
        match self.found():
            case Found.NOTHING:
                self._create(self._write_format)
            case Found.FIRST:
                self._rename_the_first()
                self._upgrade(FIRST_NAMES)
                self._write_format()
            case Found.SECOND:
                self._upgrade_the_second()
            case Found.EMPTIED:
                self._create(self._number_as_todays)
            case Found.TODAYS:
                pass

    def found(self) -> Found:
        """What has the ledger's place now. ConfigError when it is another format's, or neither a ledger nor free."""
        found = self._found_entries()
        flushes = self._session.column_names(self.flushes)
        if flushes:
            _demand(self.flushes, FLUSH_NAMES, flushes)
        elif found is Found.TODAYS:
            raise _without_flushes(self.flushes)
        return found

    def _found_entries(self) -> Found:
        entries = self._session.column_names(self.entries)
        formats = self._session.column_names(self.format)
        if "format" in formats:
            return self._found_with_format(entries)
        if entries:
            _demand(self.entries, NAMES, entries)
            raise _without_format(self.entries, self.format, first=bool(formats))
        if formats:
            _demand(self.format, FIRST_NAMES, formats)
            return Found.FIRST
        return Found.NOTHING

    def lock(self) -> Sql:
        """Select and lock the format's row: of the transactions that do, one waits for the other."""
        formats = self._session.table(self.format)
        return sql("SELECT {} FROM {}{}", Name("format"), formats, self._dialect.row_lock)

    def _found_with_format(self, entries: Collection[str]) -> Found:
        number = self._number()
        if number is None and not entries and self._dialect.ddl is Ddl.COMMITS:
            return Found.NOTHING
        if number is None:
            raise _of_unknown_format(self.entries, self.format)
        if number not in (FORMAT - 1, FORMAT):
            raise ConfigError(
                f"The ledger in {self.entries} has format {number}, and this version uses format {FORMAT}.",
                doing="reading the ledger",
                remedy="Use the version of this destination that created it, or a newer one. Nothing was changed.",
            )
        if not entries:
            return Found.EMPTIED
        if number == FORMAT - 1:
            _demand(self.entries, SECOND_NAMES, entries)
            return Found.SECOND
        _demand(self.entries, NAMES, entries)
        return Found.TODAYS

    def _number(self) -> object:
        statement = sql("SELECT max({}) FROM {}", Name("format"), self._session.table(self.format))
        ((number,),) = self._session.execute(statement)
        return number

    def _rename_the_first(self) -> None:
        """Give the entries of a version that knew no format a name by which that version does not look for them."""
        old, new = self._session.table(self.format), self._session.new_name(self.entries)
        # The first statement's lock waits for current writers and blocks new ones.
        self._session.execute(sql("ALTER TABLE {} RENAME TO {}", old, new))

    def _upgrade_the_second(self) -> None:
        # Two runs may have found it. One of them waits here, and finds it upgraded.
        self._session.execute(self.lock())
        if self.found() is Found.TODAYS:
            return
        self._upgrade(SECOND_NAMES)
        self._number_as_todays()

    def _number_as_todays(self) -> None:
        """Give a format that is there today's number."""
        formats, number = self._session.table(self.format), Name("format")
        self._session.execute(
            sql("UPDATE {} SET {} = {}", formats, number, Param("format")), {"format": FORMAT}
        )

    def _upgrade(self, there: Collection[str]) -> None:
        """Give the entries the columns that they lack; their flushes are in them, so there is none to write."""
        table = self._session.table(self.entries)
        self._session.execute(
            sql("ALTER TABLE {} RENAME COLUMN {} TO {}", table, Name(CHECKPOINT_BEFORE), Name(CHECKPOINT))
        )
        for column in COLUMNS:
            if column.name not in (*there, CHECKPOINT):
                definition = self._dialect.internal_definition(column)
                self._session.execute(sql("ALTER TABLE {} ADD COLUMN {}", table, definition))
        self._create_table(self.flushes, FLUSH_COLUMNS, FLUSH_KEY)

    def _create(self, number: Callable[[], None]) -> None:
        """Create what is missing of the entries and their flushes; `number` has the format say today's number."""
        if self._dialect.ddl is Ddl.TRANSACTIONAL:
            self._create_table(self.entries, COLUMNS, KEY)
            self._create_table(self.flushes, FLUSH_COLUMNS, FLUSH_KEY)
            number()
            return
        # Each statement commits. The entries come last: without them a killed run has left nothing but what is made
        # again here, or, once there is a number, a ledger that is empty.
        self._create_table(self.flushes, FLUSH_COLUMNS, FLUSH_KEY)
        number()
        self._create_table(self.entries, COLUMNS, KEY)

    def _write_format(self) -> None:
        key = () if self._dialect.keyless else _FORMAT_KEY
        self._create_table(self.format, _FORMAT_COLUMNS, key)
        # With a key, another run that creates the ledger at the same moment may have written the row already.
        insert = self._dialect.insert_new if key else _INSERT
        self._session.execute(
            insert(
                self._session.table(self.format),
                names(column.name for column in _FORMAT_COLUMNS),
                listed(Param(column.name) for column in _FORMAT_COLUMNS),
            ),
            {"format": FORMAT, "notice": NOTICE},
        )

    def _create_table(self, table: TableName, columns: Sequence[InternalColumn], key: Sequence[str]) -> None:
        definitions = map(self._dialect.internal_definition, columns)
        constraint = sql("PRIMARY KEY ({})", names(key)) if key else NOTHING
        self._session.execute(
            sql(
                "CREATE TABLE IF NOT EXISTS {} ({}){}",
                self._session.table(table),
                listed([*definitions, constraint]),
                self._dialect.table_options,
            )
        )


def _demand(place: TableName, names: Sequence[str], found: Collection[str]) -> None:
    """ConfigError when a table that should be the ledger lacks columns."""
    missing = [name for name in names if name not in found]
    if missing:
        raise ConfigError(
            f"The table {place} is not the ledger of this destination: it lacks {', '.join(missing)}.",
            doing="inspecting the ledger",
            remedy="If another version made it, use that version. If it is not a ledger, rename it. Never rename a "
            "real ledger, which is then lost: temp tables with rows are kept and reported, and published generations "
            "are no longer known.",
        )


def _without_flushes(place: TableName) -> ConfigError:
    return ConfigError(
        f"The table {place}, which holds the ledger's latest flushes, is gone.",
        doing="inspecting the ledger",
        remedy="Rename it back. If it was dropped, the ledger no longer knows all acknowledged rows of interrupted "
        "syncs: create it with the bigint columns epoch, number, rows and the varchar columns final_namespace, "
        "final_name, checkpoint_raw_id, highest_raw_id, then refresh the streams whose temp tables hold rows. Its "
        "primary key is final_namespace, final_name, epoch, number.",
    )


def _of_unknown_format(place: TableName, formats: TableName) -> ConfigError:
    return ConfigError(
        f"The table {formats}, which holds the format of the ledger in {place}, is empty.",
        doing="reading the ledger",
        remedy="Nothing was changed. Insert one row into it: the number of the last version's format (this version's "
        f"is {FORMAT}) as format, and any text as notice.",
    )


def _without_format(place: TableName, formats: TableName, *, first: bool) -> ConfigError:
    if first:
        return ConfigError(
            f"There are two ledgers: {place}, and {formats}, which an earlier version created after the other.",
            doing="inspecting the ledger",
            remedy=f"What the earlier version did is not in {place}. Refresh the streams that it synced, stop using "
            f"it, and drop {formats}; the next sync creates it again.",
        )
    return ConfigError(
        f"The table {formats}, which holds the format of the ledger in {place}, is gone.",
        doing="inspecting the ledger",
        remedy="Rename it back. If it was dropped, create it with the columns format (bigint) and notice (varchar), "
        f"and one row: the number of the last version's format (this version's is {FORMAT}), and any text.",
    )
