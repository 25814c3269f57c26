"""The plan of a load: the small file by which other processes find an open load. Holds no secret and no shard.

Which shards there are, and which of them are written, is in the ledger alone.
"""

import json
from pathlib import Path
from typing import Any

import cattrs
from attrs import frozen

from dataflow.errors import ConfigError
from dataflow.types import StreamName, TableName

FORMAT = 1


@frozen(kw_only=True)
class LoadPlan:
    """An open load. `config` is the absolute path of the destination's configuration, where the load was opened;
    None where it was a URL.

    `load` is the load's id, `name` the name under which its files are known, and `shards` how many there are.
    """

    destination: str
    config: str | None
    stream: StreamName
    table: TableName
    load: str
    name: str
    shards: int
    format: int = FORMAT


def write_plan(path: Path, plan: LoadPlan) -> None:
    """Write the plan's file, at once or not at all. Raises ConfigError when it cannot be written."""
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_text(json.dumps(cattrs.unstructure(plan), indent=2) + "\n")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(
            f"The plan cannot be written to {str(path)!r}: {error.strerror}.",
            doing="writing the load's plan",
            remedy="The load is open. Run the same command again with another path for PLAN.",
        ) from error


def read_plan(path: Path) -> LoadPlan:
    """The plan in a file. Raises ConfigError when it cannot be read, or is that of another version."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(
            f"The plan {str(path)!r} cannot be read: {error.strerror}.",
            doing=DOING,
            remedy="Give the path to which `dataflow shards open` wrote it.",
        ) from error
    try:
        plan = cattrs.structure(_written(text), LoadPlan)
    except Exception as error:
        raise ConfigError(
            f"The file {str(path)!r} is no plan of a load.",
            doing=DOING,
            remedy="Give the path to which `dataflow shards open` wrote it.",
        ) from error
    if plan.format != FORMAT:
        raise ConfigError(
            f"The plan {str(path)!r} was written by another version, in the format {plan.format}.",
            doing=DOING,
            remedy="Finish the load with the version that opened it.",
        )
    return plan


DOING = "reading the load's plan"


def _written(text: str) -> Any:
    written = json.loads(text)
    if not isinstance(written, dict):
        raise TypeError
    return written
