"""Files in object stores, which pyarrow reads: S3, Google Cloud Storage, Azure. Lists and opens; keeps no credentials.

pyarrow takes credentials and endpoints from the environment, as the tools of each store do, or from the URI.
"""

import errno
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import IO, Any, cast
from urllib.parse import SplitResult

from attrs import field, frozen

from dataflow.files.places import Status, no_match, reached

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")
GOOGLE = ("gs", "gcs")
# In seconds: by itself Google's library tries for a quarter of an hour.
RETRIES = "retry_limit_seconds"
MOST_RETRIES = 60
_MAGIC = re.compile(r"(\*\*/|\*|\[[^\]]+\])")


@frozen
class StoredObject:
    """An object of a store. `path` begins with its bucket."""

    uri: str
    path: str = field(repr=False)
    store: Any = field(repr=False)

    @property
    def address(self) -> str:
        """Its URI."""
        return self.uri

    @property
    def identity(self) -> str:
        """Its URI."""
        return self.uri

    def status(self) -> Status:
        """Its size and its ETag. Raises DataflowError when it cannot be read."""
        from pyarrow.fs import FileType

        with reached(self.uri):
            info = self.store.get_file_info(self.path)
            if info.type is not FileType.File:
                raise FileNotFoundError(errno.ENOENT, "")
            with self.store.open_input_stream(self.path, compression=None) as content:
                tag = (content.metadata() or {}).get("ETag", b"").decode()
        return Status(info.size, tag or str(info.mtime_ns))

    def opened(self) -> IO[bytes]:
        """Its content, of which any part can be read."""
        return cast("IO[bytes]", self.store.open_input_file(self.path))


def stored_object(parts: SplitResult, shown: str) -> StoredObject:
    """The object of exactly this URI; what could be a pattern is a part of its name. Looks at nothing."""
    store, bucket = _store(parts, shown)
    return StoredObject(shown, f"{bucket}{parts.path}", store)


def stored_objects(parts: SplitResult, shown: str) -> Sequence[StoredObject]:
    """The object of this URI, or those that match it, by their names. `shown` is the URI without credentials.

    Raises ConfigError when none matches or access is refused, TransientError when the store does not answer.
    """
    if not _MAGIC.search(parts.path):
        return [stored_object(parts, shown)]
    from pyarrow.fs import FileSelector, FileType

    store, bucket = _store(parts, shown)
    begin, path = shown.removesuffix(parts.path), f"{bucket}{parts.path}"
    with reached(shown):
        folder = _MAGIC.split(path, maxsplit=1)[0].rpartition("/")[0]
        infos = store.get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
    fits = _fits(path)
    found = sorted(info.path for info in infos if info.type is FileType.File and fits(info.path))
    if not found:
        raise no_match(shown)
    return [StoredObject(f"{begin}{each.removeprefix(bucket)}", each, store) for each in found]


def _store(parts: SplitResult, shown: str) -> tuple[Any, str]:
    """The store of a URI, and its bucket."""
    query = parts.query
    if parts.scheme in GOOGLE and RETRIES not in query:
        query = f"{query}&{RETRIES}={MOST_RETRIES}".lstrip("&")
    with reached(shown):
        # Without the path, since keys hold what a URI does not, such as spaces.
        return _connected(parts._replace(path="", query=query).geturl())


@lru_cache(maxsize=16)
def _connected(bucket: str) -> tuple[Any, str]:
    # A load has many files of one bucket.
    from pyarrow.fs import FileSystem

    store, path = FileSystem.from_uri(bucket)
    return store, path.rstrip("/")


def _fits(pattern: str) -> Callable[[str], bool]:
    """As a shell matches: `*` is within a folder, `**/` stands for any folders."""
    made = {"**/": "(?:[^/]+/)*", "*": "[^/]*"}
    pieces = (
        made.get(piece) or (piece.replace("[!", "[^") if _MAGIC.fullmatch(piece) else re.escape(piece))
        for piece in _MAGIC.split(pattern)
    )
    whole = re.compile("".join(pieces), re.DOTALL)
    return lambda path: whole.fullmatch(path) is not None
