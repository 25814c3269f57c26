"""Files of this machine, by their paths and by patterns. Reads nothing of them."""

import glob
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from attrs import frozen

from dataflow.errors import ConfigError
from dataflow.files.places import LOOKING, Status, no_match, reached


@frozen
class LocalFile:
    """A file of this machine."""

    path: Path

    @property
    def uri(self) -> str:
        """Its path, as it was named."""
        return str(self.path)

    @property
    def address(self) -> str:
        """Its path from the root, the same however the way to it was written.

        Links stay, since they may lead elsewhere on another machine; only a way back through one has to be followed.
        """
        return str(self.path.resolve() if ".." in self.path.parts else self.path.absolute())

    @property
    def identity(self) -> str:
        """Its path without links."""
        return str(self.path.resolve())

    def status(self) -> Status:
        """Its size and when it was changed. Raises ConfigError when it cannot be read, or only once."""
        _expect_text(self.path)
        with reached(self.uri):
            found = self.path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise ConfigError(
                    f"{self.uri!r} is a folder.",
                    doing=LOOKING,
                    remedy=f"Name its files, or a pattern such as {str(self.path / '*.csv')!r}.",
                )
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(
                    f"{self.uri!r} is a pipe or a device, which cannot be read twice.",
                    doing=LOOKING,
                    remedy="Write its content to a file, and load that.",
                )
            self.opened().close()
        return Status(found.st_size, str(found.st_mtime_ns))

    def opened(self) -> IO[bytes]:
        """Its content."""
        return self.path.open("rb")


def local_files(named: str) -> Sequence[LocalFile]:
    """The file of this path, or those that match it; ConfigError when none does."""
    # A bracket may well be a part of a name.
    if os.path.lexists(named) or not glob.has_magic(named):
        return [LocalFile(Path(named))]
    # Path.glob takes no pattern that begins with a root.
    found = sorted(path for path in map(Path, glob.glob(named, recursive=True)) if path.is_file())  # noqa: PTH207
    if not found:
        raise no_match(named)
    return [LocalFile(path) for path in found]


def _expect_text(path: Path) -> None:
    """Raises ConfigError for a name that no ledger could hold."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"The name of the file {str(path)!a} is not UTF-8.", doing=LOOKING, remedy="Rename it."
        ) from error
