"""Shards: the pieces of files that a load writes one by one, each as a whole or not at all. Cuts files and reads their
metadata; reads no row.

A shard is written down as JSON text, from which any process that has the files reads the same rows in the same order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

import msgspec
from attrs import frozen

from dataflow.errors import ConfigError, InternalError
from dataflow.files.columnar import row_groups
from dataflow.files.listing import Format, InputFile, known
from dataflow.files.pieces import Piece
from dataflow.files.places import Status

# Bytes of files that a shard has, about: it takes seconds to write it again.
SHARD_BYTES = 128 << 20
# A worker that has only one shard, while another has two, waits for as long as a shard takes.
SHARDS_EACH, SMALLEST_BYTES = 4, 8 << 20
DOING = "preparing the load"


@frozen(kw_only=True)
class Shard:
    """What is written in one transaction, for the load of this name: the pieces' rows, in their order."""

    name: str
    pieces: tuple[Piece, ...]


@frozen(kw_only=True)
class FileMark:
    """A file as a load knows it: it is another one if its size or its etag is."""

    uri: str
    size: int
    etag: str


def mark_of(file: InputFile) -> FileMark:
    """What a load remembers of a file."""
    return FileMark(uri=file.uri, size=file.size, etag=file.status.version)


def cut(name: str, files: Sequence[InputFile], shard_bytes: int = SHARD_BYTES) -> tuple[Shard, ...]:
    """The shards of these files, of about `shard_bytes` of them, in the files' order.

    A large file is cut where it can be: NDJSON between lines, Parquet between row groups. Small files share a shard.
    Raises ConfigError for a Parquet file that cannot be read.
    """
    shards: list[Shard] = []
    together: list[Piece] = []
    size = 0
    for piece, bytes_ in (each for file in files for each in _pieces(file, shard_bytes)):
        if together and size + bytes_ > shard_bytes:
            shards.append(Shard(name=name, pieces=tuple(together)))
            together, size = [], 0
        together.append(piece)
        size += bytes_
    return (*shards, Shard(name=name, pieces=tuple(together))) if together else ()


def shard_bytes_for(files: Sequence[InputFile], workers: int) -> int:
    """How much of these files to have in a shard, in bytes: several shards for each worker, if that is worth it."""
    if workers == 1:
        return SHARD_BYTES
    share = sum(file.size for file in files) // (SHARDS_EACH * workers)
    return min(SHARD_BYTES, max(SMALLEST_BYTES, share))


def _pieces(file: InputFile, shard_bytes: int) -> Iterator[tuple[Piece, int]]:
    """The pieces of a file, each with its size in bytes."""
    bounds: Sequence[tuple[int, int, int]] = ()
    if file.size > shard_bytes:
        if file.format is Format.PARQUET:
            bounds = _by_groups(file, shard_bytes)
        elif file.format is Format.NDJSON and not file.compressed:
            bounds = _by_bytes(file, shard_bytes)
    if len(bounds) < 2:  # noqa: PLR2004 - the whole file
        yield Piece(file=file), file.size
        return
    for begin, end, size in bounds:
        yield Piece(file=file, begin=begin, end=end), size


def _by_bytes(file: InputFile, shard_bytes: int) -> Sequence[tuple[int, int, int]]:
    count = -(-file.size // shard_bytes)
    places = [file.size * number // count for number in range(count + 1)]
    return [(begin, end, end - begin) for begin, end in pairwise(places)]


def _by_groups(file: InputFile, shard_bytes: int) -> Sequence[tuple[int, int, int]]:
    sizes = row_groups(file)
    in_all = max(sum(sizes), 1)
    found: list[tuple[int, int, int]] = []
    begin, size = 0, 0
    for number, each in enumerate(sizes):
        share = file.size * each // in_all
        if number > begin and size + share > shard_bytes:
            found.append((begin, number, size))
            begin, size = number, 0
        size += share
    return [*found, (begin, len(sizes), size)] if sizes else found


# -- as text


def shard_to_text(shard: Shard) -> str:
    """The shard as JSON text, for a ledger."""
    return msgspec.json.encode(
        {"name": shard.name, "pieces": [_piece_to_json(piece) for piece in shard.pieces]}
    ).decode()


def shard_from_text(text: str) -> Shard:
    """The shard of such a text. Raises InternalError for any other."""
    try:
        written = msgspec.json.decode(text)
        return Shard(name=written["name"], pieces=tuple(map(_piece_from_json, written["pieces"])))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise InternalError(
            "The ledger's description of a shard cannot be read.",
            doing="reading the load's shards",
            remedy="Finish the load with the version that began it, or drop it with `dataflow shards discard`.",
        ) from error


def _piece_to_json(piece: Piece) -> Mapping[str, Any]:
    file = piece.file
    status = file.status
    whole = {"uri": file.uri, "size": status.size, "etag": status.version, "format": str(file.format)}
    return whole if piece.begin is None else whole | {"begin": piece.begin, "end": piece.end}


def _piece_from_json(written: Mapping[str, Any]) -> Piece:
    status = Status(written["size"], written["etag"])
    file = known(written["uri"], Format(written["format"]), status)
    return Piece(file=file, begin=written.get("begin"), end=written.get("end"))


def files_of(shards: Iterable[Shard]) -> tuple[InputFile, ...]:
    """The files of which the shards are made, each once, in their order."""
    return tuple({piece.file.uri: piece.file for shard in shards for piece in shard.pieces}.values())


# -- identity


def load_id(what: Sequence[str], files: Sequence[InputFile]) -> str:
    """The id of the load that brings these files to a table in the way that `what` says: the same, the same id."""
    marks = [(mark.uri, mark.size, mark.etag) for mark in map(mark_of, files)]
    return sha256(msgspec.json.encode([list(what), marks])).hexdigest()[:32]


@frozen(kw_only=True)
class Sorted:
    """Files that are to be loaded, and those that a load of this name has loaded before as they are now."""

    new: tuple[InputFile, ...]
    loaded: tuple[InputFile, ...]


def sort_out(files: Sequence[InputFile], before: Iterable[FileMark], again: Sequence[str] = ()) -> Sorted:
    """Which of the files are new to a load that knows those `before`. Those of `again` are loaded in any case.

    Raises ConfigError for a file that was loaded before and has changed since, and for one of `again` that is not
    among the files.
    """
    taken = _asked_again(files, again)
    marks = {mark.uri: mark for mark in before}
    new: list[InputFile] = []
    loaded: list[InputFile] = []
    for file in files:
        mark = marks.get(file.uri)
        if mark is None or file.uri in taken:
            new.append(file)
        elif mark == mark_of(file):
            loaded.append(file)
        else:
            raise ConfigError(
                f"The file {str(file)!r} was loaded before, and has changed since.",
                doing=DOING,
                remedy=f"None of its rows was loaded again. To load all of them, give --again {str(file)!r}: rows "
                "without a key are then in the table twice. Or leave the file out.",
            )
    return Sorted(new=tuple(new), loaded=tuple(loaded))


def _asked_again(files: Sequence[InputFile], again: Sequence[str]) -> frozenset[str]:
    names = {name: file.uri for file in files for name in (file.uri, str(file))}
    for name in again:
        if name not in names:
            raise ConfigError(
                f"The file {name!r} of --again is not among the files to load.",
                doing=DOING,
                remedy="Name it among the files too, in the same spelling.",
            )
    return frozenset(names[name] for name in again)


def changed_since(files: Iterable[InputFile]) -> tuple[InputFile, ...]:
    """Those of these files that are not as they were found, or are gone."""

    def has_changed(file: InputFile) -> bool:
        try:
            file.expect_unchanged()
        except ConfigError:
            return True
        return False

    return tuple(filter(has_changed, files))
