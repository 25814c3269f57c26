"""The statements of the ledger and the journal, as golden files of each dialect; GOLDEN=update rewrites them."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from connectors.contract.journal import TABLE as JOURNAL_TABLE
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry
from connectors.duckdb.columns import DUCKDB
from connectors.mysql.columns import MYSQL
from connectors.postgres.columns import POSTGRES
from connectors.sql.dialect import Dialect
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.ledger_format import FIRST_NAMES, FORMAT, SECOND_NAMES
from connectors.sql.ledger_rows import FLUSH_NAMES, FLUSH_TABLE, FORMAT_TABLE, NAMES, row_of, row_of_flush
from connectors.sql.ledger_rows import TABLE as LEDGER_TABLE
from connectors.sql.loads import FILE_NAMES, FILE_TABLE, SHARD_NAMES, SHARD_TABLE
from connectors.sql.text import Name, Sql
from connectors.sqlite.columns import SQLITE
from dataflow.errors import ConfigError
from dataflow.types import StreamName, TableName
from machines.flushes import FlushRow
from machines.loads import LoadedFile, ShardRow

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("GOLDEN") == "update"
TABLE = TableName("shop", "users")
LEDGER = {LEDGER_TABLE: NAMES, FLUSH_TABLE: FLUSH_NAMES, FORMAT_TABLE: ("format", "notice")}
LEDGER_BEFORE = {LEDGER_TABLE: SECOND_NAMES, FORMAT_TABLE: ("format", "notice")}
JOURNAL = {JOURNAL_TABLE: ("number",)}
ENTRY = {
    "run": "1-a",
    "machine": "destination",
    "from": "idle",
    "event": "start",
    "to": "setting_up",
    "at": 1.5,
}


class Written:
    """A session that writes down what it is asked, and answers that it found nothing."""

    def __init__(
        self,
        *answers: Sequence[tuple[Any, ...]],
        tables: Mapping[str, Collection[str]] = MappingProxyType({}),
        dialect: Dialect = POSTGRES,
    ) -> None:
        """`tables` are those that there are, by their names, with their columns."""
        self.dialect = dialect
        self.statements: list[str] = []
        self.values: list[Mapping[str, Any]] = []
        self._answers = list(answers)
        self._tables = tables

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        self.statements.append(self.dialect.render(statement))
        self.values.append(dict(parameters or {}))
        return self._answers.pop(0) if self._answers else [(0,)]

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return len(self.execute(statement, parameters))

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self.statements.append(self.dialect.render(statement))
        self.values += rows

    def table(self, table: TableName) -> Name:
        return Name(table.namespace, table.name)

    def new_name(self, table: TableName) -> Name:
        return Name(table.name)

    def column_names(self, table: TableName) -> Collection[str]:
        return self._tables.get(table.name, ())


def ledger(session: Written) -> SqlLedger:
    return SqlLedger(session, "internal", session.dialect)


def journal(session: Written) -> SqlJournal:
    return SqlJournal(session, "internal", session.dialect)


SHARDS = [ShardRow(load="one", number=number, spec="{}", millisecond=number) for number in range(2)]
FILES = [LoadedFile(uri=uri, size=1, etag="y", load="two") for uri in "ab"]
LOADS = {SHARD_TABLE: SHARD_NAMES, FILE_TABLE: FILE_NAMES}
ROW = tuple(row_of(LedgerEntry(table=TABLE)).values())
FLUSH = tuple(row_of_flush(TABLE, FlushRow(epoch=0, number=1)).values())
# What is done, what the session answers, and the tables that there are.
WORK: Mapping[
    str, tuple[Callable[[Written], Any], Sequence[Sequence[tuple[Any, ...]]], Mapping[str, Collection[str]]]
] = {
    "ledger_prepare": (lambda to: ledger(to).prepare(), [[]], {}),
    "ledger_upgrade": (
        lambda to: ledger(to).prepare(),
        [[(FORMAT - 1,)], [(FORMAT - 1,)], [(FORMAT - 1,)]],
        LEDGER_BEFORE,
    ),
    "ledger_upgrade_of_the_first_format": (
        lambda to: ledger(to).prepare(),
        [[]],
        {FORMAT_TABLE: FIRST_NAMES},
    ),
    "ledger_hold": (lambda to: ledger(to).hold(TABLE), [[ROW], []], {}),
    "ledger_hold_with_flushes": (lambda to: ledger(to).hold(TABLE), [[ROW], [FLUSH]], {}),
    "ledger_share": (lambda to: ledger(to).share(TABLE), [[]], {}),
    "ledger_flushed": (lambda to: ledger(to).flushed(TABLE, FlushRow(epoch=1, number=1)), [[]], {}),
    "ledger_like": (lambda to: ledger(to).like(TABLE, StreamName(None, "users")), [[], []], {}),
    "ledger_save": (lambda to: ledger(to).save(LedgerEntry(table=TABLE)), [[]], {}),
    "ledger_entries": (lambda to: ledger(to).entries(), [[(FORMAT,)], [], []], LEDGER),
    "ledger_entries_of_the_second_format": (
        lambda to: ledger(to).entries(),
        [[(FORMAT - 1,)], []],
        LEDGER_BEFORE,
    ),
    "ledger_entries_of_the_first_format": (
        lambda to: ledger(to).entries(),
        [[]],
        {FORMAT_TABLE: FIRST_NAMES},
    ),
    "loads_prepare": (lambda to: ledger(to).prepare_loads(), [[], []], {}),
    "loads_open_shards": (lambda to: ledger(to).open_shards(TABLE, SHARDS), [[]], LOADS),
    "loads_shards": (lambda to: ledger(to).shards(TABLE), [[]], LOADS),
    "loads_take_shard": (lambda to: ledger(to).take_shard(TABLE, "one", 1), [[]], LOADS),
    "loads_end_shard": (lambda to: ledger(to).end_shard(TABLE, "one", 1, 2), [[]], LOADS),
    "loads_forget_shards": (lambda to: ledger(to).forget_shards(TABLE), [[]], LOADS),
    "loads_files": (lambda to: ledger(to).files(TABLE, "users"), [[]], LOADS),
    "loads_add_files": (
        lambda to: ledger(to).add_files(TABLE, "users", FILES),
        [[("a", 1, "x", "one")]],
        LOADS,
    ),
    "loads_forget_files": (lambda to: ledger(to).forget_files(TABLE), [[]], LOADS),
    "journal_prepare": (lambda to: journal(to).prepare(), [[], []], {}),
    "journal_last": (lambda to: journal(to).last("1-a", 1.5), [], {}),
    "journal_append": (lambda to: journal(to).append([Transition(1, ENTRY)]), [], {}),
    "journal_forget": (lambda to: journal(to).forget(1.5), [], {}),
    "journal_read": (lambda to: journal(to).read(1.5), [[]], {}),
    "journal_lives": (lambda to: journal(to).lives(), [[]], {}),
    "journal_read_of_a_run": (lambda to: journal(to).read(1.5, "1-a"), [[]], {}),
}
DIALECTS = {"duckdb": DUCKDB, "mysql": MYSQL, "postgres": POSTGRES, "sqlite": SQLITE}


@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_statement_is_what_its_golden_file_says(dialect: str, name: str) -> None:
    work, answers, tables = WORK[name]
    session = Written(*answers, dialect=DIALECTS[dialect], tables=tables)
    path = GOLDEN / dialect / f"{name}.sql"

    work(session)

    text = "".join(f"{statement};\n" for statement in session.statements)
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


def test_every_golden_file_belongs_to_a_statement() -> None:
    found = {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*.sql")}

    assert found == {f"{dialect}/{name}.sql" for dialect in DIALECTS for name in WORK}


def test_any_number_of_transitions_is_one_statement_and_always_the_same() -> None:
    few, many = Written(), Written()

    journal(few).append([Transition(1, ENTRY)])
    journal(many).append([Transition(number, ENTRY) for number in range(100)])

    assert few.statements == many.statements
    assert [values["number"] for values in many.values] == list(range(100))


def test_a_ledger_and_a_journal_that_are_there_are_not_made() -> None:
    """Otherwise a role that may use them, and not make them, could not sync."""
    session = Written([(FORMAT,)], tables={**LEDGER, **LOADS, **JOURNAL})

    ledger(session).prepare()
    ledger(session).prepare_loads()
    journal(session).prepare()

    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_a_table_in_the_ledgers_place_is_reported_by_what_it_lacks() -> None:
    session = Written([], tables={FORMAT_TABLE: ("final_namespace", "final_name", "epoch")})

    with pytest.raises(ConfigError, match=r"internal\._airbyte_ledger .* lacks owner, temp_namespace"):
        ledger(session).prepare()


@pytest.mark.parametrize("work", [SqlLedger.prepare, SqlLedger.entries])
@pytest.mark.parametrize("number", [FORMAT - 2, FORMAT + 1])
def test_a_ledger_of_another_format_is_refused_by_its_number(
    work: Callable[[SqlLedger], Any], number: int
) -> None:
    session = Written([(number,)], tables=LEDGER)

    with pytest.raises(ConfigError, match=f"has format {number}, and this version uses format {FORMAT}"):
        work(ledger(session))
    assert [text for text in session.statements if not text.startswith("SELECT")] == []


@pytest.mark.parametrize("work", [SqlLedger.prepare, SqlLedger.entries])
def test_a_ledger_whose_format_was_deleted_is_refused_with_how_to_restore_it(
    work: Callable[[SqlLedger], Any],
) -> None:
    session = Written([(None,)], tables=LEDGER)

    with pytest.raises(ConfigError, match=r"internal\._airbyte_ledger, .* is empty") as refused:
        work(ledger(session))
    assert f"this version's is {FORMAT}" in refused.value.remedy
    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_a_ledger_of_a_later_format_is_refused_by_its_number_whatever_columns_it_has() -> None:
    """That it is no ledger would be untrue, and to rename it would lose it."""
    session = Written([(FORMAT + 1,)], tables={FORMAT_TABLE: ("format",), LEDGER_TABLE: ("something_else",)})

    with pytest.raises(ConfigError, match=f"has format {FORMAT + 1}"):
        ledger(session).prepare()


def test_a_ledger_that_an_earlier_version_began_beside_ours_is_refused() -> None:
    session = Written([], tables={LEDGER_TABLE: NAMES, FORMAT_TABLE: FIRST_NAMES})

    with pytest.raises(ConfigError, match="There are two ledgers"):
        ledger(session).prepare()
    assert session.statements == []


def test_a_ledger_whose_format_is_gone_is_refused() -> None:
    session = Written([], tables={LEDGER_TABLE: NAMES})

    with pytest.raises(ConfigError, match=r"holds the format of the ledger .* is gone"):
        ledger(session).prepare()
    assert session.statements == []


@pytest.mark.parametrize("number", [FORMAT - 1, FORMAT])
def test_entries_that_somebody_dropped_are_created_again_in_todays_format(number: int) -> None:
    session = Written([(number,)], tables={FORMAT_TABLE: ("format", "notice")})

    ledger(session).prepare()

    *created, numbered = session.statements[1:]
    assert [text.split(" (")[0] for text in created] == [
        'CREATE TABLE IF NOT EXISTS "internal"."_airbyte_streams"',
        'CREATE TABLE IF NOT EXISTS "internal"."_airbyte_flushes"',
    ]
    assert numbered.startswith('UPDATE "internal"."_airbyte_ledger" SET "format"')


@pytest.mark.parametrize(
    "found", [{}, {LEDGER_TABLE: NAMES, FORMAT_TABLE: ("format", "notice")}], ids=["nothing", "a ledger"]
)
def test_a_table_in_the_place_of_the_flushes_is_refused_and_not_touched(found: dict[str, Any]) -> None:
    session = Written([(FORMAT,)], tables={**found, FLUSH_TABLE: ("something_else",)})

    with pytest.raises(ConfigError, match=r"internal\._airbyte_flushes is not the ledger"):
        ledger(session).prepare()
    assert [text for text in session.statements if not text.startswith("SELECT")] == []


@pytest.mark.parametrize("name", LOADS)
def test_a_table_in_the_place_of_those_of_loads_is_refused_and_not_touched(name: str) -> None:
    session = Written(tables={**LOADS, name: ("something_else",)})

    with pytest.raises(ConfigError, match=rf"internal\.{name} is not the one .* lacks final_namespace"):
        ledger(session).prepare_loads()
    assert session.statements == []


def test_a_ledger_whose_flushes_are_gone_is_refused() -> None:
    """Acknowledged rows of a temp table would be taken for rows that no STATE covers, and cut."""
    session = Written([(FORMAT,)], tables={LEDGER_TABLE: NAMES, FORMAT_TABLE: ("format", "notice")})

    with pytest.raises(ConfigError, match=r"internal\._airbyte_flushes, which holds .* is gone"):
        ledger(session).prepare()
    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_a_version_that_updates_entries_with_each_flush_stops_at_todays_columns() -> None:
    """It would cut temp to a checkpoint that is not today's, and lose rows that a STATE covers."""
    assert set(SECOND_NAMES) - set(NAMES) == {"checkpoint"}


def test_a_run_that_waited_for_another_ones_upgrade_upgrades_nothing() -> None:
    class Waiting(Written):
        def execute(
            self, statement: Sql, parameters: Mapping[str, Any] | None = None
        ) -> Sequence[tuple[Any, ...]]:
            found = super().execute(statement, parameters)
            if "FOR UPDATE" in self.statements[-1]:
                self._tables = LEDGER
            return found

    session = Waiting([(FORMAT - 1,)], [(FORMAT - 1,)], [(FORMAT,)], tables=LEDGER_BEFORE)

    ledger(session).prepare()

    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_the_first_version_takes_todays_format_table_for_no_ledger_of_its_own() -> None:
    """It looks for these columns only, and stops where one is missing."""
    session = Written()

    ledger(session).prepare()

    (made,) = (text for text in session.statements if f'"{FORMAT_TABLE}" (' in text and "CREATE" in text)
    assert not any(f'"{name}"' in made for name in FIRST_NAMES)
