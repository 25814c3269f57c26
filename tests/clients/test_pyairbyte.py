"""PyAirbyte drives each destination with each of its write strategies, twice: the right rows are there afterwards.

It counts no generations: every write is generation 1 (docs/clients.md).
"""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import frozen

from tests.clients.client import OURS, Client
from tests.whole.command import Destination

pytestmark = pytest.mark.elsewhere

FIRST = [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}, {"id": 3, "name": "Cy"}]
SECOND = [{"id": 2, "name": "Bo"}, {"id": 4, "name": "Di"}]
EACH_IS_NEW = {"each_overwrite_is_new": True}

APPENDED = [(1, "Ada"), (2, "Bo"), (2, "Bob"), (3, "Cy"), (4, "Di")]
MERGED = [(1, "Ada"), (2, "Bo"), (3, "Cy"), (4, "Di")]
REPLACED = [(2, "Bo"), (4, "Di")]


@frozen
class Written:
    """Two writes of one stream, and what its table must hold then."""

    stream: str
    strategy: str
    rows: list[tuple[int, str]]
    options: Mapping[str, Any] = {}
    # Whether PyAirbyte keeps the emitted STATE, and gives it to the source.
    keeps_state: bool = False


WRITTEN = [
    Written("appended", "append", APPENDED),
    Written("merged", "merge", MERGED),
    Written("replaced", "replace", REPLACED, EACH_IS_NEW),
    # Without the option the second is, by its catalog, the retry of the first.
    Written("added", "replace", APPENDED),
    # The source sends what it had not sent before.
    Written("gone_on", "append", [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, "Di")], keeps_state=True),
    # No STATE of an overwrite is emitted then: the source begins from the start, and so nothing is missing.
    Written("begun_anew", "replace", REPLACED, EACH_IS_NEW, keeps_state=True),
]


@pytest.fixture(scope="module")
def counts(client: Client, destination: Destination) -> list[int]:
    """Every write, by one PyAirbyte; how many records it says it wrote, write by write."""
    jobs = [
        {
            "destination": f"destination-{destination.name}",
            "executable": str(OURS / f"destination-{destination.name}"),
            "config": {**destination.config, **written.options},
            "source": {"stream": written.stream, "records": records},
            "strategy": written.strategy,
        }
        | ({"states": str(client.folder / f"{written.stream}.states")} if written.keeps_state else {})
        for written in WRITTEN
        for records in (FIRST, SECOND)
    ]
    return client.write(jobs)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.stream)
def test_two_writes_leave_the_rows_of_their_strategy(
    counts: list[int], destination: Destination, written: Written
) -> None:
    assert destination.rows(written.stream, ["id", "name"]) == sorted(written.rows, key=repr)


def test_pyairbyte_counts_what_was_sent(counts: list[int]) -> None:
    sent = [len(FIRST), len(SECOND)]

    assert counts == [*sent * 4, len(FIRST), 1, *sent]


def test_nothing_is_left_behind(counts: list[int], destination: Destination) -> None:
    assert destination.tables() == sorted(written.stream for written in WRITTEN)
