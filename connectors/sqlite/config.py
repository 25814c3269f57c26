"""The options of the SQLite destination, and its specification. Checks them; opens nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, specification


def _file(path: str) -> Path:
    return Path(path).expanduser().resolve()


def _without_folder(path: str) -> Iterator[str]:
    folder = _file(path).parent
    if not folder.is_dir():
        yield f"there is no folder {folder}"


@frozen(kw_only=True)
class SqliteConfig:
    """The options by their keys. Made by `configure`, which checks them."""

    destination_path: str = field(
        metadata=option(
            "Destination path",
            "Path of the SQLite file. It is created if it is missing; its folder must exist.",
            minLength=1,
            check=_without_folder,
        )
    )
    schema: str = field(
        default="main",
        metadata=option(
            "Default schema",
            'The schema for tables of streams without a namespace. Tables in "main" have their plain names; those of '
            "another schema are named with it, as crm.users.",
            minLength=1,
        ),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=option(
            "CDC deletion mode",
            "Whether a row deleted in the source is removed, or replaced by the values of the deletion's record, with "
            "_ab_cdc_deleted_at set.",
        ),
    )

    @property
    def file(self) -> Path:
        """The database's file."""
        return _file(self.destination_path)

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode is DeletionMode.HARD


def configure(options: Mapping[str, Any]) -> SqliteConfig:
    """The checked options. Raises ConfigError with every complaint about them."""
    return read(SqliteConfig, options)


def spec() -> Mapping[str, Any]:
    """The protocol's ConnectorSpecification."""
    return specification(
        SqliteConfig, "SQLite Destination Spec", documentation="https://www.sqlite.org/docs.html", groups={}
    )
