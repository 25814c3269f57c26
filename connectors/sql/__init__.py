"""What databases that speak SQL have in common: the public face. Imports no driver and knows no database's name.

Names are looked up when they are first used, so a start loads no more than it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.sql.client import SqlClient
    from connectors.sql.deletion import says_alive, says_deleted
    from connectors.sql.dialect import Ddl, Dialect, Holds, InternalColumn, Parameters, Quote
    from connectors.sql.errors import Meaning, by_code, explained, meant
    from connectors.sql.file_locks import StreamLocks
    from connectors.sql.journal import SqlJournal
    from connectors.sql.ledger import SqlLedger
    from connectors.sql.merging import dedupe, merge
    from connectors.sql.refusals import in_use, name_taken, not_ours
    from connectors.sql.rows import RowBuffer
    from connectors.sql.session import Session
    from connectors.sql.ssh_options import TUNNELS, Tunnel, TunnelMethod
    from connectors.sql.ssh_tunnel import Entrance, SshTunnel
    from connectors.sql.statements import Statements
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
    "Ddl",
    "Dialect",
    "Entrance",
    "Holds",
    "InternalColumn",
    "Keyword",
    "Meaning",
    "Name",
    "Param",
    "Parameters",
    "Part",
    "Place",
    "Quote",
    "RowBuffer",
    "Session",
    "Sql",
    "SqlClient",
    "SqlJournal",
    "SqlLedger",
    "SshTunnel",
    "Statements",
    "StreamLocks",
    "Template",
    "Tunnel",
    "TunnelMethod",
    "Type",
    "Value",
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
    "says_alive",
    "says_deleted",
    "sql",
    "template",
]

_HOMES = {
    "Ddl": "dialect",
    "Dialect": "dialect",
    "Entrance": "ssh_tunnel",
    "Holds": "dialect",
    "InternalColumn": "dialect",
    "Meaning": "errors",
    "Parameters": "dialect",
    "Quote": "dialect",
    "RowBuffer": "rows",
    "Session": "session",
    "SqlClient": "client",
    "SqlJournal": "journal",
    "SqlLedger": "ledger",
    "SshTunnel": "ssh_tunnel",
    "Statements": "statements",
    "StreamLocks": "file_locks",
    "TUNNELS": "ssh_options",
    "Tunnel": "ssh_options",
    "TunnelMethod": "ssh_options",
    "by_code": "errors",
    "dedupe": "merging",
    "explained": "errors",
    "meant": "errors",
    "merge": "merging",
    "in_use": "refusals",
    "name_taken": "refusals",
    "not_ours": "refusals",
    "says_alive": "deletion",
    "says_deleted": "deletion",
}


def __getattr__(name: str) -> Any:
    """A name of the face, from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'text')}"), name)
