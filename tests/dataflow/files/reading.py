"""What tests of files read of them: the parcels and the rows of a stream of users."""

from collections.abc import Sequence

from dataflow.budget import Budget
from dataflow.files.listing import Format, find
from dataflow.files.pieces import Piece
from dataflow.files.source import FileSource
from dataflow.input.parcel import ParsedChunk
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, STRING, Column, Limits, StreamName

NOON = 1_709_208_000_000
USERS = StreamName("shop", "users")
SHAPE = Shape(
    name=USERS,
    columns=(Column("id", "id", INTEGER), Column("name", "name", STRING)),
    limits=Limits(),
    generation_id=0,
    sync_id=0,
)


def read(named: Sequence[str], shape: Shape = SHAPE, format_: Format | None = None) -> list[ParsedChunk]:
    """All that the source of these files makes."""
    return read_pieces([Piece(file=file) for file in find(named, format_)], shape)


def read_pieces(pieces: Sequence[Piece], shape: Shape = SHAPE, chunk_bytes: int = 50) -> list[ParsedChunk]:
    """All that the source of these pieces makes."""
    inbox = Inbox(1 << 20, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    order = Order(shapes=(shape,), chunk_bytes=chunk_bytes, most_rows=1000)
    return list(FileSource(pieces=pieces, extracted_at=NOON).parsed(order, inbox))


def cells(chunks: Sequence[ParsedChunk]) -> list[tuple[object, ...]]:
    """Their rows: id and name."""
    return [
        tuple(row[column.name] for column in SHAPE.columns)
        for chunk in chunks
        for parcel in chunk.parcels
        for rows in parcel.rows
        for row in rows.cells.to_pylist()
    ]
