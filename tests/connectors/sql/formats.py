"""Turns today's ledger into one that an earlier version left, by the statements that the version sent."""

from pathlib import Path
from typing import cast

from connectors.contract import Client
from connectors.sql.dialect import Dialect
from connectors.sql.ledger_format import CHECKPOINT_BEFORE, FIRST_NAMES, SECOND_NAMES
from connectors.sql.ledger_rows import CHECKPOINT, FORMAT_TABLE, TABLE, TABLES, row_of
from connectors.sql.session import Session
from connectors.sql.text import Name, Param, Sql, listed, names, sql
from dataflow.types import TableName

RECORDED = Path(__file__).parent / "recorded"
FILES = {"DuckDB": "duckdb", "PostgreSQL": "postgres", "SQLite": "sqlite"}


def leave_the_second_format(client: Client, dialect: Dialect, namespace: str) -> None:
    """The ledger as the version left it that updated the entry with each flush."""
    session, kept = cast("Session", client), client.ledger.entries()
    for name in TABLES:
        session.execute(sql("DROP TABLE {}", session.table(TableName(namespace, name))))
    entries, formats = (session.table(TableName(namespace, name)) for name in (TABLE, FORMAT_TABLE))
    recorded = (RECORDED / f"ledger_of_format_2_{FILES[dialect.name]}.sql").read_text()
    for statement in recorded.splitlines():
        for place, table in (("{entries}", entries), ("{format}", formats)):
            if place in statement:
                before, after = statement.split(place)
                session.execute(Sql((before, table, after)))
    session.execute(sql("INSERT INTO {} VALUES (2, 'a notice')", formats))
    for entry in kept:
        row = row_of(entry)
        session.execute(
            sql(
                "INSERT INTO {} ({}) VALUES ({})",
                entries,
                names(SECOND_NAMES),
                listed(map(Param, SECOND_NAMES)),
            ),
            {name: row[CHECKPOINT if name == CHECKPOINT_BEFORE else name] for name in SECOND_NAMES},
        )


def leave_the_first_format(client: Client, dialect: Dialect, namespace: str) -> None:
    """The ledger as the version left it that knew no formats, and neither streams nor columns."""
    leave_the_second_format(client, dialect, namespace)
    session = cast("Session", client)
    entries, formats = (TableName(namespace, name) for name in (TABLE, FORMAT_TABLE))
    session.execute(sql("DROP TABLE {}", session.table(formats)))
    for name in SECOND_NAMES:
        if name not in FIRST_NAMES:
            session.execute(sql("ALTER TABLE {} DROP COLUMN {}", session.table(entries), Name(name)))
    session.execute(sql("ALTER TABLE {} RENAME TO {}", session.table(entries), session.new_name(formats)))
