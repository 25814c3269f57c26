"""The journal's keeper holds no more than it says, however long the destination takes nothing."""

import time
from contextlib import closing

import pytest

from connectors.engine.journal import writer as keeping
from connectors.engine.journal.writer import journal_keeper
from machines.journal.entries import Entry
from tests.connectors.memory import memory_destination


def _entry(**more: str) -> Entry:
    states = {"machine": "stream", "stream": "users", "from": "writing", "event": "flushed", "to": "writing"}
    return {**states, "run": "one", "at": time.time(), **more}


def test_what_comes_while_too_much_waits_for_the_journal_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "MOST", 10)
    warnings: list[str] = []

    with closing(memory_destination().connector()) as connector, closing(connector.client()) as person:
        # A transaction of memory's holds the whole database, and is over before the keeper is asked to end.
        with journal_keeper(connector, 30, warnings.append) as keep, person.transaction():
            keep(_entry(operation="claim"))
            for _ in range(30):
                keep(_entry())
        with person.transaction():
            kept = person.journal.read(0.0)

    (warning,) = warnings
    assert len(kept) + int(warning.split()[0]) == 31
    assert len(kept) <= 11
    assert [each.number for each in kept] == sorted({each.number for each in kept})
