"""The journal as a file of JSON lines. Writes; never reads."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dataflow.errors import ConfigError
from machines.journal import Entry


@contextmanager
def journal_file(path: Path | None) -> Iterator[Callable[[Entry], None]]:
    """Appends an entry per call, each line written at once; without a path nothing is kept."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise ConfigError(
            f"The journal {str(path)!r} cannot be written: {error.strerror}.", remedy="Choose another path."
        ) from error
    with file:
        yield lambda entry: _append(file.write, entry)


def _append(write: Callable[[bytes], object], entry: Entry) -> None:
    write(json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
