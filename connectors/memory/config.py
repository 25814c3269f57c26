"""The options of the memory destination. Checks them; creates nothing."""

from collections.abc import Mapping
from typing import Any

import cattrs
from attrs import field, frozen, validators

from dataflow.errors import ConfigError

DELETION_MODES = ("Hard delete", "Soft delete")


@frozen(kw_only=True)
class MemoryConfig:
    """`database` names the database within this process: two connectors with the same name share it."""

    database: str = "memory"
    schema: str = "public"
    cdc_deletion_mode: str = field(default=DELETION_MODES[0], validator=validators.in_(DELETION_MODES))


def configure(options: Mapping[str, Any]) -> MemoryConfig:
    """The checked options; ConfigError when they will not do."""
    try:
        return cattrs.structure(options, MemoryConfig)
    except Exception as error:
        raise ConfigError(
            "The configuration cannot be used: " + "; ".join(cattrs.transform_error(error)) + ".",
            remedy="Correct it; `spec` lists the options.",
        ) from error
