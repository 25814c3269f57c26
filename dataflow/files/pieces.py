"""A piece: a file that is to be read, or a part of it. A value; reads nothing."""

from attrs import frozen

from dataflow.files.listing import InputFile


@frozen(kw_only=True)
class Piece:
    """A file, or the part of it from `begin` up to and without `end`: bytes of NDJSON, row groups of Parquet.

    A line belongs to the piece in which its first byte is. Both bounds are None for the whole file.
    """

    file: InputFile
    begin: int | None = None
    end: int | None = None

    def bounds(self, whole: int) -> tuple[int, int]:
        """Its begin and its end; `whole` is where the file ends."""
        return self.begin or 0, whole if self.end is None else self.end
