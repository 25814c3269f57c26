"""The journal of a sync that was killed and resumed, as a process on a real server wrote it: both lives replay."""

import json
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from signal import SIGKILL
from typing import Any

from attrs import evolve

from dataflow.catalog import Strategy
from machines.journal.entries import Entry
from machines.journal.replay import lives, replay
from tests.crash.grounds import ARGUMENTS
from tests.crash.scenarios import NEW, Stint
from tests.whole.command import Destination

JOURNAL = Path(__file__).parent / "killed_and_resumed.jsonl"
SYNC = Stint(Strategy.DEDUP_TRUNCATE, 2, NEW)
# The last records that it sent were not acknowledged; the next run cuts them out of temp, and sends them again.
REST = evolve(SYNC, versions=range(SYNC.last_version + 1, NEW.stop))


def read(path: Path) -> list[Entry]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def of_the_stream(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The lives of the stream, one for each run, in their order."""
    return [life for life in lives(entries) if life[0]["machine"] == "stream"]


def path(life: Sequence[Entry]) -> list[tuple[Any, ...]]:
    """The arrows that were walked; how many flushes there were in a row is the pipe's affair."""
    arrows = ((entry["from"], entry["event"], entry["to"], entry.get("operation")) for entry in life)
    return [arrow for arrow, _ in groupby(arrows)]


def test_a_sync_killed_as_it_would_publish_goes_on_as_recorded(destination: Destination) -> None:
    """Rewrite the record with GOLDEN=update, and read the difference."""
    journal = destination.folder / "journal.jsonl"
    arguments = (*ARGUMENTS, "--journal", str(journal))
    killed = destination.write(
        SYNC.catalog, SYNC.messages(), *arguments, faults=["during:dedupe_and_swap=kill"]
    )
    resumed = destination.write(REST.catalog, REST.messages(), *arguments)
    if os.environ.get("GOLDEN") == "update":
        JOURNAL.write_text(journal.read_text())

    assert (killed.code, resumed.code) == (-SIGKILL, 0)
    assert [path(life) for life in of_the_stream(read(journal))] == [
        path(life) for life in of_the_stream(read(JOURNAL))
    ]


def test_every_recorded_life_replays() -> None:
    recorded = list(lives(read(JOURNAL)))

    assert {life[0]["machine"] for life in recorded} == {"stream", "destination"}
    assert [replay(life).divergence for life in recorded] == [None] * len(recorded)


def test_the_first_life_has_no_end_and_the_second_takes_up_what_it_left() -> None:
    killed, resumed = of_the_stream(read(JOURNAL))

    operations = [entry.get("operation") for entry in resumed]
    assert killed[-1]["to"] == "writing"
    assert "resume_temp" in operations
    assert next(entry["rows"] for entry in resumed if entry.get("operation") == "resume_temp") == len(
        REST.versions
    )
    assert resumed[-1]["to"] == "done"
