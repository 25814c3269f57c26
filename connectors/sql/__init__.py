"""What databases that speak SQL have in common: the public face. Imports no driver and knows no database's name.

Names are looked up when they are first used, so a start loads no more than it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.sql.client import SqlClient
    from connectors.sql.connection import Connection, Locks
    from connectors.sql.deletion import says_alive, says_deleted
    from connectors.sql.dialect import Ddl, Dialect, Holds, InternalColumn, KeyIndex, Parameters, Quote
    from connectors.sql.errors import Meaning, by_code, explained, meant
    from connectors.sql.evolution import Conversion, alterations
    from connectors.sql.file_locks import StreamLocks
    from connectors.sql.inspection import Inspection
    from connectors.sql.journal import SqlJournal
    from connectors.sql.ledger import SqlLedger
    from connectors.sql.merging import dedupe, merge
    from connectors.sql.refusals import in_use, name_taken, not_ours
    from connectors.sql.rehearsal import rehearse
    from connectors.sql.rows import RowBuffer, RowConnection
    from connectors.sql.session import Session
    from connectors.sql.ssh_options import TUNNELS, Tunnel, TunnelMethod
    from connectors.sql.ssh_tunnel import Entrance, SshTunnel
    from connectors.sql.statements import Statements
    from connectors.sql.stored_text import StoredText
    from connectors.sql.text import (
        NOTHING,
        Keyword,
        Name,
        Param,
        Part,
        Place,
        Sql,
        Template,
        Type,
        Value,
        join,
        listed,
        names,
        sql,
        template,
    )

__all__ = [
    "NOTHING",
    "TUNNELS",
    "Connection",
    "Conversion",
    "Ddl",
    "Dialect",
    "Entrance",
    "Holds",
    "Inspection",
    "InternalColumn",
    "KeyIndex",
    "Keyword",
    "Locks",
    "Meaning",
    "Name",
    "Param",
    "Parameters",
    "Part",
    "Place",
    "Quote",
    "RowBuffer",
    "RowConnection",
    "Session",
    "Sql",
    "SqlClient",
    "SqlJournal",
    "SqlLedger",
    "SshTunnel",
    "Statements",
    "StoredText",
    "StreamLocks",
    "Template",
    "Tunnel",
    "TunnelMethod",
    "Type",
    "Value",
    "alterations",
    "by_code",
    "dedupe",
    "explained",
    "in_use",
    "join",
    "listed",
    "meant",
    "merge",
    "name_taken",
    "names",
    "not_ours",
    "rehearse",
    "says_alive",
    "says_deleted",
    "sql",
    "template",
]

_HOMES = {
    "alterations": "evolution",
    "by_code": "errors",
    "Connection": "connection",
    "Conversion": "evolution",
    "Ddl": "dialect",
    "dedupe": "merging",
    "Dialect": "dialect",
    "Entrance": "ssh_tunnel",
    "explained": "errors",
    "Holds": "dialect",
    "in_use": "refusals",
    "Inspection": "inspection",
    "InternalColumn": "dialect",
    "KeyIndex": "dialect",
    "Locks": "connection",
    "Meaning": "errors",
    "meant": "errors",
    "merge": "merging",
    "name_taken": "refusals",
    "not_ours": "refusals",
    "Parameters": "dialect",
    "Quote": "dialect",
    "rehearse": "rehearsal",
    "RowBuffer": "rows",
    "RowConnection": "rows",
    "says_alive": "deletion",
    "says_deleted": "deletion",
    "Session": "session",
    "SqlClient": "client",
    "SqlJournal": "journal",
    "SqlLedger": "ledger",
    "SshTunnel": "ssh_tunnel",
    "Statements": "statements",
    "StoredText": "stored_text",
    "StreamLocks": "file_locks",
    "Tunnel": "ssh_options",
    "TunnelMethod": "ssh_options",
    "TUNNELS": "ssh_options",
}


def __getattr__(name: str) -> Any:
    """A name of the face, from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'text')}"), name)
