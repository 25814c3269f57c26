"""What a decoder refuses is set aside, the rest of the text can be read, and all of it comes back as it was."""

import json

import msgspec
import pytest

from dataflow.values.aside import Aside, set_aside


def in_a_cell(value: bytes) -> bytes:
    return b'{"record": {"data": {"cell": %s}}}' % value


def nested(levels: int, inner: bytes = b"1") -> bytes:
    return b'{"k":[' * (levels // 2) + inner + b"]}" * (levels // 2)


@pytest.mark.parametrize(
    "value",
    [
        nested(98),
        nested(500),
        nested(100_000),
        b"[%s, 1, %s]" % (nested(300), nested(400)),
        nested(300, b'"]\\" [ {"'),
        nested(300, b'"\\ud83d"'),
        b'"caf\\ud83d"',
        b'{"caf\\ud83d": ["~0~0", "~1~"]}',
    ],
    ids=["shallow", "deep", "very deep", "side by side", "brackets in texts", "both", "half", "half a name"],
)
def test_a_text_can_be_read_and_comes_back_as_it_was(value: bytes) -> None:
    text = in_a_cell(value)

    around = set_aside(text)

    assert list(json.loads(around.text)["record"]["data"]) == ["cell"]
    assert around.restored(around.text) == text


@pytest.mark.parametrize("value", [b"NaN", b"[1, -Infinity]", nested(300, b"Infinity")])
def test_what_holds_a_bare_constant_cannot_come_back(value: bytes) -> None:
    around = set_aside(in_a_cell(b'{"a": %s, "b": "NaN"}' % value))

    cell = json.loads(around.text)["record"]["data"]["cell"]
    assert around.restored(json.dumps(cell["a"]).encode()) is None
    assert around.restored(json.dumps(cell["b"]).encode()) == b'"NaN"'


@pytest.mark.parametrize(
    "text",
    [
        b'{"record": {"emitted_at": NaN}}',
        b'{"record": {"data": {"a": nan}}}',
        b'{"record": {"data": {NaN: 1}}}',
        b'{"record": {"data": {"a": NaNNaN}}}',
        b'{"record": {"data": {"a": "NaN}}}',
        in_a_cell(nested(100)[:-1]),
    ],
)
def test_what_is_malformed_stays_so(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(set_aside(text).text)


@pytest.mark.parametrize("inner", [b"1x", b'"\\x"', b"[1}", b'"\\ud83d \\x"', b"{1: 2}"])
def test_what_is_malformed_inside_is_refused(inner: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        set_aside(in_a_cell(nested(500, inner)))


def test_a_text_that_ends_too_soon_is_left_alone() -> None:
    text = in_a_cell(nested(500))[:600]

    assert set_aside(text) == Aside(text)
