"""The changes that a source says it made to a record, such that a database can hold them. Reads no line."""

from collections.abc import Mapping

import msgspec
from attrs import evolve

from dataflow.types import READ_LEVELS, Array, Limits
from dataflow.values.aside import REFUSED, set_aside
from dataflow.values.cells import decodable
from dataflow.values.coercion import column

# What the protocol has of a change.
MEMBERS = ("field", "change", "reason")
_entries = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_texts = msgspec.json.Decoder(str)


def sound(changes: Mapping[int, bytes], limits: Limits) -> dict[int, bytes]:
    """Lists of changes by row, as their inner text: as they came, where a JSON cell could hold them so.

    Other entries keep only the protocol's members, if they are texts; of what is no list of objects
    nothing is.
    """
    if not changes:
        return {}
    given = [decodable(b"[%s]" % text) for text in changes.values()]
    kept = _as_cells(given, limits)
    reduced = iter(
        _as_cells([_reduced(text) for text, cell in zip(given, kept, strict=True) if cell is None], limits)
    )
    whole = [next(reduced) if cell is None else cell for cell in kept]
    texts = (text[1:-1].strip().encode() if text is not None else b"" for text in whole)
    return {row: text for row, text in zip(changes, texts, strict=True) if text}


def _as_cells(lists: list[bytes], limits: Limits) -> list[str | None]:
    # Few levels: databases and we ourselves read them again, within a further object.
    shallow = evolve(limits, json_levels=READ_LEVELS)
    made: list[str | None] = column(Array(), [msgspec.Raw(text) for text in lists], shallow).array.to_pylist()
    return made


def _reduced(text: bytes) -> bytes:
    try:
        entries = _entries.decode(set_aside(text).text)
    except REFUSED:
        return b"[]"
    kept = [{name: _text(entry[name]) for name in MEMBERS if _is_text(entry.get(name))} for entry in entries]
    return msgspec.json.encode(kept)


def _is_text(token: msgspec.Raw | None) -> bool:
    return token is not None and bytes(token).startswith(b'"')


def _text(token: msgspec.Raw) -> str:
    return _texts.decode(token)
