"""A typed, columnar batch of one stream with its four metadata columns, as Arrow. Knows no database."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from attrs import define, field, frozen
from msgspec.structs import astuple

from dataflow.coercion import column
from dataflow.decoder import encode_changes
from dataflow.protocol import Records
from dataflow.raw_ids import RawIds
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    RAW_ID,
    Change,
    ChangeKind,
    Column,
    Limits,
)

# In a batch's schema metadata.
_SAME_META = b"same_meta"


@frozen(kw_only=True)
class BatchContext:
    """What every batch of a stream has in common."""

    columns: tuple[Column, ...]
    limits: Limits
    generation_id: int
    sync_id: int


@frozen(kw_only=True)
class Batch:
    """Rows ready for an insert buffer: the metadata columns, then the stream's, by physical name."""

    rows: pa.RecordBatch = field(repr=lambda rows: f"<{rows.num_rows} rows>")
    # Of the input lines.
    size: int
    nulled: int
    truncated: int

    def raw_id(self, index: int) -> bytes:
        """The raw id of a row; a negative index counts from the end."""
        count = self.rows.num_rows
        value: bytes = self.rows.column(0)[index if index >= 0 else count + index].as_py()
        return value


@define
class OpenBatch:
    """Records of one stream that wait to become a batch."""

    data: list[Any] = field(factory=list, repr=lambda data: f"<{len(data)} records>")
    emitted_at: list[int] = field(factory=list, repr=False)
    source_changes: dict[int, bytes] = field(factory=dict, repr=False)
    changes: dict[int, list[Change]] = field(factory=dict, repr=False)
    size: int = 0

    def __len__(self) -> int:
        return len(self.data)

    def add(self, records: Records) -> None:
        """Append records of the batch's stream, in their order."""
        before = len(self.data)
        self.data.extend(records.data)
        self.emitted_at.extend(records.emitted_at)
        self.size += records.size
        for index, text in records.source_changes.items():
            self.source_changes[before + index] = text
        for index, changes in records.changes.items():
            self.changes[before + index] = list(changes)

    def close(self, context: BatchContext, raw_ids: RawIds) -> Batch:
        """The batch of these records. Raw ids are given here, in input order, before any parallel step."""
        count = len(self.data)
        ids = raw_ids.take(count)
        # One pass over the records makes tuples, one over the tuples columns: no struct is visited twice.
        cells = zip(*map(astuple, self.data), strict=True)
        arrays = [self._coerced(of, v, context.limits) for of, v in zip(context.columns, cells, strict=True)]
        tally = Counter(change.change for changes in self.changes.values() for change in changes)
        emitted_at = np.array(self.emitted_at, dtype=np.int64) * 1000
        metadata = [
            ids,
            pa.array(emitted_at, pa.timestamp("us", tz="UTC")),
            self._meta(context.sync_id),
            pa.repeat(pa.scalar(context.generation_id, pa.int64()), count),
        ]
        names = [RAW_ID, EXTRACTED_AT, META, GENERATION_ID, *(of.name for of in context.columns)]
        rows = pa.RecordBatch.from_arrays([*metadata, *arrays], names=names)
        if not self._changed:
            rows = rows.replace_schema_metadata({_SAME_META: clean_meta(context.sync_id)})
        return Batch(
            rows=rows,
            size=self.size,
            nulled=tally[ChangeKind.NULLED],
            truncated=tally[ChangeKind.TRUNCATED],
        )

    def _coerced(self, of: Column, cells: Sequence[Any], limits: Limits) -> pa.Array:
        coerced = column(of.type, cells, limits)
        for row, change, reason in coerced.changes:
            self.changes.setdefault(row, []).append(Change(of.field, change, reason))
        return coerced.array

    @property
    def _changed(self) -> set[int]:
        """The rows whose `_airbyte_meta` is their own."""
        return self.source_changes.keys() | self.changes.keys()

    def _meta(self, sync_id: int) -> pa.Array:
        """`{"sync_id": n, "changes": [...]}` per row, the source's changes before ours (protocol: meta)."""
        clean, changed = clean_meta(sync_id), self._changed
        if not changed:
            return pa.repeat(pa.scalar(clean, pa.string()), len(self.data))
        texts = [clean] * len(self.data)
        for row in changed:
            ours = encode_changes(self.changes.get(row, ()))
            texts[row] = _meta_text(sync_id, [t for t in (self.source_changes.get(row), ours) if t])
        return pa.array(texts, pa.string())


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
