"""Files of all other schemes, which fsspec reads, https:// among them. Says which package is missing; installs none."""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Self, cast
from urllib.parse import SplitResult

from attrs import field, frozen

from dataflow.errors import ConfigError
from dataflow.files.places import LOOKING, Status, Unreached, no_match, reached, reason

WEB = ("http", "https")
# What a store may know of a file's content, the surest first.
VERSIONS = ("ETag", "etag", "mtime", "LastModified", "modified", "created")


@frozen
class RemoteFile:
    """A file of the web, or of another store that fsspec knows. `path` may hold what gives access to it."""

    uri: str
    path: str = field(repr=False)
    store: Any = field(repr=False)

    @property
    def address(self) -> str:
        """Its URI."""
        return self.uri

    @property
    def identity(self) -> str:
        """Its URI, with a query that may choose the file."""
        return self.path

    def status(self) -> Status:
        """What its store says of it. Raises DataflowError when it cannot be read."""
        with reached(self.uri):
            info = self.store.info(self.path)
        return Status(info.get("size"), next((str(info[key]) for key in VERSIONS if info.get(key)), ""))

    def opened(self) -> IO[bytes]:
        """Its content."""
        with _failing_as_a_file():
            return cast("IO[bytes]", _Content(self.store.open(self.path, "rb")))


def remote_file(named: str, parts: SplitResult, shown: str) -> RemoteFile:
    """The file of exactly this URI. Raises ConfigError when a package is missing."""
    store, path = _store(named, parts, shown)
    return RemoteFile(shown, path, store)


def remote_files(named: str, parts: SplitResult, shown: str) -> Sequence[RemoteFile]:
    """The file of this URI, or those that match it. `shown` is the URI without credentials.

    Raises ConfigError when none matches, and when a package is missing.
    """
    store, path = _store(named, parts, shown)
    # A question mark of the web begins a query.
    if parts.scheme in WEB or not glob.has_magic(parts.path):
        return [RemoteFile(shown, path, store)]
    with reached(shown):
        found = sorted(each for each, info in store.glob(path, detail=True).items() if info["type"] == "file")
    if not found:
        raise no_match(shown)
    return [RemoteFile(f"{parts.scheme}://{each.lstrip('/')}", each, store) for each in found]


def _store(named: str, parts: SplitResult, shown: str) -> tuple[Any, str]:
    """The store that has a file, and the file's path in it."""
    package = f"fsspec[{'http' if parts.scheme in WEB else parts.scheme}]"
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations, registry
    except ImportError as error:
        raise _lacking(parts.scheme, package) from error
    if parts.scheme not in known_implementations and parts.scheme not in registry:
        raise ConfigError(
            f"No package is known that reads files of the scheme {parts.scheme}://.",
            doing=LOOKING,
            remedy="Copy the files to this machine, and name their paths.",
        )
    with reached(shown):
        try:
            store, path = url_to_fs(named)
        except ImportError as error:
            raise _lacking(parts.scheme, package) from error
    return store, path


def _lacking(scheme: str, package: str) -> ConfigError:
    return ConfigError(
        f"Files of the scheme {scheme}:// need a package that is not installed.",
        doing=LOOKING,
        remedy=f"Install it with pip install '{package}', or copy the files to this machine.",
    )


class _Content:
    """The content of a file, whose errors are those of a file, whatever library they come from."""

    def __init__(self, content: Any) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        with _failing_as_a_file():
            return bytes(self._content.read(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        with _failing_as_a_file():
            return int(self._content.seek(offset, whence))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.close()


@contextmanager
def _failing_as_a_file() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise Unreached(reason(error) or type(error).__name__) from error
