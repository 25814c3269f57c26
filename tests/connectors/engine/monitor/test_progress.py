"""What goes on in a sync, as a value, in the log, and on a terminal; on a clock that the test sets."""

import io
import re

import pytest
from attrs import define, evolve
from rich.console import Console

from connectors.engine.monitor.display import FALLBACK, Display, interesting, picture
from connectors.engine.monitor.log import ending, heartbeat, remarks, summary
from connectors.engine.monitor.progress import Going, Progress, Watch, Writing
from dataflow.runtime import SYSTEM
from dataflow.runtime.clock import SetClock
from machines.journal.standing import course_of

FLUSHED = {"from": "writing", "event": "flushed", "to": "writing", "written": 40, "rejected": 0}


@define
class Read:
    """What was read of a stream."""

    read: int
    read_bytes: int


def shown(progress: Progress, most: int = 10, width: int = 120) -> str:
    """The picture as text."""
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(picture(progress, None, width, most))
    return capture.get()


def many(count: int) -> Progress:
    """A sync of many streams that wait, one of which merges."""
    streams = {f"stream_{n}": Going(state="done", written=n, read=n) for n in range(count)}
    streams["slow"] = Going(state="merging", operation="merge", since=40.0)
    return Progress(began=0.0, at=100.0, streams=streams)


# -- the value


def test_an_operation_is_at_work_from_the_moment_its_state_is_entered_until_its_transition_is_reported() -> (
    None
):
    clock = SetClock(100.0)
    watch = Watch(evolve(SYSTEM, clock=clock))

    watch.entered("users", "merging", "merge")
    clock.at += 62
    during = watch.now()
    watch.heard({"stream": "users", "from": "writing", "event": "completed", "to": "merging"})
    afterwards = watch.now()

    assert during.streams["users"].busy_since(during.at) == 62
    assert afterwards.streams["users"].busy_since(afterwards.at) == 0


def test_rows_are_read_as_the_pipeline_counts_them_and_written_as_the_journal_records() -> None:
    watch = Watch(evolve(SYSTEM, clock=SetClock(100.0)))
    reading = Read(0, 0)
    watch.entered("users", "writing", None)
    watch.reading({"users": reading})

    reading.read, reading.read_bytes = 100, 5000
    watch.heard({**FLUSHED, "stream": "users"})
    now = watch.now()

    assert (now.read, now.size, now.written) == (100, 5000, 40)


def test_each_flush_is_at_work_while_its_writer_has_it() -> None:
    clock = SetClock(100.0)
    watch = Watch(evolve(SYSTEM, clock=clock))
    watch.entered("users", "writing", None)

    watch.writing("users", 0, 500)
    clock.at += 3
    watch.writing("users", 1, 20)
    clock.at += 1
    both = watch.now()
    watch.writing("users", 0, None)
    one = watch.now()
    watch.writing("users", 1, None)

    assert both.streams["users"].writing == {
        0: Writing(rows=500, since=100.0),
        1: Writing(rows=20, since=103.0),
    }
    assert [each.streams["users"].busy_since(each.at) for each in (both, one, watch.now())] == [4.0, 1.0, 0.0]
    assert list(heartbeat(both))[1:] == ["Stream users: writing 520 rows in 2 flushes for 4.0 s."]


def test_the_first_failure_of_a_stream_is_kept() -> None:
    watch = Watch(evolve(SYSTEM, clock=SetClock(100.0)))

    watch.heard({"stream": "users", "error": "config_error: First."})
    watch.heard({"stream": "users", "reason": "config_error: Second."})

    assert watch.now().streams["users"].failure == "config_error: First."


# -- the log


def test_a_heartbeat_reports_the_whole_and_the_operation_that_takes_longest() -> None:
    now = Progress(
        began=0.0,
        at=100.0,
        destination=Going(state="reading"),
        streams={
            "users": Going(state="merging", operation="merge", since=38.0, read=900, written=900, size=9000),
            "orders": Going(state="writing", read=100, written=50, writing={0: Writing(rows=50, since=98.0)}),
            "items": Going(state="done"),
        },
        emitted_at=95.0,
    )

    read = "1,000 records read (9.0 kB, 10/s), 950 rows written"
    assert list(heartbeat(now)) == [
        f"Reading after 1 m 40 s: 1 of 3 streams done; {read}; last STATE emitted 5.0 s ago.",
        "Stream users: merging for 1 m 02 s.",
        "Stream orders: writing 50 rows for 2.0 s.",
    ]


def test_the_rate_of_a_heartbeat_is_of_the_time_since_the_last() -> None:
    before = Progress(began=0.0, at=90.0, streams={"users": Going(read=100)})
    now = evolve(before, at=100.0, streams={"users": Going(read=600)})

    assert "50/s" in summary(now, before)


def test_a_failed_operation_is_an_error_in_the_log_at_once() -> None:
    entry = {
        "stream": "users",
        "from": "writing",
        "event": "completed",
        "to": "merging",
        "operation": "merge",
        "error": "config_error: No.",
    }

    assert ("ERROR", "Stream users, merge: config_error: No.") in remarks(entry)


def test_a_failure_is_in_the_log_once_with_the_state_that_it_struck() -> None:
    entry = {
        "stream": "users",
        "from": "writing",
        "event": "ended",
        "to": "abandoning",
        "operation": "abandon",
        "reason": "transient_error: The input ended.",
        "note": "rows wait in temp for the next run",
    }
    course = course_of([entry])

    said = [*remarks(entry), *ending(entry | {"from": "abandoning", "to": "failed"}, course)]

    assert [message for level, message in said if level != "DEBUG"] == [
        "Stream users failed in the state writing: transient_error: The input ended."
    ]


# -- the picture


def test_a_picture_of_many_streams_shows_what_is_at_work_and_counts_the_rest() -> None:
    text = shown(many(60), most=5)

    lines = text.splitlines()
    assert re.match(r"slow +merging .* merging for 1 m 00 s", lines[1])
    assert "and 56 more: 56 done" in lines[6]
    assert len(lines) == 8


def test_what_failed_comes_before_what_waits_and_what_is_done_comes_last() -> None:
    streams = {
        "done": Going(state="done"),
        "waiting": Going(state="writing"),
        "failed": Going(state="failed", failure="config_error: No."),
        "busy": Going(state="writing", writing={0: Writing(rows=1, since=0.0)}),
    }

    assert interesting(Progress(began=0.0, at=1.0, streams=streams)) == ["busy", "failed", "waiting", "done"]


def test_a_picture_breaks_no_streams_line_whatever_the_names_and_the_width() -> None:
    name = "a\nb\x1b[31m[bold]" + "c" * 300
    failed = Going(state="failed", failure="x" * 500)

    text = shown(Progress(began=0.0, at=1.0, streams={name: failed}), width=80)

    head, stream, whole, *_ = text.splitlines()
    assert (head.split()[0], whole.split()[0]) == ("stream", "Idle")
    assert "\x1b" not in text
    assert stream.startswith("a b?[31m[bold]")


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_error_leaves_the_other_columns_whole(width: int) -> None:
    failed = Going(
        state="failed", read=48_120_000, written=48_100_000, size=9_800_000_000, failure="x " * 250
    )
    swapping = Going(state="deduping_and_swapping", operation="dedupe_and_swap")

    text = shown(
        Progress(began=0.0, at=725.0, streams={"shop.payments": failed, "c" * 40: swapping}), width=width
    )

    lines = text.splitlines()
    assert lines[0].split()[:6] == ["stream", "state", "read", "written", "bytes", "rate"]
    assert re.match(r"shop\.payments +failed +48,120,000 +48,100,000 +9\.8 GB +66,372/s  x", lines[2])
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_the_age_of_the_last_state_is_shown_whatever_the_width(width: int) -> None:
    reading = Going(state="writing", read=48_120_000, written=48_100_000, size=9_800_000_000)

    text = shown(Progress(began=0.0, at=725.0, streams={"users": reading}, emitted_at=720.0), width=width)

    assert "last STATE emitted 5.0 s ago." in " ".join(text.split())


def test_a_picture_leaves_of_the_terminal_the_cursors_line() -> None:
    terminal = io.StringIO()

    Display(terminal, SYSTEM.threads).draw(many(60))

    assert terminal.getvalue().count("\n") == FALLBACK[1] - 1


def test_a_line_that_others_write_goes_above_the_picture() -> None:
    terminal = io.StringIO()
    display = Display(terminal, SYSTEM.threads)

    display.draw(many(1))
    with display.above():
        terminal.write("a line\n")
    display.draw(many(1))

    erase = r"\x1b\[\d+F\x1b\[2K\x1b\[E\x1b\[0J\x1b\[F"
    assert re.search(rf"{erase}a line\n(\x1b\[\d*m)*stream ", terminal.getvalue())


def test_a_terminal_that_is_gone_ends_no_sync() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    display = Display(Gone(), SYSTEM.threads)

    display.draw(many(1))
    display.draw(many(1))
    lines: list[bytes] = []
    with display.above():
        lines.append(b"a line\n")

    assert lines == [b"a line\n"]
