"""Refuses a connector whose client lacks a method that its `atomic` needs. Calls none of them.

Such a method is first called in the course of an operation: without this question, a sync would end between two commits
of a publication, and so would every later one.
"""

from collections.abc import Mapping

from connectors.contract import Client, ClientOfParts, ClientOfStatements, Connector
from dataflow.errors import InternalError
from machines.parts import Atomic

_NEEDED: Mapping[Atomic, type] = {
    Atomic.EVERYTHING: Client,
    Atomic.ROWS: ClientOfParts,
    Atomic.STATEMENT: ClientOfStatements,
    Atomic.TABLE: ClientOfParts,
}


def expect_members(connector: Connector, client: Client) -> None:
    """Raises InternalError with the methods that the client lacks. Changes nothing, and opens no connection."""
    missing = [name for name in _methods(_NEEDED[connector.atomic]) if not hasattr(client, name)]
    if missing:
        raise InternalError(
            f"The connector's client does not have {', '.join(missing)}, which every connector of a database needs "
            f"whose `atomic` is {connector.atomic}.",
            doing="setting up the destination",
            remedy="Nothing was changed. Report this to the author of the connector, and install a release of it that "
            "has these methods.",
        )


def _methods(protocol: type) -> list[str]:
    # Methods alone: a property's value may cost a request.
    return sorted(
        name
        for each in protocol.__mro__
        for name, member in vars(each).items()
        if each.__module__ == ClientOfParts.__module__ and not name.startswith("_") and callable(member)
    )
