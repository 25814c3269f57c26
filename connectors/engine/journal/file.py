"""The journal as a file of JSON lines. Writes; never reads, and never ends a sync: it decides nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from dataflow.errors import ConfigError
from machines.journal.entries import Entry


@contextmanager
def journal_file(path: Path | None, warn: Callable[[str], None]) -> Iterator[Callable[[Entry], None]]:
    """Appends an entry per call, each line written at once; without a path nothing is kept.

    Raises ConfigError when the file cannot be opened. When it can no longer be written, `warn` is called once.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        file = FileIO(path, "ab")
    except OSError as error:
        raise ConfigError(
            f"The journal {str(path)!r} cannot be written: {error.strerror}.", remedy="Choose another path."
        ) from error
    with file:
        yield _JournalFile(file, warn).append


class _JournalFile:
    def __init__(self, file: FileIO, warn: Callable[[str], None]) -> None:
        self._file = file
        self._warn = warn
        self._broken = False

    def append(self, entry: Entry) -> None:
        if self._broken:
            return
        try:
            self._file.write(json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            self._broken = True
            self._warn(f"The journal ends here: {error.strerror}. The sync continues without it.")
