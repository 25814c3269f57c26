"""The statements of the ledger and the journal, as golden files; GOLDEN=update in the environment writes them anew."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from connectors.contract.journal import TABLE as JOURNAL_TABLE
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import _FIRST_NAMES as FIRST_COLUMNS
from connectors.sql.ledger import _NAMES as LEDGER_COLUMNS
from connectors.sql.ledger import FORMAT, FORMAT_TABLE, SqlLedger
from connectors.sql.ledger import TABLE as LEDGER_TABLE
from dataflow.errors import ConfigError
from dataflow.types import StreamName, TableName

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("GOLDEN") == "update"
TABLE = TableName("shop", "users")
LEDGER = {LEDGER_TABLE: LEDGER_COLUMNS, FORMAT_TABLE: ("format", "notice")}
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

    def __init__(self, *answers: Sequence[tuple[Any, ...]], **columns: Collection[str]) -> None:
        """`columns` are those of the tables that there are, by their names."""
        self.statements: list[str] = []
        self.values: list[Mapping[str, Any]] = []
        self._answers = list(answers)
        self._columns = columns

    def execute(
        self, statement: Composed, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        self.statements.append(statement.as_string(None))
        self.values.append(dict(parameters or {}))
        return self._answers.pop(0) if self._answers else [(0,)]

    def execute_many(self, statement: Composed, rows: Sequence[Mapping[str, Any]]) -> None:
        self.statements.append(statement.as_string(None))
        self.values += rows

    def parameter(self, name: str) -> Placeholder:
        return Placeholder(name)

    def table(self, table: TableName) -> Identifier:
        return Identifier(table.namespace, table.name)

    def new_name(self, table: TableName) -> Identifier:
        return Identifier(table.name)

    def column_names(self, table: TableName) -> Collection[str]:
        return self._columns.get(table.name, ())


def ledger(session: Written) -> SqlLedger:
    return SqlLedger(session, "internal", SQL(" FOR UPDATE"))


def journal(session: Written) -> SqlJournal:
    return SqlJournal(session, "internal")


WORK: Mapping[str, tuple[Callable[[Written], Any], Written]] = {
    "ledger_prepare": (lambda to: ledger(to).prepare(), Written([])),
    "ledger_upgrade": (lambda to: ledger(to).prepare(), Written([], **{FORMAT_TABLE: FIRST_COLUMNS})),
    "ledger_hold": (lambda to: ledger(to).hold(TABLE), Written([])),
    "ledger_like": (lambda to: ledger(to).like(TABLE, StreamName(None, "users")), Written([], [])),
    "ledger_save": (lambda to: ledger(to).save(LedgerEntry(table=TABLE)), Written([])),
    "ledger_entries": (lambda to: ledger(to).entries(), Written([(FORMAT,)], [], **LEDGER)),
    "ledger_entries_of_the_first_format": (
        lambda to: ledger(to).entries(),
        Written([], **{FORMAT_TABLE: FIRST_COLUMNS}),
    ),
    "journal_prepare": (lambda to: journal(to).prepare(), Written([], [])),
    "journal_last": (lambda to: journal(to).last("1-a", 1.5), Written()),
    "journal_append": (lambda to: journal(to).append([Transition(1, ENTRY)]), Written()),
    "journal_forget": (lambda to: journal(to).forget(1.5), Written()),
    "journal_read": (lambda to: journal(to).read(1.5), Written([])),
    "journal_lives": (lambda to: journal(to).lives(), Written([])),
    "journal_read_of_a_run": (lambda to: journal(to).read(1.5, "1-a"), Written([])),
}


@pytest.mark.parametrize("name", WORK)
def test_a_statement_is_what_its_golden_file_says(name: str) -> None:
    work, session = WORK[name]
    path = GOLDEN / f"{name}.sql"

    work(session)

    text = "".join(f"{statement};\n" for statement in session.statements)
    if UPDATE:
        path.write_text(text)
    assert path.read_text() == text


def test_every_golden_file_belongs_to_a_statement() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(WORK)


def test_any_number_of_transitions_is_one_statement_and_always_the_same() -> None:
    few, many = Written(), Written()

    journal(few).append([Transition(1, ENTRY)])
    journal(many).append([Transition(number, ENTRY) for number in range(100)])

    assert few.statements == many.statements
    assert [values["number"] for values in many.values] == list(range(100))


def test_a_ledger_and_a_journal_that_are_there_are_not_made() -> None:
    """Or whoever may use them, and not make them, could not sync."""
    session = Written([(FORMAT,)], **LEDGER, **JOURNAL)

    ledger(session).prepare()
    journal(session).prepare()

    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_a_table_in_the_ledgers_place_is_told_by_what_it_lacks() -> None:
    session = Written([], **{FORMAT_TABLE: ("final_namespace", "final_name", "epoch")})

    with pytest.raises(ConfigError, match=r"internal\._airbyte_ledger .* lacks owner, temp_namespace"):
        ledger(session).prepare()


@pytest.mark.parametrize("work", [SqlLedger.prepare, SqlLedger.entries])
@pytest.mark.parametrize("number", [FORMAT - 1, FORMAT + 1, None])
def test_a_ledger_of_another_format_is_refused_by_its_number(
    work: Callable[[SqlLedger], Any], number: int | None
) -> None:
    session = Written([(number,)], **LEDGER)

    with pytest.raises(ConfigError, match=f"has format {number}, and this version uses format {FORMAT}"):
        work(ledger(session))
    assert [text for text in session.statements if not text.startswith("SELECT")] == []


def test_a_ledger_of_a_later_format_is_refused_by_its_number_whatever_columns_it_has() -> None:
    """That it is no ledger would be untrue, and to rename it would lose it."""
    session = Written([(FORMAT + 1,)], **{FORMAT_TABLE: ("format",), LEDGER_TABLE: ("something_else",)})

    with pytest.raises(ConfigError, match=f"has format {FORMAT + 1}"):
        ledger(session).prepare()


def test_a_ledger_that_an_earlier_version_began_beside_ours_is_refused() -> None:
    session = Written([], **{LEDGER_TABLE: LEDGER_COLUMNS, FORMAT_TABLE: FIRST_COLUMNS})

    with pytest.raises(ConfigError, match="There are two ledgers"):
        ledger(session).prepare()
    assert session.statements == []


def test_a_ledger_whose_format_is_gone_is_refused() -> None:
    session = Written([], **{LEDGER_TABLE: LEDGER_COLUMNS})

    with pytest.raises(ConfigError, match=r"holds the format of the ledger .* is gone"):
        ledger(session).prepare()
    assert session.statements == []


def test_entries_that_somebody_dropped_begin_anew_in_todays_format() -> None:
    session = Written([(FORMAT,)], **{FORMAT_TABLE: ("format", "notice")})

    ledger(session).prepare()

    assert [text.split(" (")[0] for text in session.statements[1:]] == [
        'CREATE TABLE IF NOT EXISTS "internal"."_airbyte_streams"'
    ]


def test_the_first_version_takes_todays_format_table_for_no_ledger_of_its_own() -> None:
    """It looks for these columns only, and stops where one is missing."""
    session = Written()

    ledger(session).prepare()

    (made,) = (text for text in session.statements if f'"{FORMAT_TABLE}" (' in text and "CREATE" in text)
    assert not any(f'"{name}"' in made for name in FIRST_COLUMNS)
