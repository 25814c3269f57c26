"""A typed, columnar batch of one stream with its four metadata columns, as Arrow. Knows no database.

It is made in two steps. The rows' own columns come from the records alone, anywhere; the raw ids, which only
grow, are given by the one owner of the stream, in input order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from attrs import define, field, frozen
from msgspec.structs import astuple

from dataflow.coercion import Coerced, columns
from dataflow.decoder import encode_changes
from dataflow.protocol import Records
from dataflow.raw_ids import RawIds
from dataflow.structs import Shape
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    RAW_ID,
    AirbyteType,
    Change,
    ChangeKind,
    Limits,
    StreamName,
)

# In a batch's schema metadata.
_SAME_META = b"same_meta"
# A piece of fewer rows is not worth a pass of its own; one of many is large enough.
FEW_ROWS, MANY_ROWS = 1000, 10_000


@frozen(kw_only=True)
class Rows:
    """Rows of one stream, typed, before anyone gave them raw ids.

    `cells` has `_airbyte_extracted_at`, then `_airbyte_meta` unless all rows have a clean one, then the
    stream's columns by physical name. `size` is of the input lines, in bytes.
    """

    stream: StreamName
    cells: pa.RecordBatch = field(repr=lambda cells: f"<{cells.num_rows} rows>")
    size: int
    nulled: int = 0
    truncated: int = 0

    def __len__(self) -> int:
        count: int = self.cells.num_rows
        return count


@frozen(kw_only=True)
class Batch:
    """Rows ready for an insert buffer: the metadata columns, then the stream's, by physical name."""

    rows: pa.RecordBatch = field(repr=lambda rows: f"<{rows.num_rows} rows>")
    nulled: int
    truncated: int

    def raw_id(self, index: int) -> bytes:
        """The raw id of a row; a negative index counts from the end."""
        count = self.rows.num_rows
        value: bytes = self.rows.column(0)[index if index >= 0 else count + index].as_py()
        return value


@define
class OpenBatch:
    """Records of one stream that wait to become rows."""

    stream: StreamName
    data: list[Any] = field(factory=list, repr=lambda data: f"<{len(data)} records>")
    emitted_at: list["np.ndarray[Any, Any]"] = field(factory=list, repr=False)
    source_changes: dict[int, bytes] = field(factory=dict, repr=False)
    changes: dict[int, list[Change]] = field(factory=dict, repr=False)
    size: int = 0

    def __len__(self) -> int:
        return len(self.data)

    def add(self, records: Records) -> None:
        """Append records of the batch's stream, in their order."""
        before = len(self.data)
        self.data.extend(records.data)
        self.emitted_at.append(records.emitted_at)
        self.size += records.size
        for index, text in records.source_changes.items():
            self.source_changes[before + index] = text
        for index, changes in records.changes.items():
            self.changes[before + index] = list(changes)

    def close(self, shape: Shape) -> Rows:
        """The rows of these records."""
        (rows,) = close([self], {self.stream: shape})
        return rows

    def cells(self, width: int) -> list[list[Any]]:
        """The cells of each of so many columns, as they were decoded."""
        # One pass over the records, which lie scattered in memory; the columns are cut from what it brings.
        flat = list(chain.from_iterable(map(astuple, self.data)))
        return [flat[column::width] for column in range(width)]

    def rows(self, shape: Shape, columns: Sequence[Coerced]) -> Rows:
        """The rows, of columns that were made of the cells."""
        for of, made in zip(shape.columns, columns, strict=True):
            for row, change, reason in made.changes:
                self.changes.setdefault(row, []).append(Change(of.field, change, reason))
        tally = Counter(change.change for changes in self.changes.values() for change in changes)
        emitted_at = np.concatenate(self.emitted_at) * 1000
        metadata = {EXTRACTED_AT: pa.array(emitted_at, pa.timestamp("us", tz="UTC"))}
        if changed := self.source_changes.keys() | self.changes.keys():
            metadata[META] = self._meta(shape.sync_id, changed)
        return Rows(
            stream=self.stream,
            cells=pa.RecordBatch.from_arrays(
                [*metadata.values(), *(made.array for made in columns)],
                names=[*metadata, *(of.name for of in shape.columns)],
            ),
            size=self.size,
            nulled=tally[ChangeKind.NULLED],
            truncated=tally[ChangeKind.TRUNCATED],
        )

    def _meta(self, sync_id: int, changed: set[int]) -> pa.Array:
        """`{"sync_id": n, "changes": [...]}` per row, the source's changes before ours (protocol: meta)."""
        texts = [clean_meta(sync_id)] * len(self.data)
        for row in changed:
            ours = encode_changes(self.changes.get(row, ()))
            texts[row] = _meta_text(sync_id, [t for t in (self.source_changes.get(row), ours) if t])
        return pa.array(texts, pa.string())


def close(batches: Sequence[OpenBatch], shapes: Mapping[StreamName, Shape]) -> list[Rows]:
    """The rows of each of these, made together: columns of one type share a pass over their cells."""
    wanted: list[tuple[AirbyteType, Sequence[Any], Limits]] = []
    for batch in batches:
        shape = shapes[batch.stream]
        wanted += (
            (of.type, cells, shape.limits)
            for of, cells in zip(shape.columns, batch.cells(len(shape.columns)), strict=True)
        )
    made = iter(columns(wanted))
    return [
        batch.rows(shape, list(islice(made, len(shape.columns))))
        for batch, shape in ((batch, shapes[batch.stream]) for batch in batches)
    ]


def with_raw_ids(rows: Rows, shape: Shape, raw_ids: RawIds) -> Batch:
    """The batch of these rows, which take the stream's next raw ids."""
    count, cells = len(rows), rows.cells
    names, columns = list(cells.schema.names), list(cells.columns)
    schema_metadata = None
    if names[1:2] != [META]:
        clean = clean_meta(shape.sync_id)
        names.insert(1, META)
        columns.insert(1, pa.repeat(pa.scalar(clean, pa.string()), count))
        schema_metadata = {_SAME_META: clean}
    generation = pa.repeat(pa.scalar(shape.generation_id, pa.int64()), count)
    batch = pa.RecordBatch.from_arrays(
        [raw_ids.take(count), *columns[:2], generation, *columns[2:]],
        names=[RAW_ID, *names[:2], GENERATION_ID, *names[2:]],
    )
    return Batch(
        rows=batch.replace_schema_metadata(schema_metadata),
        nulled=rows.nulled,
        truncated=rows.truncated,
    )


def joined(pieces: Sequence[Rows]) -> list[Rows]:
    """The same rows in fewer pieces: neighbours that are small and alike become one."""
    groups: list[list[Rows]] = []
    for piece in pieces:
        if groups and _belong_together(groups[-1], piece):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [_as_one(group) for group in groups]


def _belong_together(group: Sequence[Rows], piece: Rows) -> bool:
    small = len(piece) < FEW_ROWS and len(group[0]) < FEW_ROWS and sum(map(len, group)) < MANY_ROWS
    return small and bool(piece.cells.schema.equals(group[0].cells.schema))


def _as_one(group: Sequence[Rows]) -> Rows:
    if len(group) == 1:
        return group[0]
    return Rows(
        stream=group[0].stream,
        cells=pa.concat_batches([piece.cells for piece in group]),
        size=sum(piece.size for piece in group),
        nulled=sum(piece.nulled for piece in group),
        truncated=sum(piece.truncated for piece in group),
    )


def clean_meta(sync_id: int) -> str:
    """The `_airbyte_meta` of a row without changes: most rows of a sync have this one."""
    return _meta_text(sync_id, [])


def same_meta(batch: pa.RecordBatch) -> str | None:
    """The `_airbyte_meta` that all rows of a batch have, if they do."""
    told = (batch.schema.metadata or {}).get(_SAME_META)
    return told.decode() if told is not None else None


def _meta_text(sync_id: int, changes: Sequence[bytes]) -> str:
    listed = msgspec.Raw(b"[" + b",".join(changes) + b"]")
    return msgspec.json.encode({"sync_id": sync_id, "changes": listed}).decode()
