"""The way of a record: bytes in, typed batches out, STATE emitted when durable. Knows no machine, no database.

`load` is the one name here that goes up the storeys: what a Python program imports. It is imported when it is asked
for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.engine.api.load import load as load
    from connectors.engine.api.result import LoadResult as LoadResult

__all__ = ["LoadResult", "load"]


def __getattr__(name: str) -> Any:
    """`load`, and the type of its result."""
    if name == "load":
        from connectors.engine.api.load import load

        return load
    if name == "LoadResult":
        from connectors.engine.api.result import LoadResult

        return LoadResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
