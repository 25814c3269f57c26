"""A typed, columnar batch of one stream with its four metadata columns, as Arrow. Knows no database.

It is made in two steps. The rows' own columns come from the records alone, anywhere; the raw ids, which only
grow, are given by the one owner of the stream, in input order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from attrs import evolve, field, frozen

from dataflow.keys import Unfit
from dataflow.raw_ids import Ids
from dataflow.shape import Shape
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    RAW_ID,
    Change,
    StreamName,
)
from dataflow.values.cells import without_nul

# In a batch's schema metadata: the `_airbyte_meta` of rows without changes, and whether all rows have it.
_CLEAN_META, _ALL_CLEAN = b"clean_meta", b"all_clean"
# As the name of a field may have it.
NUL_ESCAPE = rb"\u0000"
# A piece of fewer rows is not worth a pass of its own; one of many is large enough.
FEW_ROWS, MANY_ROWS = 1000, 10_000
# What a piece takes beside its cells, and each column of it: of a few rows that is most of it. In bytes, as measured.
_PIECE_BYTES, _COLUMN_BYTES = 1800, 800


@frozen(kw_only=True)
class Rows:
    """Rows of one stream, typed, before anyone gave them raw ids.

    `cells` has `_airbyte_extracted_at`, then `_airbyte_meta` unless all rows have a clean one, then the
    stream's columns by physical name. `size` is of the input lines, in bytes. Rows with an `unfit` field must not be
    written.
    """

    stream: StreamName
    cells: pa.RecordBatch = field(repr=lambda cells: f"<{cells.num_rows} rows>")
    size: int
    # How many of their values were nulled or cut, by field.
    changed: Mapping[Change, int] = field(factory=dict)
    unfit: tuple[Unfit, ...] = ()
    # Bytes of memory that they take, about. Arrow computes it slowly, so it is asked once.
    held: int = field(init=False, eq=False)

    @held.default
    def _held(self) -> int:
        taken: int = self.cells.nbytes + _PIECE_BYTES + _COLUMN_BYTES * self.cells.num_columns
        return taken

    def __len__(self) -> int:
        count: int = self.cells.num_rows
        return count

    def split(self, at: int) -> tuple["Rows", "Rows"]:
        """The first `count`, and the others. What was changed is counted with the first, the size by rows."""
        size = self.size * at // len(self)
        first = evolve(self, cells=self.cells.slice(0, at), size=size)
        rest = evolve(self, cells=self.cells.slice(at), size=self.size - size, changed={})
        return first, rest


@frozen(kw_only=True)
class Batch:
    """Rows ready for an insert buffer: the metadata columns, then the stream's, by physical name."""

    rows: pa.RecordBatch = field(repr=lambda rows: f"<{rows.num_rows} rows>")
    changed: Mapping[Change, int]

    def raw_id(self, index: int) -> bytes:
        """The raw id of a row; a negative index counts from the end."""
        count = self.rows.num_rows
        value: bytes = self.rows.column(0)[index if index >= 0 else count + index].as_py()
        return value


@frozen(kw_only=True)
class NotedChanges:
    """What was changed in rows, by row: the source's own changes as the inner text of a JSON list, and ours."""

    source: Mapping[int, bytes] = field(factory=dict, repr=lambda of: f"<{len(of)}>")
    ours: Mapping[int, Sequence[Change]] = field(factory=dict, repr=lambda of: f"<{len(of)}>")


NO_CHANGES = NotedChanges()
EXTRACTED = pa.timestamp("us", tz="UTC")


def extracted_at(milliseconds: "np.ndarray[Any, Any]") -> pa.Array:
    """The moments these milliseconds after 1970, as rows have them."""
    # From a buffer, since Arrow imports numpy.ma to look at an array: a tenth of a start.
    moments = pa.py_buffer(milliseconds.astype(np.int64) * 1000)
    return pa.Array.from_buffers(EXTRACTED, len(milliseconds), [None, moments])


def rows_of(
    shape: Shape,
    extracted: pa.Array,
    columns: Sequence[pa.Array],
    size: int = 0,
    noted: NotedChanges = NO_CHANGES,
) -> Rows:
    """The rows of these columns, one per column of the shape, and of when each was extracted."""
    metadata = {EXTRACTED_AT: extracted}
    if noted.source or noted.ours:
        metadata[META] = _meta(shape, len(extracted), noted)
    return Rows(
        stream=shape.name,
        cells=pa.RecordBatch.from_arrays(
            [*metadata.values(), *columns], names=[*metadata, *(of.name for of in shape.columns)]
        ),
        size=size,
        changed=Counter(change for changes in noted.ours.values() for change in changes),
    )


def _meta(shape: Shape, count: int, noted: NotedChanges) -> pa.Array:
    """`{"sync_id": n, "changes": [...]}` per row, the source's changes before ours (protocol: meta)."""
    texts = [clean_meta(shape.sync_id)] * count
    for row in noted.source.keys() | noted.ours.keys():
        ours = encode_changes(noted.ours.get(row, ()))
        if not shape.limits.nul and NUL_ESCAPE in ours:
            ours = without_nul(ours.decode()).encode()
        texts[row] = _meta_text(shape.sync_id, [text for text in (noted.source.get(row), ours) if text])
    return pa.array(texts, pa.string())


def with_raw_ids(rows: Rows, shape: Shape, raw_ids: Ids) -> Batch:
    """The batch of these rows, which take the stream's next raw ids."""
    count, cells = len(rows), rows.cells
    names, columns = list(cells.schema.names), list(cells.columns)
    clean = clean_meta(shape.sync_id)
    schema_metadata = {_CLEAN_META: clean}
    if names[1:2] != [META]:
        names.insert(1, META)
        columns.insert(1, pa.repeat(pa.scalar(clean, pa.string()), count))
        schema_metadata[_ALL_CLEAN] = "yes"
    generation = pa.repeat(pa.scalar(shape.generation_id, pa.int64()), count)
    batch = pa.RecordBatch.from_arrays(
        [raw_ids.take(count), *columns[:2], generation, *columns[2:]],
        names=[RAW_ID, *names[:2], GENERATION_ID, *names[2:]],
    )
    return Batch(
        rows=batch.replace_schema_metadata(schema_metadata),
        changed=rows.changed,
    )


def joined(pieces: Sequence[Rows]) -> list[Rows]:
    """The same rows in fewer pieces: neighbours that are small and alike become one."""
    groups: list[list[Rows]] = []
    # The last group's.
    count = 0
    for piece in pieces:
        if groups and count < MANY_ROWS and _belong_together(groups[-1][0], piece):
            groups[-1].append(piece)
            count += len(piece)
        else:
            groups.append([piece])
            count = len(piece)
    return [_as_one(group) for group in groups]


def _belong_together(one: Rows, other: Rows) -> bool:
    small = len(one) < FEW_ROWS and len(other) < FEW_ROWS
    return small and bool(one.cells.schema.equals(other.cells.schema))


def _as_one(group: Sequence[Rows]) -> Rows:
    if len(group) == 1:
        return group[0]
    return Rows(
        stream=group[0].stream,
        cells=pa.concat_batches([piece.cells for piece in group]),
        size=sum(piece.size for piece in group),
        changed=added_up(piece.changed for piece in group),
    )


def added_up(changed: Iterable[Mapping[Change, int]]) -> Mapping[Change, int]:
    """How many values were changed in all."""
    return sum(map(Counter, changed), Counter[Change]())


def clean_meta(sync_id: int) -> str:
    """The `_airbyte_meta` of a row without changes: most rows of a sync have this one."""
    return _meta_text(sync_id, [])


def usual_meta(batch: pa.RecordBatch) -> str | None:
    """The `_airbyte_meta` of a batch's rows without changes, most likely of most of them."""
    meta = (batch.schema.metadata or {}).get(_CLEAN_META)
    return meta.decode() if meta is not None else None


def same_meta(batch: pa.RecordBatch) -> str | None:
    """The `_airbyte_meta` that all rows of a batch have, if they do."""
    return usual_meta(batch) if _ALL_CLEAN in (batch.schema.metadata or {}) else None


def _meta_text(sync_id: int, changes: Sequence[bytes]) -> str:
    listed = msgspec.Raw(b"[" + b",".join(changes) + b"]")
    return msgspec.json.encode({"sync_id": sync_id, "changes": listed}).decode()


def encode_changes(changes: Sequence[Change]) -> bytes:
    """Changes as the inner text of a JSON list."""
    listed = [{"field": each.field, "change": each.change, "reason": each.reason} for each in changes]
    return msgspec.json.encode(listed)[1:-1]
