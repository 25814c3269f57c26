"""What goes from the reading to the writing side: rows, and the checkpoint they reach. A value; moves nothing."""

from collections.abc import Mapping

import pyarrow as pa
from attrs import field, frozen

from dataflow.types import Change, StreamName
from dataflow.unknown_fields import NO_UNKNOWN_FIELDS, UnknownFields


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
    # How many of its values were nulled or cut, by field.
    changed: Mapping[Change, int] = field(factory=dict)
    # All that were met in the stream so far.
    unknown: UnknownFields = NO_UNKNOWN_FIELDS
