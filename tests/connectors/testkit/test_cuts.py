"""`CutSuite` fails for a connector that claims more than its database keeps, and passes for one that claims less."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve, frozen

from connectors.contract import Connector, Definition
from connectors.duckdb import DEFINITION as DUCKDB
from connectors.duckdb.connection import DuckDbConnection
from connectors.memory import DEFINITION as MEMORY
from connectors.memory.client import MemoryClient
from connectors.memory.connector import MemoryConnector
from connectors.memory.database import SESSIONS, Content
from connectors.sql.text import Sql
from connectors.sqlite import DEFINITION as SQLITE
from connectors.sqlite.client import SqliteClient
from connectors.sqlite.connection import SqliteConnection
from connectors.sqlite.connector import SqliteConnector
from connectors.template.sqlite.test_contract import Look as SqliteLook
from connectors.testkit import CutSuite, Destination
from connectors.testkit.suites.cuts import STORIES
from dataflow.runtime import SYSTEM, Runtime
from dataflow.types import TableName
from machines.parts import Atomic
from tests.connectors.memory import memory_destination
from tests.connectors.test_duckdb import Look as DuckDbLook


@frozen
class Altered:
    """A definition whose connectors are altered before they are used."""

    real: Any
    alter: Callable[[Any], None]
    heard: bool = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> Connector:
        made = self.real.connector(options, run, runtime if self.heard else SYSTEM)
        self.alter(made)
        return cast("Connector", made)


def memory(claims: Atomic, commits: Atomic) -> Destination:
    """A memory destination whose connector claims one class, and whose database commits as another."""

    def alter(connector: MemoryConnector) -> None:
        genuine = connector.client

        def client() -> MemoryClient:
            made = genuine()
            made._session = SESSIONS[commits](connector.database, connector.runtime.requests)
            made.ledger._session = made._session
            return made

        connector.client = client  # type: ignore[method-assign]

    destination = memory_destination(claims)
    return evolve(destination, definition=cast("Definition", Altered(MEMORY, alter)))


def sqlite_destination(file: Path) -> Destination:
    """A SQLite file."""
    return _in_a_file(SQLITE, file, SqliteLook(file))


def duckdb_destination(file: Path) -> Destination:
    """A DuckDB file."""
    return _in_a_file(DUCKDB, file, DuckDbLook(file))


def _in_a_file(definition: Definition, file: Path, look: Any) -> Destination:
    return Destination(
        definition=definition,
        options={"destination_path": str(file)},
        soft_delete={},
        read=look.read,
        tables=look.tables,
    )


STORY = {str(each): each for each in STORIES}
EVERYTHING, ROWS, STATEMENT, TABLE = Atomic


@pytest.mark.parametrize("commits", [ROWS, STATEMENT, TABLE])
@pytest.mark.parametrize(
    "story", ["merge-dedup", "settle-append", "settle-dedup", "dedupe_and_swap-dedup_truncate"]
)
def test_a_connector_that_claims_everything_and_commits_in_parts_fails(commits: Atomic, story: str) -> None:
    with pytest.raises(AssertionError, match=rf"{story} was cut before request \d+"):
        cut(memory(claims=EVERYTHING, commits=commits), story)


def test_a_swap_that_commits_before_its_ledger_loses_the_temp_table() -> None:
    """The rows were acknowledged, the table was renamed, and the ledger still names the table as temp."""
    with pytest.raises(AssertionError, match=r"swap-append_truncate was cut .*temp table \S+ is gone"):
        cut(memory(claims=EVERYTHING, commits=ROWS), "swap-append_truncate")


def test_an_insert_that_commits_after_its_flush_row_loses_the_rows() -> None:
    """The row says that the flush was made; the retry believes it."""
    with pytest.raises(AssertionError, match=r"flush-append lost the answer .*records are lost"):
        lose(memory(claims=EVERYTHING, commits=STATEMENT), "flush-append")


def test_a_copy_that_commits_before_its_ledger_copies_the_rows_twice() -> None:
    with pytest.raises(AssertionError, match=r"settle-dedup was cut .*records are there twice"):
        cut(memory(claims=EVERYTHING, commits=STATEMENT), "settle-dedup")


def test_a_create_that_commits_before_its_ledger_cannot_be_repeated() -> None:
    with pytest.raises(AssertionError, match=r"open_temp-dedup lost the answer .*should be new"):
        lose(memory(claims=EVERYTHING, commits=ROWS), "open_temp-dedup")


def test_rows_that_are_claimed_and_not_kept_with_the_ledger_are_lost() -> None:
    with pytest.raises(AssertionError, match=r"flush-append lost the answer .*records are lost"):
        lose(memory(claims=ROWS, commits=STATEMENT), "flush-append")


@pytest.mark.parametrize("claims", [ROWS, STATEMENT, TABLE])
@pytest.mark.parametrize("story", STORY)
def test_claiming_less_than_the_database_keeps_passes(claims: Atomic, story: str) -> None:
    cut(memory(claims=claims, commits=EVERYTHING), story)
    lose(memory(claims=claims, commits=EVERYTHING), story)


def test_an_exchange_that_a_repetition_exchanges_back_loses_the_rows() -> None:
    """A table has temp's name before and after it: only a mark says which of the two it is."""
    with pytest.raises(AssertionError, match=r"swap-append_truncate was cut .*records are lost"):
        cut(exchanging_without_a_mark(), "swap-append_truncate")


def exchanging_without_a_mark() -> Destination:
    """A memory destination of class C whose overwrite exchanges two names each time it is called."""

    def alter(connector: MemoryConnector) -> None:
        genuine = connector.client

        def client() -> MemoryClient:
            made = genuine()

            def overwrite(source: TableName, target: TableName) -> str:
                def exchange(content: Content) -> Content:
                    tables = content.tables
                    return evolve(content, tables=tables | {target: tables[source], source: tables[target]})

                made._session.change(exchange, shape=True)
                return ""

            made.overwrite_table = overwrite  # type: ignore[method-assign]
            return made

        connector.client = client  # type: ignore[method-assign]

    return evolve(memory_destination(STATEMENT), definition=cast("Definition", Altered(MEMORY, alter)))


def test_a_connector_that_says_of_no_request_fails() -> None:
    destination = evolve(
        memory_destination(), definition=cast("Definition", Altered(MEMORY, lambda made: None, heard=False))
    )

    with pytest.raises(AssertionError, match="claim-dedup"):
        CutSuite().test_a_client_says_of_every_request_that_it_sends(destination)


@pytest.mark.parametrize("story", ["merge-dedup", "settle-append", "swap-append_truncate"])
@pytest.mark.parametrize("connection", [SqliteConnection, DuckDbConnection])
def test_a_client_that_commits_after_each_change_of_tables_fails(
    fast_folder: Path, monkeypatch: pytest.MonkeyPatch, connection: Any, story: str
) -> None:
    """As MySQL and MariaDB do. A prototype lost acknowledged rows so, with every other suite green."""
    genuine = connection.execute

    def execute(self: Any, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Any:
        found = genuine(self, statement, parameters)
        if self.dialect.render(statement).startswith(("CREATE", "ALTER", "DROP")):
            genuine(self, Sql(("COMMIT",)))
            genuine(self, Sql(("BEGIN",)))
        return found

    monkeypatch.setattr(connection, "execute", execute)
    place = fast_folder / "it.db"
    destination = {
        SqliteConnection: lambda: sqlite_destination(place),
        DuckDbConnection: lambda: duckdb_destination(place),
    }[connection]()

    with pytest.raises(AssertionError, match=f"{story} was cut before request"):
        cut(destination, story)


@pytest.mark.parametrize("story", ["settle-append", "settle-dedup", "swap-append_truncate"])
def test_a_file_that_claims_rows_alone_passes(
    fast_folder: Path, monkeypatch: pytest.MonkeyPatch, story: str
) -> None:
    monkeypatch.setattr(SqliteConnector, "atomic", ROWS)
    monkeypatch.setattr(SqliteClient, "end_others", lambda *_: False, raising=False)

    cut(sqlite_destination(fast_folder / "it.db"), story)


def cut(destination: Destination, story: str) -> None:
    """What the suite asks of this story when it is cut."""
    CutSuite().test_a_run_may_end_before_or_after_any_request(destination, STORY[story])


def lose(destination: Destination, story: str) -> None:
    """What it asks when answers are lost."""
    CutSuite().test_the_answer_to_any_request_may_be_lost(destination, STORY[story])
