"""What a file is to a load, wherever it is: named, looked at, opened. And how its errors are worded. Reads no row.

No text that is made here holds a part of a URI, or of a library's error, that could give access to a file.
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Protocol

from attrs import frozen

from dataflow.errors import ConfigError, DataflowError, TransientError

LOOKING = "looking for the files"
READING = "reading the files"
_AWS = re.compile(r"AWS Error ([A-Z_]+)")
_COMPRESSION = re.compile(r"truncated compressed|inflate|zstd", re.IGNORECASE)
# Libraries raise these without a number.
_NUMBERS: Mapping[type, int] = {
    FileNotFoundError: errno.ENOENT,
    PermissionError: errno.EACCES,
    TimeoutError: errno.ETIMEDOUT,
}
# What another attempt may well change.
_PASSING = re.compile(
    r"answered (429|5\d\d|NETWORK_CONNECTION|SLOW_DOWN|THROTTLING|INTERNAL_FAILURE|SERVICE_UNAVAILABLE|REQUEST_TIMEOUT)"
)


@frozen
class Status:
    """What shows whether a file is still the same. `size` is in bytes; None: its server does not say."""

    size: int | None
    version: str


class Place(Protocol):
    """One file."""

    @property
    def uri(self) -> str:
        """Its path or URI, for a person: without credentials."""
        ...

    @property
    def address(self) -> str:
        """Its path without a folder to start from, or its URI: by it another process finds it. No credentials."""
        ...

    @property
    def identity(self) -> str:
        """What no other file has. It may hold credentials, and is never shown."""
        ...

    def status(self) -> Status:
        """What it is now. Raises DataflowError when it cannot be read."""
        ...

    def opened(self) -> IO[bytes]:
        """Its content from the beginning. Raises OSError, also while it is read."""
        ...


class Unreached(OSError):
    """A file's content did not come. Its text is no library's, and can be shown."""


def reason(error: BaseException) -> str | None:
    """Why a file could not be read, as far as that can be shown; None for an error that does not say."""
    if isinstance(error, Unreached):
        return str(error)
    if code := _AWS.search(str(error)):
        return f"the store answered {code[1]}"
    # fsspec calls everything that the web answers a missing file.
    status = getattr(error, "status", getattr(error.__cause__, "status", None))
    if isinstance(status, int):
        return f"the server answered {status}"
    if isinstance(error, OSError):
        number = error.errno or _NUMBERS.get(type(error))
        if number:
            return os.strerror(number)
        if _COMPRESSION.search(str(error)):
            return "its compressed content is damaged or was cut off"
    return None


def unreadable(uri: str, error: BaseException) -> DataflowError:
    """The error of a file that could not be read."""
    why = reason(error) or type(error).__name__
    if isinstance(error, TimeoutError | ConnectionError) or _PASSING.search(why):
        return TransientError(
            f"The file {uri!r} could not be read: {why}.",
            doing=READING,
            remedy="Nothing of this load was published. Run it again.",
        )
    return ConfigError(
        f"The file {uri!r} cannot be read: {why}.",
        doing=READING,
        remedy="Nothing of this load was published. Check the file's name, the rights to read it, and its content.",
    )


def no_match(uri: str) -> ConfigError:
    """The error of a pattern without a file."""
    return ConfigError(
        f"No file matches the pattern {uri!r}.", doing=LOOKING, remedy="Check the pattern and the folder."
    )


@contextmanager
def reached(uri: str) -> Iterator[None]:
    """Words what fails within, whatever library it comes from."""
    try:
        yield
    except DataflowError:
        raise
    except Exception as error:
        raise unreadable(uri, error) from error
