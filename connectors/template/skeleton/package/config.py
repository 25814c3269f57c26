"""The options of the destination, and its specification. Checks them; opens nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, specification


def _without_folder(path: str) -> Iterator[str]:
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        yield f"there is no folder {folder}"


@frozen(kw_only=True)
class SkeletonConfig:
    """The options by their keys."""

    # REPLACE: how your database is reached: host, port, database, user, password. `secret=True` marks a password.
    path: str = field(
        metadata=option(
            "Path",
            "Path of the database's file. It is created if it is missing; its folder must exist.",
            minLength=1,
            check=_without_folder,
        )
    )
    schema: str = field(
        default="public",
        metadata=option(
            "Default schema", "The schema for tables of streams without a namespace.", minLength=1
        ),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=option(
            "CDC deletion mode",
            "Whether a row deleted in the source is removed, or kept with _ab_cdc_deleted_at set.",
        ),
    )

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode is DeletionMode.HARD


def configure(options: Mapping[str, Any]) -> SkeletonConfig:
    """The checked options; ConfigError when they are not valid."""
    return read(SkeletonConfig, options)


def spec() -> Mapping[str, Any]:
    """The protocol's ConnectorSpecification."""
    return specification(SkeletonConfig, "Skeleton Destination Spec", groups={})
