"""One stream's rows of a chunk: the compiled reader's columns, and what it left open filled in. Reads no line.

Open are the cells that it could not decide, which are read by themselves, and the records that the exact road read,
which take their places among the others. Most chunks have neither.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve

from dataflow.batch import NotedChanges, Rows, extracted_at, rows_of
from dataflow.input.compiled import CHANGED, SHORTENED, UNSETTLED, tokens_of
from dataflow.input.decoder import read_meta
from dataflow.input.source_changes import sound
from dataflow.input.stream_chunk import StreamChunk
from dataflow.keys import Unfit, unfit
from dataflow.shape import Shape
from dataflow.types import AirbyteType, Change, Kind, Limits
from dataflow.values.arrow_columns import Coerced, coerced, matches, others, outcomes_of
from dataflow.values.cells import CUT, Outcome, loosen
from dataflow.values.coercion import begun, finished
from dataflow.values.limits import is_final

# Texts that a column surely holds as they are, of kinds whose columns the reader does not finish.
SURE = {
    Kind.NUMBER: r"^-?(?:0|[1-9][0-9]{0,16})(?:\.0)?$",
    Kind.TIME_WITH_TIMEZONE: r"^[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:Z|\+00:00)$",
    Kind.TIME_WITHOUT_TIMEZONE: r"^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]$",
}


def assembled(shape: Shape, own: StreamChunk) -> Rows:
    """The rows of the stream in the chunk, in input order."""
    ours = {row: list(of.changes) for row, of in zip(own.others, own.records, strict=True) if of.changes}
    columns = []
    for index, column in enumerate(shape.columns):
        start = _begun(shape, own, index)
        made = finished(column.type, start.array, shape.limits)
        columns.append(made.array)
        if start.changes or made.changes:
            for row, outcome in sorted((outcomes_of(start) | outcomes_of(made)).items()):
                ours.setdefault(row, []).append(Change(column.field, *outcome))
    if own.records:
        fields = [column.field for column in shape.columns]
        for row in own.others:
            ours.get(row, []).sort(key=lambda change: fields.index(change.field))
    noted = NotedChanges(source=sound(_source_changes(own), shape.limits), ours=ours)
    rows = rows_of(shape, _extracted_at(own), columns, own.size, noted)
    return evolve(rows, unfit=_unfit(shape, own)) if shape.roles else rows


def _unfit(shape: Shape, own: StreamChunk) -> tuple[Unfit, ...]:
    """The fields with a role of which a value is not held, in the order of the columns."""
    found: dict[str, Unfit] = {}
    for each in (*_unfit_of_the_reader(shape, own), *(each for of in own.records for each in of.unfit)):
        before = found.get(each.field)
        found[each.field] = before.joined(each) if before else each
    return tuple(found[column.field] for column in shape.columns if column.field in found)


def _unfit_of_the_reader(shape: Shape, own: StreamChunk) -> Iterable[Unfit]:
    if own.made is None:
        return
    for index, column in enumerate(shape.columns):
        role = shape.roles.get(column.field)
        if role is None:
            continue
        made = own.made.column(index + 1)
        for token in (*_left_open(own, index), *_unfinished(column.type, shape.limits, made)):
            if (found := unfit(column.field, column.type, role, token, shape.limits)) is not None:
                yield found


def _left_open(own: StreamChunk, index: int) -> list[bytes]:
    """The tokens of a column's cells that the reader left alone."""
    notes = own.notes
    return tokens_of(own.chunk, notes[(notes["column"] == index) & (notes["kind"] == UNSETTLED)])


def _unfinished(type_: AirbyteType, limits: Limits, texts: pa.Array) -> Iterable[bytes]:
    """The tokens of a column that the reader does not finish, but for those that it surely holds."""
    if is_final(type_, limits):
        return ()
    doubtful = texts.filter(others(texts, matches(texts, SURE[type_.kind]))).to_pylist()
    return map(str.encode if type_.kind is Kind.NUMBER else msgspec.json.encode, doubtful)


def _extracted_at(own: StreamChunk) -> pa.Array:
    parts = [Coerced(own.made.column(0))] if own.made is not None else []
    if own.records:
        parts.append(Coerced(extracted_at(np.array([record.emitted_at for record in own.records]))))
    return _in_order(parts, own).array


def _begun(shape: Shape, own: StreamChunk, index: int) -> Coerced:
    """A column of all rows, in their order."""
    type_, limits = shape.columns[index].type, shape.limits
    parts = []
    if own.made is not None:
        parts.append(_noted(type_, limits, own, own.made.column(index + 1), index))
    if own.records:
        parts.append(begun(type_, [record.cells[index] for record in own.records], limits))
    return _in_order(parts, own)


def _noted(type_: AirbyteType, limits: Limits, own: StreamChunk, made: pa.Array, index: int) -> Coerced:
    """A column of the reader's rows, with the cells that it left open."""
    mine = own.notes[own.notes["column"] == index] if len(own.notes) else own.notes
    if not len(mine):
        return Coerced(made)
    outcomes: dict[int, Outcome] = dict.fromkeys(mine["row"][mine["kind"] == SHORTENED].tolist(), CUT)
    open_cells = mine[mine["kind"] == UNSETTLED]
    if not len(open_cells):
        return coerced(made, outcomes)
    at = open_cells["row"].tolist()
    cells = [loosen(type_, token, limits) for token in tokens_of(own.chunk, open_cells)]
    rest = begun(type_, [value for value, _ in cells], limits)
    outcomes |= {at[row]: outcome for row, (_, outcome) in enumerate(cells) if outcome is not None}
    outcomes |= {at[row]: outcome for row, outcome in outcomes_of(rest).items()}
    mask = np.zeros(len(made), np.bool_)
    mask[at] = True
    return coerced(pc.replace_with_mask(made, pa.array(mask), rest.array), outcomes)


def _in_order(parts: Sequence[Coerced], own: StreamChunk) -> Coerced:
    """The parts as one column, each cell where it belongs."""
    if own.places is None:
        (alone,) = parts
        return alone
    whole = pa.concat_arrays([part.array for part in parts])
    outcomes: dict[int, Outcome] = {}
    before = 0
    for part in parts:
        outcomes |= {int(own.places[before + row]): done for row, done in outcomes_of(part).items()}
        before += len(part.array)
    return coerced(whole.take(pa.array(np.argsort(own.places))), outcomes)


def _source_changes(own: StreamChunk) -> dict[int, bytes]:
    changed = own.notes[own.notes["kind"] == CHANGED]
    rows = changed["row"] if own.places is None else own.places[changed["row"]]
    made = dict(zip(rows.tolist(), map(read_meta, tokens_of(own.chunk, changed)), strict=True))
    made |= {row: of.source_changes for row, of in zip(own.others, own.records, strict=True)}
    return {row: text for row, text in made.items() if text}
