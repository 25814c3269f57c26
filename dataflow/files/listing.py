"""The files that a person names: patterns and paths, their formats, and whether one changed meanwhile. Reads no row."""

import glob
import gzip
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from attrs import frozen

from dataflow.errors import ConfigError

DOING = "looking for the files"
GZIP = ".gz"


class Format(StrEnum):
    """How the rows of a file are written."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


SUFFIXES = {
    ".parquet": Format.PARQUET,
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


@frozen(kw_only=True)
class InputFile:
    """A file to load. `size` in bytes and `changed_at` in nanoseconds are those of the time when it was found."""

    path: Path
    format: Format
    size: int
    changed_at: int

    def __str__(self) -> str:
        return str(self.path)

    @property
    def zipped(self) -> bool:
        """Whether it is compressed as a whole, by gzip."""
        return self.path.suffix == GZIP

    def opened(self) -> IO[bytes]:
        """Its content from the beginning, decompressed. Raises OSError."""
        if self.zipped:
            return cast("IO[bytes]", gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def expect_unchanged(self) -> None:
        """Raises ConfigError when it is not the file any more that was found."""
        try:
            now = self.path.stat()
        except OSError as error:
            raise unreadable(self.path, error) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed_at):
            raise ConfigError(
                f"The file {str(self.path)!r} changed while it was read.",
                doing="reading the files",
                remedy="Nothing of this load was published. Run it again when nothing writes to the file.",
            )


def unreadable(path: Path, error: OSError) -> ConfigError:
    """The error of a file that the system does not give."""
    return ConfigError(
        f"The file {str(path)!r} cannot be read: {error.strerror or 'its content is damaged'}.",
        doing="reading the files",
        remedy="Nothing of this load was published. Check the path, its permissions and the file.",
    )


def find(named: Sequence[str], format_: Format | None = None) -> tuple[InputFile, ...]:
    """The files of these paths and patterns, in the order of the list; those of a pattern by their names.

    `format_` is for all of them; None: the name of each ends with it. Raises ConfigError for a path that is no local
    file, a pattern without a match, a file that is named twice or is empty, and a name that shows no format.
    """
    paths = [path for each in named for path in _matches(each)]
    seen: set[Path] = set()
    for path in paths:
        real = path.resolve()
        if real in seen:
            raise ConfigError(
                f"The file {str(path)!r} is named twice, and its rows would be loaded twice.",
                doing=DOING,
                remedy="Name each file once.",
            )
        seen.add(real)
    return tuple(_found(path, format_) for path in paths)


def _matches(named: str) -> list[Path]:
    scheme = urlsplit(named).scheme if "://" in named else ""
    if scheme == "file":
        named = urlsplit(named).path
    elif scheme:
        raise ConfigError(
            f"Files of the scheme {scheme}:// cannot be loaded yet.",
            doing=DOING,
            remedy="Copy the files to this machine and name their paths.",
        )
    if Path(named).exists() or not glob.has_magic(named):
        return [Path(named)]
    # Path.glob takes no pattern that begins with a root.
    found = sorted(path for path in map(Path, glob.glob(named, recursive=True)) if path.is_file())  # noqa: PTH207
    if not found:
        raise ConfigError(
            f"No file matches the pattern {named!r}.", doing=DOING, remedy="Check the pattern and the folder."
        )
    return found


def _found(path: Path, format_: Format | None) -> InputFile:
    try:
        status = path.stat()
        with path.open("rb"):
            pass
    except OSError as error:
        raise unreadable(path, error) from error
    file = InputFile(
        path=path,
        format=format_ or _format(path),
        size=status.st_size,
        changed_at=status.st_mtime_ns,
    )
    if not file.size:
        raise empty(file)
    return file


def _format(path: Path) -> Format:
    suffix = path.with_suffix("").suffix if path.suffix == GZIP else path.suffix
    found = SUFFIXES.get(suffix.lower())
    if found is None:
        raise ConfigError(
            f"The name of the file {str(path)!r} does not show its format.",
            doing=DOING,
            remedy=f"Give --format, or a name that ends with one of {', '.join(SUFFIXES)}; {GZIP} may follow.",
        )
    return found


def empty(file: InputFile) -> ConfigError:
    """The error of a file that has nothing in it, not even the names of its columns."""
    return ConfigError(
        f"The file {str(file)!r} is empty.",
        doing=DOING,
        remedy="Leave it out, or find out why nothing was written to it.",
    )
