"""The options of the SQLite destination, and its specification. Checks them; opens nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cattrs
from attrs import NOTHING, Attribute, field, fields, frozen, validators

from dataflow.errors import ConfigError

DELETION_MODES = ("Hard delete", "Soft delete")


def _text(_: object, option: "Attribute[Any]", value: Any) -> None:
    # cattrs would turn a number into text, and so into the name of a file nobody asked for.
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{option.name} must be a text that is not empty")


@frozen(kw_only=True)
class SqliteConfig:
    """The options by their keys. Made by `configure`, which checks them."""

    destination_path: str = field(
        validator=_text,
        metadata={
            "title": "Destination path",
            "description": "Path of the SQLite file, which is created when it is missing; its folder must exist.",
        },
    )
    schema: str = field(
        default="main",
        validator=_text,
        metadata={
            "title": "Default schema",
            "description": 'Where the tables of streams without a namespace go. Tables in "main" have their plain '
            "names; those of another schema are named with it, as crm.users.",
        },
    )
    cdc_deletion_mode: str = field(
        default=DELETION_MODES[0],
        validator=validators.in_(DELETION_MODES),
        metadata={
            "title": "CDC deletion mode",
            "description": "Whether a row deleted in the source is removed, or kept with _ab_cdc_deleted_at set.",
            "enum": list(DELETION_MODES),
        },
    )

    @property
    def file(self) -> Path:
        """The database's file."""
        return Path(self.destination_path).expanduser().resolve()

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode == DELETION_MODES[0]


def configure(options: Mapping[str, Any]) -> SqliteConfig:
    """The checked options; keys that are not ours are ignored. ConfigError when they will not do."""
    try:
        config = _CONVERTER.structure(options, SqliteConfig)
    except cattrs.ClassValidationError as error:
        raise ConfigError(
            "The configuration cannot be used: " + "; ".join(cattrs.transform_error(error)) + ".",
            doing="reading the configuration",
            remedy="Correct it; `spec` lists the options.",
        ) from None
    if not config.file.parent.is_dir():
        raise ConfigError(
            f"destination_path names a file in {config.file.parent}, and there is no such folder.",
            doing="reading the configuration",
            remedy="Create the folder, or choose a path in one that exists.",
        )
    return config


def specification() -> Mapping[str, Any]:
    """The protocol's ConnectorSpecification."""
    options = fields(SqliteConfig)
    required = [option.name for option in options if option.default is NOTHING]
    return {
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "SQLite destination",
            "type": "object",
            "required": required,
            "additionalProperties": True,
            "properties": {option.name: _property(option, order) for order, option in enumerate(options)},
        },
        "supportsIncremental": True,
        "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
    }


def _property(option: "Attribute[Any]", order: int) -> Mapping[str, Any]:
    shown = {"type": "string", **option.metadata, "order": order}
    return shown if option.default is NOTHING else {**shown, "default": option.default}


_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(str, lambda value, _: value)
