"""The search of whole syncs finds nothing in our machines, and finds each guard of theirs that is broken on purpose."""

from collections.abc import Sequence

import pytest

from dataflow.runtime import SYSTEM
from machines.destination import SyncLife
from machines.stream import StreamLife
from machines.verify.syncs import NAMES, Course, WholeSync, explore, report


def test_no_life_of_a_sync_breaks_a_law() -> None:
    ((text, explored),) = report(SYSTEM.clock)

    assert explored.violations == ()
    assert explored.states > 300
    assert "0 violations" in text


def test_every_end_of_a_sync_and_of_its_stream_is_come_to() -> None:
    trail: Sequence[int] | None = ()
    ends = set()
    while trail is not None:
        course = Course(trail)
        sync = WholeSync(NAMES[:1], course)
        ends.add((sync.machine.at, sync.streams[0].machine.at))
        trail = course.following()

    assert {("done", "done"), ("failed", "failed"), ("failed", "done")} <= ends


@pytest.mark.parametrize(
    ("of", "guard", "always", "complaint"),
    [
        (SyncLife, "no_stream_started", True, "the input was not read"),
        (SyncLife, "no_stream_started", False, "the input was read, and no stream"),
        (SyncLife, "all_streams_done", True, "the sync ended as done"),
        (SyncLife, "all_streams_done", False, "the sync ended as failed"),
        (StreamLife, "start_would_lose_rows", False, "keys of users would be merged, and it asked for"),
        (
            StreamLife,
            "final_would_merge_keys",
            False,
            "keys of users would be merged, and it asked for open_temp",
        ),
        (
            StreamLife,
            "temp_would_merge_keys",
            False,
            "keys of users would be merged, and it asked for resume",
        ),
        (StreamLife, "fails_before_its_start", True, "although nothing had befallen it"),
        (StreamLife, "fails_before_its_start", False, "was refused before its start, and asked for claim"),
    ],
)
def test_a_broken_guard_of_a_syncs_machines_is_found(
    monkeypatch: pytest.MonkeyPatch, of: type, guard: str, always: bool, complaint: str
) -> None:
    monkeypatch.setattr(of, guard, property(lambda _: always))

    found = [violation.complaint for violation in explore(NAMES[:1]).violations]

    assert any(complaint in each for each in found)


def test_a_violation_of_a_sync_is_reported_with_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SyncLife, "no_stream_started", property(lambda _: False))

    (violation, *_) = explore(NAMES[:1]).violations

    assert str(violation).splitlines() == [
        "a sync of users: the input was read, and no stream takes in its records",
        "   1. set_up goes well",
        "   2. users goes well",
        "   3. start_streams goes well",
        "   4. users: claim goes well",
        "   5. users: inspect finds a final table that merges keys",
        "   6. read goes well",
        "   7. finish_streams goes well",
        "   8. tear_down goes well",
    ]
