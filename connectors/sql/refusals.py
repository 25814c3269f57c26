"""The errors about a table's name or columns that every SQL connector raises in the same words. Decides nothing."""

from collections.abc import Iterable

from dataflow.errors import ConfigError
from dataflow.types import TableName


def name_taken(table: TableName, holder: str) -> ConfigError:
    """Something that is no table has the name; `holder` is its kind."""
    return ConfigError(
        f"{table} is a {holder}, not a table.",
        remedy=f"Rename or drop the {holder}, or add a prefix in the connection's configuration.",
    )


def not_ours(table: TableName, missing: Iterable[str]) -> ConfigError:
    """A table lacks columns without which it cannot be one that a destination filled."""
    return ConfigError(
        f"The target table ({table}) already exists in the destination, but does not contain Airbyte's internal "
        f"columns: {', '.join(missing)}. Airbyte can only sync to Airbyte-controlled tables.",
        remedy="Rename or delete the target table, or add a prefix in the connection configuration in order to sync to "
        "a separate table in the destination.",
    )


def in_use(table: TableName, holder: str) -> ConfigError:
    """Another run, called `holder`, keeps the table's lock."""
    return ConfigError(
        f"Table {table} is in use: run {holder} is writing to it.",
        doing="locking the stream",
        remedy="Wait for that sync to end, or stop it; one sync at a time can write to a table.",
    )
