"""Refuses a connector whose CREATE TABLE a rollback does not undo. Keeps nothing of what it tries.

A connector whose `atomic` is EVERYTHING promises it, and every operation then supposes it: tables and the ledger change
in one transaction. If each statement commits by itself, a run that dies between two of them leaves a state that no rule
of that class knows, and the next run may lose records. A connector that claims less is not asked.
"""

from contextlib import suppress

from connectors.contract import Client, Connector
from connectors.engine.sync.transactions import Transactions, undone
from dataflow.errors import ConfigError, InternalError
from dataflow.runtime.randomness import token
from dataflow.types import INTEGER, Column, TableName
from machines.parts import Atomic

DOING = "setting up the destination"
TRIED = "_airbyte_rollback_test_"
COLUMNS = (Column("test_key", "test_key", INTEGER),)


def expect_undone(connector: Connector, client: Client) -> None:
    """Make a table and roll back. Raises InternalError when the table is there afterwards, and drops it."""
    if connector.atomic is not Atomic.EVERYTHING:
        return
    table = TableName(connector.default_namespace, f"{TRIED}{token(connector.runtime.randomness, 8)}")
    with undone(client):
        client.create_namespace(table.namespace)
        client.create_table(table, COLUMNS, ())
    if not _exists(client, table):
        return
    with client.transaction():
        client.drop_table(table)
    raise InternalError(
        "The destination keeps a table after the transaction that created it was rolled back.",
        doing="testing whether a rollback undoes CREATE TABLE",
        remedy="Nothing was loaded. This connector cannot be used: a crash between two statements of a transaction "
        "could lose records. Report this to its author: either a rollback undoes all, or `Connector.atomic` says what "
        "the database keeps together.",
    )


def expect_undone_at_first(connector: Connector, transactions: Transactions) -> None:
    """The same, where the ledger knows no table yet. A role that may make no table there is not asked to."""
    client = transactions.client
    if transactions.outside(DOING, lambda: _knows_tables(client)):
        return
    with suppress(ConfigError):
        transactions.outside(DOING, lambda: expect_undone(connector, client))


def _exists(client: Client, table: TableName) -> bool:
    # Rolled back as well, so that nothing is committed for a question.
    with undone(client):
        return client.table_exists(table)


def _knows_tables(client: Client) -> bool:
    with undone(client):
        return bool(client.ledger.entries())
