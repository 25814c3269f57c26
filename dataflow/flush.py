"""What goes from the reading to the writing side: rows, and the checkpoint they reach. A value; moves nothing."""

import pyarrow as pa
from attrs import field, frozen

from dataflow.types import StreamName


@frozen(kw_only=True)
class Flush:
    """Rows of one stream to be made durable in one transaction, with the checkpoint they reach.

    `checkpoint` is the raw id of the last record that a STATE covers, if one is to be written down;
    `position` counts the stream's records up to the last STATE that it reaches, which are durable once this is.
    `size` is of the input lines, and `held` what the batches take of the memory, in bytes.
    """

    stream: StreamName
    number: int
    batches: tuple[pa.RecordBatch, ...] = field(repr=False)
    rows: int
    size: int
    held: int
    highest_raw_id: str | None
    checkpoint: str | None
    position: int
    nulled: int = 0
    truncated: int = 0
