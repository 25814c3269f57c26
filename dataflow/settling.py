"""One stream's rows of a chunk: the compiled reader's columns, and what it left open filled in. Reads no line.

Open are the cells that it could not settle, which are read by themselves, and the records that the exact road read,
which take their places among the others. Most chunks have neither.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import field, frozen

from dataflow.batch import Rows, Told, rows_of
from dataflow.cells import CUT, Outcome, loosen
from dataflow.coercion import begun, finished
from dataflow.decoder import read_meta
from dataflow.protocol import Record
from dataflow.reading import CHANGED, UNSETTLED, tokens_of
from dataflow.reading import CUT as WAS_CUT
from dataflow.structs import Shape
from dataflow.types import AirbyteType, Change, Limits
from dataflow.vectors import Coerced, coerced, outcomes_of


@frozen(kw_only=True)
class Share:
    """What a chunk holds of one stream.

    `made` has the rows that the reader made, if any, and `notes` are on them; `records` are the others. `places` says
    at which row of all each of these stands: first of the reader's, then of the others.
    """

    chunk: bytes = field(repr=False)
    made: pa.RecordBatch | None = field(repr=False)
    notes: "np.ndarray[Any, Any]" = field(repr=lambda notes: f"<{len(notes)}>")
    records: Sequence[Record]
    places: "np.ndarray[Any, Any]" = field(repr=False)
    emitted_at: "np.ndarray[Any, Any]" = field(repr=False)
    # Of the lines, in bytes.
    size: int


def settled(shape: Shape, share: Share) -> Rows:
    """The rows of a share, in input order."""
    ours = _records_changes(share) if share.records else {}
    columns = []
    for index, column in enumerate(shape.columns):
        start = _begun(shape, share, index)
        made = finished(column.type, start.array, shape.limits)
        columns.append(made.array)
        if start.changes or made.changes:
            for row, outcome in sorted((outcomes_of(start) | outcomes_of(made)).items()):
                ours.setdefault(row, []).append(Change(column.field, *outcome))
    told = Told(source=_source_changes(share) if share.records or len(share.notes) else {}, ours=ours)
    return rows_of(shape, columns, share.emitted_at, share.size, told)


def _begun(shape: Shape, share: Share, index: int) -> Coerced:
    """A column of all rows, in their order."""
    type_, limits = shape.columns[index].type, shape.limits
    parts = []
    if share.made is not None:
        parts.append(_noted(type_, limits, share, share.made.column(index), index))
    if share.records:
        parts.append(begun(type_, [record.cells[index] for record in share.records], limits))
    return _in_order(parts, share.places) if share.records else parts[0]


def _noted(type_: AirbyteType, limits: Limits, share: Share, made: pa.Array, index: int) -> Coerced:
    """A column of the reader's rows, with the cells that it left open."""
    mine = share.notes[share.notes["column"] == index] if len(share.notes) else share.notes
    if not len(mine):
        return Coerced(made)
    outcomes: dict[int, Outcome] = dict.fromkeys(mine["row"][mine["kind"] == WAS_CUT].tolist(), CUT)
    open_cells = mine[mine["kind"] == UNSETTLED]
    if not len(open_cells):
        return coerced(made, outcomes)
    at = open_cells["row"].tolist()
    cells = [loosen(type_, token, limits) for token in tokens_of(share.chunk, open_cells)]
    rest = begun(type_, [value for value, _ in cells], limits)
    outcomes |= {at[row]: outcome for row, (_, outcome) in enumerate(cells) if outcome is not None}
    outcomes |= {at[row]: outcome for row, outcome in outcomes_of(rest).items()}
    mask = np.zeros(len(made), np.bool_)
    mask[at] = True
    return coerced(pc.replace_with_mask(made, pa.array(mask), rest.array), outcomes)


def _in_order(parts: Sequence[Coerced], places: "np.ndarray[Any, Any]") -> Coerced:
    """The parts as one column, each cell where it belongs."""
    whole = pa.concat_arrays([part.array for part in parts])
    outcomes: dict[int, Outcome] = {}
    before = 0
    for part in parts:
        outcomes |= {int(places[before + row]): outcome for row, outcome in outcomes_of(part).items()}
        before += len(part.array)
    return coerced(whole.take(pa.array(np.argsort(places))), outcomes)


def _records_changes(share: Share) -> dict[int, list[Change]]:
    """What the exact road changed in its records."""
    at = share.places[len(share.places) - len(share.records) :].tolist()
    return {
        row: list(record.changes) for row, record in zip(at, share.records, strict=True) if record.changes
    }


def _source_changes(share: Share) -> dict[int, bytes]:
    told = share.notes[share.notes["kind"] == CHANGED]
    rows = share.places[told["row"]].tolist()
    made = dict(zip(rows, map(read_meta, tokens_of(share.chunk, told)), strict=True))
    others = share.places[len(share.places) - len(share.records) :].tolist()
    made |= {row: record.source_changes for row, record in zip(others, share.records, strict=True)}
    return {row: text for row, text in made.items() if text}
