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


def specification() -> dict[str, Any]:
    """The protocol's ConnectorSpecification."""
    properties = {
        "database": {
            "type": "string",
            "title": "Database",
            "description": "What it is called within this process; destinations of one name share it.",
            "default": "memory",
            "order": 0,
        },
        "schema": {
            "type": "string",
            "title": "Default schema",
            "description": "Where the tables of streams without a namespace go.",
            "default": "public",
            "order": 1,
        },
        "cdc_deletion_mode": {
            "type": "string",
            "title": "CDC deletion mode",
            "description": "Whether a row deleted in the source is removed, or kept with _ab_cdc_deleted_at set.",
            "enum": list(DELETION_MODES),
            "default": DELETION_MODES[0],
            "order": 2,
        },
    }
    return {
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Memory Destination Spec",
            "type": "object",
            "properties": properties,
        },
        "supportsIncremental": True,
        "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
    }
