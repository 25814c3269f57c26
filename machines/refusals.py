"""Why a stream is not started although its facts were found: the sentences. Decides nothing; the life asks for them."""

from collections.abc import Sequence

from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.types import StreamName, TableName
from machines.formatting import number_of
from machines.loads import ShardRow, written
from machines.operations import KeyFacts, Recipe


def rows_are_gone(stream: StreamName, temp: TableName, lost: Recipe) -> ConfigError:
    """The temp table is gone with rows that a STATE covers."""
    return ConfigError(
        f"The temp table {temp} is gone. According to the ledger it held rows that a STATE covers, from "
        f"{lost}: they may have been acknowledged to the source.",
        doing=_starting(stream),
        remedy="Restore the table, or refresh the stream, which loads all of its records again. To go on without "
        "these rows, create an empty table of that name.",
    )


def rows_are_unknown(stream: StreamName, temp: TableName, final: TableName) -> ConfigError:
    """The temp table holds rows, and the ledger has no recipe for them."""
    return ConfigError(
        f"The temp table {temp} holds rows, and the ledger does not say how they belong to {final}. They "
        "may have been acknowledged to the source.",
        doing=_starting(stream),
        remedy="Inspect its rows: copy what you need into the final table, drop the temp table, and run the sync "
        "again.",
    )


def files_were_loaded(stream: StreamName, final: TableName) -> ConfigError:
    """Another load has published some of the files since this load was planned."""
    return ConfigError(
        f"Another load has added some of these files to {final} since this load of stream {stream} was planned.",
        doing=_starting(stream),
        remedy="Nothing was changed. Run the same command again: it loads the files that are not in the table yet.",
    )


def load_is_open(table: TableName, shards: Sequence[ShardRow]) -> ConfigError:
    """A load is open on a table that another life claims."""
    return ConfigError(
        f"A load is open on {table}: {written(shards)} of its {number_of(len(shards), 'shard')} are there.",
        doing=f"claiming {table}",
        remedy="Nothing was changed. Finish the load with the same `dataflow load` command, or with `dataflow shards "
        "publish PLAN`. To drop what it loaded: `dataflow shards discard PLAN`.",
    )


def load_is_over(table: TableName) -> ConfigError:
    """A worker writes to a load that is not open any more."""
    return ConfigError(
        f"The load of {table} is no longer open: it was published, or given up.",
        doing=f"writing a shard for {table}",
        remedy="Nothing was written. `dataflow shards status PLAN` says what became of the load.",
    )


def shards_are_missing(table: TableName, shards: Sequence[ShardRow]) -> ConfigError:
    """A load is to be published, and some of its shards are not there."""
    return ConfigError(
        f"{written(shards)} of the {number_of(len(shards), 'shard')} of the load of {table} are there.",
        doing=f"publishing the load of {table}",
        remedy="Nothing was published. Run the shards that are missing (`dataflow shards status PLAN` names them), "
        "then publish again.",
    )


def keys_would_merge(stream: StreamName, table: TableName, keys: KeyFacts) -> DataflowError:
    """The table would not keep these keys or cursors.

    It is a TransientError where the columns can stay as they are, since the ledger records this; else a ConfigError.
    """
    return _narrowing(stream, table, keys) if keys.narrower else _lost_keys(stream, table, keys)


def _narrowing(stream: StreamName, table: TableName, keys: KeyFacts) -> DataflowError:
    fields = ", ".join(f'"{field}"' for field, _ in keys.narrower)
    message = (
        f"The catalog declares types for {fields} of stream {stream} that cannot hold every value that {table} may "
        "hold."
    )
    if keys.stays:
        return TransientError(
            message,
            doing=_starting(stream),
            remedy="Nothing was changed, because distinct keys could have been merged into one. The ledger records "
            "that the columns stay as they are. Run the sync again.",
        )
    return ConfigError(
        message,
        doing=_starting(stream),
        remedy="Nothing was changed, because distinct keys could have been merged into one, or an older record could "
        "have won. Refresh the stream, which creates its table again, or let the source declare the types that it "
        "declared before.",
    )


def _lost_keys(stream: StreamName, temp: TableName, keys: KeyFacts) -> ConfigError:
    names = ", ".join(f'"{field}"' for field in keys.lost)
    return ConfigError(
        f"Rows wait in {temp} that have lost their values of {names}, which were not a key of stream {stream} when the "
        "rows were written.",
        doing=_starting(stream),
        remedy="Nothing was changed, because these rows could have been merged into one. Refresh the stream, or choose "
        "its earlier key.",
    )


def _starting(stream: StreamName) -> str:
    return f"starting stream {stream}"
