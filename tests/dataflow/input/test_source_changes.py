"""What a source says it changed is kept as it stands where a database can hold it, and else what it must say."""

import json
from typing import Any

import pytest

from dataflow.input.source_changes import sound
from dataflow.types import Limits

CHANGE = {"field": "a", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}


def kept(*changes: str, **limits: Any) -> Any:
    text = sound({7: ",".join(changes).encode()}, Limits(**limits)).get(7, b"")
    return json.loads(b"[" + text + b"]")


def test_sound_changes_stay_as_they_stand() -> None:
    text = b'{"field": "a", "more": [1e9, "\\u0041"]} , 5'

    assert sound({3: text, 9: b"null"}, Limits()) == {3: text, 9: b"null"}


@pytest.mark.parametrize(("nul", "field"), [(False, "ab"), (True, "a\0b")])
def test_a_nul_is_removed_where_the_destination_holds_none(nul: bool, field: str) -> None:
    assert kept(json.dumps(CHANGE | {"field": "a\0b"}), nul=nul) == [CHANGE | {"field": field}]


@pytest.mark.parametrize("more", ["1e400000", "[" * 99 + "]" * 99, "[" * 5000 + "]" * 5000, "9" * 200_000])
def test_the_members_of_the_protocol_are_kept_of_what_no_cell_could_hold(more: str) -> None:
    change = json.dumps(CHANGE)[:-1] + f', "more": {more}}}'

    assert kept(change, json.dumps(CHANGE | {"field": "b\0"})) == [CHANGE, CHANGE | {"field": "b"}]


@pytest.mark.parametrize("changes", ["1e400000", '"text", 1e400000', '{"field": 1e400000}'])
def test_nothing_is_kept_of_what_is_no_change(changes: str) -> None:
    assert kept(changes) in ([], [{}])


def test_text_that_is_no_utf_8_is_kept_with_replacements() -> None:
    assert sound({1: b'{"field": "\xff\\ud83d"}'}, Limits()) == {1: '{"field": "\ufffd\\ufffd"}'.encode()}
