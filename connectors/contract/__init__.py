"""What a connector author implements, and is promised: the public face. Holds no code that runs a sync.

Names are looked up when they are first used: `spec` answers without the libraries that they need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.contract.client import (
        Client,
        ClientOfParts,
        ClientOfStatements,
        InsertBuffer,
        Statement,
        Statistics,
        TableOperationsClient,
        TableSchemaEvolutionClient,
        Writer,
    )
    from connectors.contract.connector import ColumnUtils, Connector, Definition
    from connectors.contract.journal import JournalTable, Transition
    from connectors.contract.ledger import Ledger, LedgerEntry, Owner
    from connectors.contract.loads import LoadLedger, OpenedLoad
    from connectors.contract.version import CONTRACT
    from machines.flushes import FlushRow
    from machines.loads import LoadedFile, ShardRow
    from machines.operations import Recipe
    from machines.parts import Atomic

__all__ = [
    "CONTRACT",
    "Atomic",
    "Client",
    "ClientOfParts",
    "ClientOfStatements",
    "ColumnUtils",
    "Connector",
    "Definition",
    "FlushRow",
    "InsertBuffer",
    "JournalTable",
    "Ledger",
    "LedgerEntry",
    "LoadLedger",
    "LoadedFile",
    "OpenedLoad",
    "Owner",
    "Recipe",
    "ShardRow",
    "Statement",
    "Statistics",
    "TableOperationsClient",
    "TableSchemaEvolutionClient",
    "Transition",
    "Writer",
]

_HOMES = {
    "Atomic": "machines.parts",
    "CONTRACT": "connectors.contract.version",
    "Client": "connectors.contract.client",
    "ClientOfParts": "connectors.contract.client",
    "ClientOfStatements": "connectors.contract.client",
    "ColumnUtils": "connectors.contract.connector",
    "Connector": "connectors.contract.connector",
    "Definition": "connectors.contract.connector",
    "FlushRow": "machines.flushes",
    "InsertBuffer": "connectors.contract.client",
    "JournalTable": "connectors.contract.journal",
    "Ledger": "connectors.contract.ledger",
    "LedgerEntry": "connectors.contract.ledger",
    "LoadLedger": "connectors.contract.loads",
    "LoadedFile": "machines.loads",
    "OpenedLoad": "connectors.contract.loads",
    "Owner": "connectors.contract.ledger",
    "Recipe": "machines.operations",
    "ShardRow": "machines.loads",
    "Statement": "connectors.contract.client",
    "Statistics": "connectors.contract.client",
    "TableOperationsClient": "connectors.contract.client",
    "TableSchemaEvolutionClient": "connectors.contract.client",
    "Transition": "connectors.contract.journal",
    "Writer": "connectors.contract.client",
}


def __getattr__(name: str) -> Any:
    """A name of the face, from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
