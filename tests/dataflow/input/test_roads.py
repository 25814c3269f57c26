"""The compiled reader and the exact road give the same rows, whatever stands in the input and however it is written."""

import json
import os
import random
import re
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataflow.input.compiled import BLANK, NOTES, ODD, SPANS, Reader, Reading
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.shape import Shape
from dataflow.types import NUMBER, AirbyteType, Column, Kind, Limits, Scalar, StreamName
from tests.dataflow.values.test_coercion import ANY_TOKEN, TYPES, VALUES

# `make sanitize` asks for more of them, of a reader that watches its memory and is slower for it.
EXAMPLES = settings(max_examples=int(os.environ.get("EXAMPLES", "60")), deadline=None)
USERS, TWIN, ORDERS = StreamName(None, "users"), StreamName("eu", "users"), StreamName("shop", 'größe "1"\n')
LIMITS = [
    Limits(),
    Limits(number=None, nul=True),
    Limits(number=(20, 3), years=(1900, 2100), string_bytes=9, json_bytes=9, json_levels=100),
]
MEMBERS: list[tuple[bytes, bytes]] = [
    (b"emitted_at", b"5"),
    (b"emitted_at", b"1780272000243"),
    (b"emitted_at", b"5.5"),
    (b"namespace", b"null"),
    (b"namespace", b'"eu"'),
    (b"namespace", b'""'),
    (b"meta", b"null"),
    (b"meta", b'{"changes":[]}'),
    (b"meta", b'{"changes": [{"field":"a","change":"NULLED","reason":"R"}], "x": 1}'),
    (b"meta", b"7"),
    (b"meta", b'{"changes": [{"field":"\\u0000","x":1}, {"field":"b","x":1e400000}, null]}'),
    (b"meta", b'{"changes": [{"field":NaN}]}'),
    (b"partition_id", b'"p\\u0031"'),
    (b"partition_id", b"null"),
    (b"file_reference", b'{"a": [1, "\\"}"]}'),
]


class NothingPlain(Reader):
    """A reader to whom every line is odd, so that all of it takes the exact road."""

    def read(self, chunk: bytes) -> Reading:
        lines = chunk.removesuffix(b"\n").split(b"\n") if chunk else []
        lengths = [len(line) + 1 for line in lines]
        return Reading(
            ends=np.cumsum(lengths, dtype=np.int64) - 1,
            streams=np.array([ODD if line.strip(b" \t\r") else BLANK for line in lines], np.int32),
            spans=np.empty(0, SPANS),
            notes=np.empty(0, NOTES),
            unknown=np.empty(0, NOTES),
            rows={},
        )


def packed(shapes: list[Shape], chunk: bytes, most_rows: int = 1000) -> tuple[ParsedChunk, Any]:
    return comparable(Packer(shapes, most_rows).pack(chunk))


def exactly(shapes: list[Shape], chunk: bytes, most_rows: int = 1000) -> tuple[ParsedChunk, Any]:
    packer = Packer(shapes, most_rows)
    packer._reader = NothingPlain(shapes)
    return comparable(packer.pack(chunk))


def comparable(found: ParsedChunk) -> tuple[ParsedChunk, Any]:
    """An exception is equal to itself alone; what it says can be compared.

    Unknown fields are reported in no order, and for no chunk that ends the sync.
    """
    refused = found.refused
    unknown = {} if refused else {name: tuple(sorted(names)) for name, names in found.unknown.items()}
    return evolve(found, refused=None, unknown=unknown), refused and (
        refused.line,
        refused.stream,
        refused.reason,
        refused.namesakes,
    )


def shape(stream: StreamName, columns: dict[str, AirbyteType], limits: Limits) -> Shape:
    made = tuple(Column(f"column {n}", name, type_) for n, (name, type_) in enumerate(columns.items()))
    return Shape(name=stream, columns=made, limits=limits, generation_id=1, sync_id=1)


def record(data: bytes, stream: str = "users") -> bytes:
    name = json.dumps(stream).encode()
    return b'{"type":"RECORD","record":{"stream":%s,"emitted_at":5,"data":%s}}\n' % (name, data)


@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "wide", "narrow"])
@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.kind}-{type(type_).__name__}")
@given(tokens=st.lists(ANY_TOKEN, max_size=6))
@EXAMPLES
def test_a_column_is_the_same_on_both_roads(type_: AirbyteType, limits: Limits, tokens: list[bytes]) -> None:
    shapes = [shape(USERS, {"field": type_}, limits)]
    chunk = b"".join(record(b'{"field": ' + token + b"}") for token in tokens)

    assert packed(shapes, chunk) == exactly(shapes, chunk)


DIGITS = st.text("0123456789.-+:TZ e", max_size=30)
NEAR: dict[Kind, st.SearchStrategy[str]] = {
    Kind.INTEGER: st.from_regex(r"-?[0-9]{1,21}(\.[0-9]{0,3})?", fullmatch=True),
    Kind.NUMBER: st.from_regex(r"-?[0-9]{1,31}(\.[0-9]{0,13})?(e-?[0-9]{1,2})?", fullmatch=True),
    Kind.DATE: st.from_regex(
        r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9])?", fullmatch=True
    ),
}
MOMENT = st.from_regex(
    r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]"
    r"([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,8})?)?(Z|[+-][0-2][0-9](:?[0-6][0-9])?)?)?",
    fullmatch=True,
)


@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in (Kind.JSON, Kind.STRING, Kind.BOOLEAN)]
)
@given(data=st.data())
@EXAMPLES
def test_what_nearly_is_a_value_is_the_same_on_both_roads(kind: Kind, data: st.DataObject) -> None:
    texts = data.draw(st.lists(NEAR.get(kind, MOMENT) | DIGITS, min_size=1, max_size=8))
    shapes = [shape(USERS, {"field": Scalar(kind)}, data.draw(st.sampled_from(LIMITS)))]
    tokens = [text if is_number(text) and data.draw(st.booleans()) else f'"{text}"' for text in texts]
    chunk = b"".join(record(b'{"field": ' + token.encode() + b"}") for token in tokens)

    assert packed(shapes, chunk) == exactly(shapes, chunk)


@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "wide", "narrow"])
def test_numbers_at_their_limits_are_the_same_on_both_roads(limits: Limits) -> None:
    """Half of the last digit, a carry through all of them, and the widest that fit."""
    last = ["4", "5", "50", "49999", "500001", "9"]
    whole = ["0", "1", "9" * 17, "9" * 20, "9" * 28, "9" * 29, "9" * 30]
    texts = [f"{sign}{w}.{'9' * n}{d}" for sign in ("", "-") for w in whole for n in (3, 8, 9) for d in last]
    texts += [
        f"{text[:20]}e{power}" for text in texts for power in ("0", "-7", "+11", "-40", "-9999", "9999")
    ]
    shapes = [shape(USERS, {"field": NUMBER}, limits)]
    chunk = b"".join(record(b'{"field": %s}' % text.encode()) for text in texts)

    assert packed(shapes, chunk) == exactly(shapes, chunk)


@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "wide", "narrow"])
@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.kind}-{type(type_).__name__}")
def test_values_within_others_are_the_same_on_both_roads(type_: AirbyteType, limits: Limits) -> None:
    """About as many as the reader follows, as destinations do, and as Python does."""
    shapes = [shape(USERS, {"field": type_}, limits)]
    levels = [n + more for n in (99, 999, 2000) for more in range(3)]
    cells = [opening * n + inner + closing * n for n in levels for opening, inner, closing in NESTS]
    chunk = b"".join(
        record(b'{"field": %s, "other": %s}' % pair)
        for cell in cells
        for pair in ((cell, b"1"), (b"1", cell))
    )

    assert packed(shapes, chunk) == exactly(shapes, chunk)


NESTS = [(b"[", b"", b"]"), (b"[", b"1", b"]"), (b'{"a":', b"{}", b"}"), (b'[{"a":', b'"\\u0000"', b"}]")]


def is_number(text: str) -> bool:
    """Values of JSON, which stand without quotes."""
    return re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", text) is not None


@st.composite
def objects(draw: st.DrawFn, members: st.SearchStrategy[tuple[bytes, bytes]]) -> bytes:
    """Members in any order, more than once, with any space between them."""
    space = draw(st.sampled_from([b"", b" ", b"\t "]))
    inner = (space + b",").join(
        b'"' + name + b'"' + space + b":" + space + value
        for name, value in draw(st.lists(members, max_size=6))
    )
    return b"{" + space + inner + space + b"}"


FIELDS = ["a", "größe", 'a"b', "\n", ""]
NAMES = st.builds(
    lambda name, ascii_only: json.dumps(name, ensure_ascii=ascii_only).encode()[1:-1],
    st.sampled_from([*FIELDS, "other"]),
    st.booleans(),
)
DATA = objects(st.tuples(NAMES, ANY_TOKEN))
ENDED = b'{"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"users"},"status":"COMPLETE"}}'
STREAMS = st.sampled_from([b'"users"', b'"us\\u0065rs"', b'"strangers"', json.dumps(ORDERS.name).encode()])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Bodies of records, most of them usable."""
    needed = [(b"stream", draw(STREAMS)), (b"data", draw(DATA)), (b"emitted_at", b"5")]
    members = draw(st.permutations([*needed, *draw(st.lists(st.sampled_from(MEMBERS), max_size=3))]))
    if draw(st.integers(0, 9)) == 0:
        members = members[1:]
    return b"{" + b", ".join(b'"' + name + b'":' + value for name, value in members) + b"}"


LINES = st.one_of(
    st.builds(lambda body: b'{"type":"RECORD","record":' + body + b"}", records()),
    st.builds(lambda body: b'{"record": ' + body + b', "state": null, "type": "RECORD" } ', records()),
    st.sampled_from(
        [
            b"",
            b"  ",
            b'{"type":"LOG"}',
            b'{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}}',
            b'{"type":"TRACE","trace":%s}' % ENDED,
            b'{"type":"RECORD","record":{"stream":"users","emitted_at":"5","data":{}}}',
            b'{"type":"RECORD","record":{"stream":"users","emitted_at":5,"data":{"a":NaN,"":[-Infinity],"x":NaN}}}',
            b'{"type":"STATE","state":{"data":"\\ud83d"}}',
        ]
    ),
    st.builds(lambda value: json.dumps(value).encode(), VALUES),
)


def streams(limits: Limits) -> list[Shape]:
    columns: dict[str, AirbyteType] = dict(
        zip(FIELDS, random.Random(7).sample(TYPES, len(FIELDS)), strict=True)
    )
    return [
        shape(USERS, columns, limits),
        shape(TWIN, columns, limits),
        shape(ORDERS, {"a": TYPES[2]}, limits),
    ]


@given(
    lines=st.lists(LINES, max_size=12),
    limits=st.sampled_from(LIMITS),
    ended=st.booleans(),
    most_rows=st.sampled_from([1, 2, 1000]),
)
@EXAMPLES
@example(
    lines=[record(b'{"a":1}').strip(), b"{", record(b'{"a":2}').strip()],
    limits=LIMITS[0],
    ended=True,
    most_rows=9,
)
def test_a_chunk_is_the_same_on_both_roads(
    lines: list[bytes], limits: Limits, ended: bool, most_rows: int
) -> None:
    chunk = b"\n".join(lines) + (b"\n" if ended and lines else b"")

    assert packed(streams(limits), chunk, most_rows) == exactly(streams(limits), chunk, most_rows)


@given(lines=st.lists(LINES, min_size=1, max_size=4), data=st.data())
@EXAMPLES
def test_a_damaged_chunk_is_the_same_on_both_roads(lines: list[bytes], data: st.DataObject) -> None:
    chunk = bytearray(b"\n".join(lines) + b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2)
            | st.sampled_from([b'"', b"\\", b"{", b"}", b"\0", b"\\u0000", b"\xc3", b"\n"])
        )

    assert packed(streams(LIMITS[0]), bytes(chunk)) == exactly(streams(LIMITS[0]), bytes(chunk))


def test_a_text_longer_than_all_before_it_is_kept() -> None:
    """Sizes at which the reader asks for more memory."""
    shapes = [shape(USERS, {"a": TYPES[0], "b": TYPES[-1]}, Limits())]
    values: list[Any] = [{"a": "x" * 3**n, "b": ["é" * 2**n]} for n in range(13)]
    chunk = b"".join(record(json.dumps(value, ensure_ascii=False).encode()) for value in values * 20)

    assert packed(shapes, chunk) == exactly(shapes, chunk)
