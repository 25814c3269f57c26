"""What a chunk holds of one stream, and whether that is its rows already. Reads no line, makes no column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from attrs import field, frozen

from dataflow.batch import Rows
from dataflow.protocol import Record
from dataflow.shape import Shape
from dataflow.values.limits import is_final


@frozen(kw_only=True)
class StreamChunk:
    """What a chunk holds of one stream.

    `made` has the rows that the reader made, if any, and `notes` are on them; `records` are the others. If there are
    any, `places` says which row of all each of these is: first of the reader's, then of the others.
    """

    chunk: bytes = field(repr=False)
    made: pa.RecordBatch | None = field(repr=False)
    notes: "np.ndarray[Any, Any]" = field(repr=lambda notes: f"<{len(notes)}>")
    # Bytes of the lines.
    size: int
    records: Sequence[Record] = ()
    places: "np.ndarray[Any, Any] | None" = field(default=None, repr=False)

    @property
    def others(self) -> list[int]:
        """The rows of the records that the reader did not read."""
        return self.places[len(self.places) - len(self.records) :].tolist() if self.places is not None else []

    def as_made(self, shape: Shape) -> Rows | None:
        """Its rows, if the reader made all of them and left nothing open."""
        is_open = len(self.notes) or self.records or self.made is None
        if is_open or not all(is_final(column.type, shape.limits) for column in shape.columns):
            return None
        return Rows(stream=shape.name, cells=self.made, size=self.size)
