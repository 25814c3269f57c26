"""The options of a DuckDB destination: their words and bounds. Opens no database."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, specification

MEMORY = ":memory:"
MOTHERDUCK = ("md:", "motherduck:")


def _unusable(path: str) -> Iterator[str]:
    # Paths are quoted in errors.
    if "motherduck_token=" in path:
        yield "must not hold a token; motherduck_api_key is for it"
        return
    place = Config(destination_path=path)
    if not place.in_file:
        return
    file = Path(place.database)
    if not file.parent.is_dir():
        yield f"there is no folder {file.parent}"
    elif file.is_dir():
        yield f"{file} is a folder; add the name of a file"


@frozen(kw_only=True)
class Config:
    """The options by the names upstream gives them. Made by `configure`, which checks them."""

    destination_path: str = field(
        metadata=option(
            "Destination path",
            "Path of the DuckDB file. It is created if it is missing; its folder must exist. "
            '"md:" and the name of a database connect to MotherDuck; ":memory:" keeps nothing after the sync.',
            minLength=1,
            check=_unusable,
        )
    )
    motherduck_api_key: str | None = field(
        default=None,
        repr=False,
        metadata=option(
            "MotherDuck access token",
            "Needed when the destination path begins with md:",
            airbyte_secret=True,
        ),
    )
    schema: str = field(
        default="main",
        metadata=option("Schema", "The schema for tables of streams without a namespace.", minLength=1),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=option(
            "CDC deletion mode",
            "Whether a row deleted in the source is removed (Hard delete), or replaced by the values of the deletion's "
            "record, with _ab_cdc_deleted_at set (Soft delete). Only for CDC sources, in the sync mode append_dedup.",
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
    def in_file(self) -> bool:
        """Whether the database is a file."""
        return not self.in_memory and not self.on_motherduck

    @property
    def database(self) -> str:
        """What DuckDB is asked to open: an absolute path, except for what is no file."""
        if not self.in_file:
            return self.destination_path
        return str(Path(self.destination_path).expanduser().resolve())

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode is DeletionMode.HARD


def configure(options: Mapping[str, Any]) -> Config:
    """The checked options. Raises ConfigError with every complaint about them. Opens nothing."""
    return read(Config, options)


def spec() -> Mapping[str, Any]:
    """The protocol's ConnectorSpecification."""
    return specification(
        Config, "DuckDB Destination Spec", documentation="https://duckdb.org/docs/", groups={}
    )
