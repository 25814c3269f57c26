"""The options of a DuckDB destination, and the specification generated from them. Opens no database."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import cattrs
from attrs import NOTHING, Attribute, field, fields, frozen

from dataflow.errors import ConfigError

MEMORY = ":memory:"
MOTHERDUCK = ("md:", "motherduck:")


class CdcDeletionMode(StrEnum):
    """What a CDC record that deletes a row does to the destination's row."""

    HARD = "Hard delete"
    SOFT = "Soft delete"


def _shown(order: int, title: str, description: str) -> dict[str, Any]:
    return {"title": title, "description": description, "order": order}


@frozen(kw_only=True)
class Config:
    """The options by the names upstream gives them. Made by `read_config`, which checks them."""

    destination_path: str = field(
        metadata=_shown(
            0,
            "Destination path",
            "Path of the DuckDB file, which is created when it is missing; its folder must exist. "
            '"md:" and the name of a database connect to MotherDuck; ":memory:" keeps nothing.',
        )
    )
    motherduck_api_key: str | None = field(
        default=None,
        repr=False,
        metadata=_shown(1, "MotherDuck access token", "Needed when the destination path begins with md:")
        | {"airbyte_secret": True},
    )
    schema: str = field(
        default="main",
        metadata=_shown(2, "Schema", "Where the tables of streams without a namespace go."),
    )
    cdc_deletion_mode: CdcDeletionMode = field(
        default=CdcDeletionMode.HARD,
        metadata=_shown(
            3,
            "CDC deletion mode",
            "Whether a row deleted in the source is removed (Hard delete), or kept with _ab_cdc_deleted_at set "
            "(Soft delete). Only for CDC sources, in the sync mode append_dedup.",
        ),
    )

    @property
    def in_memory(self) -> bool:
        """Whether the database lives and dies with this process."""
        return self.destination_path == MEMORY

    @property
    def on_motherduck(self) -> bool:
        """Whether the database is MotherDuck's."""
        return self.destination_path.startswith(MOTHERDUCK)

    @property
    def database(self) -> str:
        """What DuckDB is asked to open: an absolute path, except for what is no file."""
        if self.in_memory or self.on_motherduck:
            return self.destination_path
        return str(Path(self.destination_path).expanduser().resolve())

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode is CdcDeletionMode.HARD


def read_config(options: Mapping[str, Any]) -> Config:
    """The options, checked without opening the database. Unknown keys are ignored, and null is as good as absent.

    Raises ConfigError naming every key that will not do, never its value.
    """
    try:
        config = _STRICT.structure(
            {key: value for key, value in options.items() if value is not None}, Config
        )
    except cattrs.ClassValidationError as error:
        raise _refused(_complaints(error)) from None
    if not config.schema.strip():
        raise _refused(["schema must not be empty"])
    _check_path(config)
    return config


def specification() -> dict[str, Any]:
    """The protocol's ConnectorSpecification."""
    return {
        "supportsIncremental": True,
        "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "DuckDB destination",
            "type": "object",
            "required": [option.name for option in fields(Config) if option.default is NOTHING],
            "additionalProperties": True,
            "properties": {option.name: _property(option) for option in fields(Config)},
        },
    }


def _property(option: "Attribute[Any]") -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "string", **option.metadata}
    if option.type is CdcDeletionMode:
        shown["enum"] = [str(mode) for mode in CdcDeletionMode]
    if option.default not in (NOTHING, None):
        shown["default"] = str(option.default)
    return shown


def _string(value: Any, _: object) -> str:
    # cattrs would turn a number or a list into text, and so into the name of a file nobody asked for.
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


_STRICT = cattrs.Converter(detailed_validation=True)
_STRICT.register_structure_hook(str, _string)
# A subclass of str, and so structured as one if nothing else is said.
_STRICT.register_structure_hook(CdcDeletionMode, lambda value, _: CdcDeletionMode(value))


def _complaints(error: cattrs.ClassValidationError) -> list[str]:
    with_notes, others = error.group_exceptions()
    found = [_complaint(cause, note.name) for cause, note in with_notes]
    return found + [f"{cause.args[0]} is missing" for cause in others if isinstance(cause, KeyError)]


def _complaint(cause: Exception, key: str) -> str:
    if isinstance(cause, KeyError):
        return f"{key} is missing"
    if key == "cdc_deletion_mode":
        return f"{key} must be one of {', '.join(repr(str(mode)) for mode in CdcDeletionMode)}"
    return f"{key} must be a string"


def _check_path(config: Config) -> None:
    if not config.destination_path.strip():
        raise _refused(["destination_path must not be empty"])
    if "motherduck_token=" in config.destination_path:
        raise _refused(["destination_path must not hold a token; motherduck_api_key is for it"])
    if config.in_memory or config.on_motherduck:
        return
    folder = Path(config.database).parent
    if not folder.is_dir():
        raise ConfigError(
            f"destination_path names a file in {folder}, and there is no such folder.",
            doing="reading the configuration",
            remedy="Create the folder, or choose a path in one that exists.",
        )
    if Path(config.database).is_dir():
        raise ConfigError(
            f"destination_path names {config.database}, which is a folder.",
            doing="reading the configuration",
            remedy="Add the name of a file to the path.",
        )


def _refused(complaints: list[str]) -> ConfigError:
    return ConfigError(
        f"The configuration cannot be used: {'; '.join(complaints)}.",
        doing="reading the configuration",
        remedy="Correct it and run again; the spec command says what each option means.",
    )
