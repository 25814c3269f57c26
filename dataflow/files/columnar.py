"""Files that Arrow reads: the schema and the batches of Parquet and CSV files. Converts no cell.

A CSV file's cells stay bytes here, and an empty one without quotes is null. Its types come from its first block.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa

from dataflow.errors import ConfigError, DataflowError
from dataflow.files.listing import Format, InputFile, empty, expect_utf8, not_utf8
from dataflow.files.pieces import Piece
from dataflow.files.places import READING, reason, unreadable

# Bytes of a batch, about, and how many rows it has.
BATCH_BYTES = 8 << 20
FEWEST_ROWS, MOST_ROWS = 1000, 50_000
BLOCK_BYTES = 1 << 22
# Read at a time of each column of a Parquet file: else all that a row group has of it is.
READ_BYTES = 1 << 18
# No cell of a file is this.
END = b"\x1edataflow: the end of the file\x1e"
REMEDY = "Nothing of this load was published. Correct the file, and run the load again."


def arrow_schema(file: InputFile) -> pa.Schema:
    """The names and types of the file's columns. Raises ConfigError when it cannot be read, or repeats a name."""
    with _readable(file), file.opened() as content:
        found = (
            _parquet(content).schema_arrow
            if file.format is Format.PARQUET
            else _csv(file, content, None).schema
        )
        names = Counter(found.names)
    repeated = [name for name, times in names.items() if times > 1]
    if repeated:
        raise ConfigError(
            f"The file {str(file)!r} has several columns of the name {repeated[0]!r}.",
            doing=READING,
            remedy="Give each column a name of its own.",
        )
    return found


def row_groups(file: InputFile) -> Sequence[int]:
    """The sizes of a Parquet file's row groups, in bytes. Raises ConfigError when it cannot be read."""
    with _readable(file), file.opened() as content:
        metadata = _parquet(content).metadata
        return [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]


def batches(piece: Piece) -> Iterator[pa.RecordBatch]:
    """The rows. Raises ConfigError when the file cannot be read to its end; rows before that may have been yielded."""
    file = piece.file
    names = arrow_schema(file).names
    with _readable(file), file.opened() as content:
        if file.format is Format.PARQUET:
            opened = _parquet(content)
            yield from _of_groups(opened, *piece.bounds(opened.metadata.num_row_groups))
        else:
            yield from _csv(file, content, names)


@contextmanager
def _readable(file: InputFile) -> Iterator[None]:
    try:
        yield
    except DataflowError:
        raise
    except UnicodeDecodeError as error:
        raise not_utf8(file) from error
    except (pa.ArrowException, OSError) as error:
        if reason(error) is not None:
            raise unreadable(str(file), error) from error
        # Arrow's own words may quote a row.
        raise ConfigError(
            f"The file {str(file)!r} cannot be read as {file.format}: it is damaged, was cut off, or is something "
            "else.",
            doing=READING,
            remedy=REMEDY,
        ) from error


def _parquet(content: IO[bytes]) -> Any:
    from pyarrow.parquet import ParquetFile

    return ParquetFile(content, buffer_size=READ_BYTES)


def _of_groups(opened: Any, begin: int, end: int) -> Iterator[pa.RecordBatch]:
    """The rows, one row group after the other: Arrow keeps what it has read of a group until it was asked for all."""
    rows = _rows_together(opened.metadata)
    for group in range(begin, end):
        yield from opened.iter_batches(batch_size=rows, row_groups=[group])


def _rows_together(metadata: Any) -> int:
    """How many rows to read at once, by what rows take in the file."""
    if not metadata.num_rows:
        return MOST_ROWS
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups) / metadata.num_rows
    return int(max(FEWEST_ROWS, min(MOST_ROWS, BATCH_BYTES / max(size, 1))))


# -- CSV


def _csv(file: InputFile, content: IO[bytes], names: list[str] | None) -> Any:
    """A reader of the file. With the names of its columns it reads their cells as bytes, and each row is checked."""
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

    ragged = _Ragged(file)
    types: Mapping[str, pa.DataType] = dict.fromkeys(names or (), pa.binary())
    convert = ConvertOptions(
        column_types=types,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = ParseOptions(newlines_in_values=True, invalid_row_handler=ragged.met)
    read = ReadOptions(block_size=BLOCK_BYTES, use_threads=False)
    # Behind the last row, a row of ours: if a quote is open there, it becomes a part of that row.
    given = _Content(file, content, END + b"," * (len(names) - 1) + b"\n" if names else b"")
    try:
        opened = open_csv(given, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowException as error:
        raise (
            ragged.error() or (empty(file) if given.blank else None) or _too_long(error, file) or error
        ) from error
    return opened if names is None else _rows(opened, ragged, file)


def _rows(opened: Any, ragged: "_Ragged", file: InputFile) -> Iterator[pa.RecordBatch]:
    last: pa.RecordBatch | None = None
    try:
        for batch in opened:
            if not batch.num_rows:
                continue
            if last is not None:
                yield from _pieces(last)
            last = batch
    except pa.ArrowException as error:
        raise ragged.error() or _too_long(error, file) or error from error
    if last is None or last.column(0)[-1].as_py() != END:
        raise ConfigError(
            f"The file {str(file)!r} ends within a quoted value: it was cut off, or a quote is missing.",
            doing=READING,
            remedy=REMEDY,
        )
    yield from _pieces(last.slice(0, last.num_rows - 1))


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, MOST_ROWS):
        yield batch.slice(start, MOST_ROWS)


def _too_long(error: pa.ArrowException, file: InputFile) -> ConfigError | None:
    if "straddling" not in str(error):
        return None
    return ConfigError(
        f"The file {str(file)!r} has a row of more than {BLOCK_BYTES >> 20} MiB, or a quote without its end.",
        doing=READING,
        remedy="Nothing of this load was published. Correct the file, or write its rows as NDJSON or Parquet.",
    )


class _Ragged:
    """The first row that has too many or too few values."""

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._row: Any = None

    def met(self, row: Any) -> str:
        self._row = self._row or row
        return "error"

    def error(self) -> ConfigError | None:
        if self._row is None:
            return None
        where = f"Row {self._row.number}" if self._row.number is not None else "A row"
        values = "1 value" if self._row.actual_columns == 1 else f"{self._row.actual_columns} values"
        columns = "1 column" if self._row.expected_columns == 1 else f"{self._row.expected_columns} columns"
        return ConfigError(
            f"{where} of the file {str(self._file)!r} has {values}, and the file has {columns}.",
            doing=READING,
            remedy=REMEDY,
        )


class _Content:
    """A file's content for Arrow, the end of its last line, and one more line. `blank`: nothing was in it so far."""

    closed = False

    def __init__(self, file: InputFile, content: IO[bytes], line: bytes) -> None:
        self._file = file
        self._content = content
        self._line = line
        # What was read and not given: the last of it is given together with the line.
        self._ahead: bytes | None = None
        self.blank = True
        self.close: Callable[[], None] = content.close

    def read(self, size: int = -1) -> bytes:
        # Arrow is never given more than it asks for.
        size -= len(self._line) + 1
        if self._ahead is None:
            self._ahead = self._content.read(size)
            expect_utf8(self._file, self._ahead)
        given, self._ahead = self._ahead, self._content.read(size) if self._ahead else b""
        self.blank = self.blank and not given.strip()
        if self._ahead or not given:
            return given
        return given + (b"" if given.endswith((b"\n", b"\r")) else b"\n") + self._line
