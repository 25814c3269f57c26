"""The files of a load: those that were named, their formats, and whether one changed meanwhile. Reads no row."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO, cast
from urllib.parse import SplitResult, unquote, urlsplit

import pyarrow as pa
from attrs import field, frozen

from dataflow.errors import ConfigError
from dataflow.files.by_fsspec import remote_file, remote_files
from dataflow.files.local import LocalFile, local_files
from dataflow.files.object_stores import SCHEMES, stored_object, stored_objects
from dataflow.files.places import LOOKING, READING, Place, Status

# By the end of a name, the codec of Arrow.
CODECS = {".gz": "gzip", ".zst": "zstd"}
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    """How the rows of a file are written."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"
    AIRBYTE = "airbyte"


SUFFIXES = {
    ".parquet": Format.PARQUET,
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


@frozen
class InputFile:
    """A file to load, as it was when it was found."""

    place: Place = field(repr=False)
    format: Format
    status: Status

    def __str__(self) -> str:
        return self.place.uri

    @property
    def name(self) -> str:
        """Its name, without its folder."""
        return PurePosixPath(self.place.uri).name

    @property
    def uri(self) -> str:
        """What names it in any process, and in the ledger: without credentials."""
        return self.place.address

    @property
    def size(self) -> int:
        """Its size in bytes; 0 where its server does not say."""
        return self.status.size or 0

    @property
    def compressed(self) -> bool:
        """Whether it is compressed as a whole."""
        return PurePosixPath(self.name).suffix in CODECS

    def opened(self) -> IO[bytes]:
        """Its content from the beginning, decompressed. Raises OSError, also while it is read."""
        content = self.place.opened()
        codec = CODECS.get(PurePosixPath(self.name).suffix)
        return cast("IO[bytes]", pa.CompressedInputStream(content, codec)) if codec else content

    def expect_unchanged(self) -> None:
        """Raises DataflowError when it is not the file any more that was found, or cannot be looked at."""
        if self.place.status() != self.status:
            raise ConfigError(
                f"The file {str(self)!r} changed since the load began.",
                doing=READING,
                remedy="Nothing of this load was published. Run it again when nothing writes to the file.",
            )


def known(uri: str, format_: Format, status: Status) -> InputFile:
    """The file of this `uri` as it was once found; whether it is there is not looked at.

    Raises ConfigError when a package is missing, TransientError when its store does not answer.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if "://" not in uri:
        return InputFile(LocalFile(Path(uri)), format_, status)
    place = stored_object(parts, uri) if parts.scheme in SCHEMES else remote_file(uri, parts, uri)
    return InputFile(place, format_, status)


def find(named: Sequence[str], format_: Format | None = None) -> tuple[InputFile, ...]:
    """The files of these paths, URIs and patterns, in the order of the list; those of a pattern by their names.

    `format_` is for all of them; None: the name of each ends with it. Raises ConfigError for a file that cannot be
    read, a pattern without a match, a file that is named twice or is empty, and a name that shows no format;
    TransientError for a store that does not answer.
    """
    places = [place for each in named for place in _places(each)]
    seen: set[str] = set()
    for place in places:
        if place.identity in seen:
            raise ConfigError(
                f"The file {place.uri!r} is named twice, and its rows would be loaded twice.",
                doing=LOOKING,
                remedy="Name each file once.",
            )
        seen.add(place.identity)
    return tuple(_found(place, format_) for place in places)


def _places(named: str) -> Sequence[Place]:
    parts = urlsplit(named, allow_fragments=False)
    if "://" not in named:
        return local_files(named)
    if parts.scheme == "file":
        return local_files(unquote(parts.path))
    shown = _shown(parts)
    return stored_objects(parts, shown) if parts.scheme in SCHEMES else remote_files(named, parts, shown)


def _shown(parts: SplitResult) -> str:
    """A URI without its query and its user, which give access. An Azure container stands where a user does."""
    user, at, host = parts.netloc.rpartition("@")
    kept = f"{user}{at}" if parts.scheme.startswith("abfs") and ":" not in user else ""
    return f"{parts.scheme}://{kept}{host}{parts.path}"


def _found(place: Place, format_: Format | None) -> InputFile:
    status = place.status()
    file = InputFile(place, format_ or _format(place.uri), status)
    if file.status.size == 0:
        raise empty(file)
    return file


def _format(uri: str) -> Format:
    path = PurePosixPath(uri)
    compressed = path.suffix in CODECS
    found = SUFFIXES.get((path.with_suffix("") if compressed else path).suffix.lower())
    if found is None:
        raise ConfigError(
            f"The name of the file {uri!r} does not show its format.",
            doing=LOOKING,
            remedy=f"Give --format, or a name that ends with one of {', '.join(SUFFIXES)}; {' or '.join(CODECS)} may "
            "follow.",
        )
    if compressed and found is Format.PARQUET:
        raise ConfigError(
            f"The file {uri!r} is a Parquet file that was compressed as a whole.",
            doing=LOOKING,
            remedy="Decompress it: a Parquet file compresses its columns itself.",
        )
    return found


def empty(file: InputFile) -> ConfigError:
    """The error of a file that has nothing in it, not even the names of its columns."""
    return ConfigError(
        f"The file {str(file)!r} is empty: it has no fields.",
        doing=LOOKING,
        remedy="Leave it out, or find out why nothing was written to it.",
    )


def not_utf8(file: InputFile) -> ConfigError:
    """The error of a file whose texts are of another encoding."""
    return ConfigError(
        f"The file {str(file)!r} is not encoded as UTF-8.",
        doing=READING,
        remedy="Nothing of this load was published. Convert the file, for example with iconv -f UTF-16 -t UTF-8.",
    )


def expect_utf8(file: InputFile, begin: bytes) -> None:
    """Raises ConfigError for a file whose first bytes say that it is of UTF-16."""
    if begin.startswith(UTF16):
        raise not_utf8(file)
