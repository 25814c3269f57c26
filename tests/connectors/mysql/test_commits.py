"""The commits that a real MariaDB sees of each operation are the groups of parts that the search and simulation run.

They are read from the server's general log, so what the connector says of itself does not count.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import define, field

from connectors.contract import Atomic
from connectors.testkit import Destination
from connectors.testkit.harness.cuts import FLUSH, Fault, Interruption, Story
from connectors.testkit.harness.theatre import BEYOND, Act, Theatre, theatre
from connectors.testkit.suites.cuts import PUBLISHING, STORIES
from dataflow.runtime.requests import COMMIT
from machines.operations import Publishing, StreamOperation
from machines.parts import FLUSH as FLUSH_PARTS
from machines.parts import Kind, Part, commits, parts_of

MARK = "SELECT 'operation: {}'"
NONE = "none"
# Parts that may find nothing to do.
AT_TIMES = {
    Part.END_OTHERS,
    Part.SWEEP,
    Part.FIT_TEMP,
    Part.FIT_FINAL,
    Part.EVOLVE_TEMP,
    Part.OPEN_FINAL,
    Part.WRITE_RECIPE,
    Part.DEDUPE,
}
# What changes a table, which commits by itself, and what changes rows.
TABLES = re.compile(r"(?:CREATE|DROP|ALTER|RENAME|TRUNCATE)\b")
ROWS = re.compile(r"(?:INSERT|REPLACE|UPDATE|DELETE|LOAD DATA)\b")


@define
class Log:
    """The server's general log."""

    session: Any

    def mark(self, what: str) -> None:
        """A statement that says where in the log we are."""
        self.session.query(MARK.format(what))

    def transactions(self, of: str) -> list[list[str]]:
        """The statements of each transaction of an operation, in their order, without START TRANSACTION."""
        with self.session.cursor() as cursor:
            cursor.execute("SELECT thread_id, argument FROM mysql.general_log WHERE command_type = 'Query'")
            entries = [
                (thread, text.decode() if isinstance(text, bytes) else text) for thread, text in cursor
            ]
        texts = [text for _, text in entries]
        begin = texts.index(MARK.format(of))
        end = texts.index(MARK.format(NONE), begin)
        found: list[list[str]] = []
        under_way: dict[int, list[str]] = {}
        for thread, text in entries[begin + 1 : end]:
            if text == "START TRANSACTION":
                found.append(under_way.setdefault(thread, []))
            elif thread in under_way:
                under_way[thread].append(text)
                if text in ("COMMIT", "ROLLBACK"):
                    del under_way[thread]
        return found


@define
class Listening(Interruption):
    """Interrupts nothing, and marks each operation in the server's log."""

    log: Log = field(kw_only=True)

    @contextmanager
    def watching(self, operation: StreamOperation | str) -> Iterator[None]:
        self.log.mark(operation)
        yield
        self.log.mark(NONE)


@pytest.fixture
def log(server: Any) -> Iterator[Log]:
    server.query("SET GLOBAL log_output = 'TABLE'")
    server.query("TRUNCATE mysql.general_log")
    server.query("SET GLOBAL general_log = ON")
    yield Log(server)
    server.query("SET GLOBAL general_log = OFF")


@pytest.mark.parametrize("story", [each for each in STORIES if each.is_said_in(Atomic.ROWS)], ids=str)
def test_each_operation_is_committed_as_its_parts_are_grouped(
    destination: Destination, log: Log, story: Story
) -> None:
    with theatre(destination) as stages:
        act = begun(stages, story)

        act.interrupt(_listening(story.operation, log))

    parts = FLUSH_PARTS if story.operation == FLUSH else parts_of(StreamOperation(story.operation))
    expect_grouped(log.transactions(story.operation), parts)


@pytest.mark.parametrize("story", PUBLISHING, ids=str)
def test_a_completion_is_committed_as_its_parts_are_grouped(
    destination: Destination, log: Log, story: Story
) -> None:
    with theatre(destination) as stages:
        whole, act = begun(stages, story), begun(stages, story)
        counting = Interruption(operation=story.operation, fault=Fault.LOST_ANSWER, at=BEYOND)
        whole.interrupt(counting)
        decided = counting.seen.index(COMMIT) + 1

        act.interrupt(
            Interruption(operation=story.operation, fault=Fault.CUT, at=decided + 1),
            _listening(StreamOperation.COMPLETE, log),
        )

    publishing = Publishing.ADD if story.operation is StreamOperation.SETTLE else Publishing.REPLACE
    expect_grouped(log.transactions(StreamOperation.COMPLETE), parts_of(StreamOperation.COMPLETE, publishing))


def begun(stages: Theatre, story: Story) -> Act:
    """The story up to the run that is watched."""
    act = stages.act(story)
    stages.begin([act])
    return act


def _listening(operation: StreamOperation | str, log: Log) -> Listening:
    return Listening(operation=operation, fault=Fault.LOST_ANSWER, at=BEYOND, log=log)


def expect_grouped(transactions: Sequence[Sequence[str]], parts: Sequence[Part]) -> None:
    """Each group is one transaction of the server, which changes no more than its parts do, and no less.

    A statement that changes tables commits what stands before it, so it may not stand beside others.
    """
    groups = commits(parts, Atomic.ROWS)
    changed = [{kind for text in each if (kind := _changed(text)) is not None} for each in transactions]
    may = [{part.kind for part in group} - {Kind.NOTHING} for group in groups]
    must = [{part.kind for part in group if part not in AT_TIMES} - {Kind.NOTHING} for group in groups]
    assert [each[-1] for each in transactions] == [COMMIT] * len(groups)
    assert all(least <= seen <= most for least, seen, most in zip(must, changed, may, strict=True)), changed


def _changed(text: str) -> Kind | None:
    """What a statement changes, if anything."""
    if TABLES.match(text):
        return Kind.TABLES
    if ROWS.match(text):
        # The table is the first that is named.
        return Kind.LEDGER if text.partition("`")[2].startswith("airbyte_internal") else Kind.ROWS
    return None
