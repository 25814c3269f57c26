"""The statements of the ledger and the journal, as golden files; GOLDEN=update in the environment writes them anew."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from connectors.journal_table import SqlJournal, Transition
from connectors.ledger import _NAMES as LEDGER_COLUMNS
from connectors.ledger import LedgerEntry, SqlLedger
from dataflow.errors import ConfigError
from dataflow.types import TableName

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("GOLDEN") == "update"
TABLE = TableName("shop", "users")
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

    def __init__(self, *answers: Sequence[tuple[Any, ...]], columns: Collection[str] = ()) -> None:
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

    def column_names(self, table: TableName) -> Collection[str]:
        return self._columns


def ledger(session: Written) -> SqlLedger:
    return SqlLedger(session, "internal", SQL(" FOR UPDATE"))


def journal(session: Written) -> SqlJournal:
    return SqlJournal(session, "internal")


WORK: Mapping[str, tuple[Callable[[Written], Any], Written]] = {
    "ledger_prepare": (lambda to: ledger(to).prepare(), Written([])),
    "ledger_hold": (lambda to: ledger(to).hold(TABLE), Written([])),
    "ledger_save": (lambda to: ledger(to).save(LedgerEntry(table=TABLE)), Written([])),
    "ledger_entries": (lambda to: ledger(to).entries(), Written([], columns=["epoch"])),
    "journal_prepare": (lambda to: journal(to).prepare(), Written([], [])),
    "journal_last": (lambda to: journal(to).last("1-a", 1.5), Written()),
    "journal_append": (lambda to: journal(to).append([Transition(1, ENTRY)]), Written()),
    "journal_forget": (lambda to: journal(to).forget(1.5), Written()),
    "journal_read": (lambda to: journal(to).read(1.5), Written([])),
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


@pytest.mark.parametrize("table", [ledger, journal])
def test_a_table_that_is_there_is_not_made(table: Callable[[Written], SqlLedger | SqlJournal]) -> None:
    """Or who may use it, and not make it, could not sync."""
    session = Written(columns=LEDGER_COLUMNS)

    table(session).prepare()

    assert session.statements == []


def test_a_table_in_the_ledgers_place_is_told_by_what_it_lacks() -> None:
    session = Written([], columns=("final_namespace", "final_name", "epoch"))

    with pytest.raises(ConfigError, match=r"internal\._airbyte_ledger .* has no owner, temp_namespace"):
        ledger(session).prepare()
