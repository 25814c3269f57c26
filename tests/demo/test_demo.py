"""The demonstration counts what it shows, goes on from the last STATE, and reads whatever a journal holds."""

import json
import sys
from pathlib import Path

import pytest

from tests.demo.__main__ import compare
from tests.demo.show import Page, steps_of
from tests.demo.sync import DemoFailed, Message, Shell, Sync, configured, last_states
from tests.demo.targets import Rows, Target

STREAM = {
    "name": "users",
    "json_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
    "supported_sync_modes": ["full_refresh", "incremental"],
    "source_defined_cursor": True,
    "default_cursor_field": ["updated_at"],
    "source_defined_primary_key": [["id"]],
}


def state(stream: str, offset: int) -> Message:
    return {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"loop_offset": offset}},
    }


def sync(folder: Path, number: int, ids: list[int], *states: Message) -> Sync:
    records = [{"type": "RECORD", "record": {"stream": "users", "data": {"id": id_}}} for id_ in ids]
    messages = [{"type": "STATE", "state": one} for one in states]
    for name, lines in (("records", [*records, {"type": "LOG"}]), ("messages", [*messages, {"type": "LOG"}])):
        (folder / f"{name}-{number}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return Sync(number, folder, 1.5)


def target(total: int, distinct: int) -> Target:
    def ask(query: str) -> tuple[list[str], Rows]:
        return (["total", "distinct"], [(total, distinct)]) if "count" in query else (["id"], [(1,)])

    return Target("destination-none", {"schema": "main"}, "nowhere", ask)


def test_a_catalog_is_configured_by_the_sources_own_key_and_cursor() -> None:
    (stream,) = configured({"streams": [STREAM]}, sync_id=2)["streams"]

    assert stream["stream"] == STREAM
    assert stream["primary_key"] == [["id"]]
    assert stream["cursor_field"] == ["updated_at"]
    assert (stream["sync_mode"], stream["destination_sync_mode"]) == ("incremental", "append_dedup")
    assert (stream["sync_id"], stream["generation_id"], stream["minimum_generation_id"]) == (2, 1, 0)


def test_the_source_goes_on_from_each_streams_last_state() -> None:
    emitted = [state("users", 500), state("products", 100), state("users", 1000)]

    assert last_states(emitted) == [state("users", 1000), state("products", 100)]


def test_the_tables_are_compared_with_all_that_was_ever_sent(tmp_path: Path) -> None:
    syncs = [sync(tmp_path, 1, [1, 2, 2], state("users", 2)), sync(tmp_path, 2, [2, 3], state("users", 3))]

    compare(syncs, ["users"], target(total=3, distinct=3), Page())

    with pytest.raises(DemoFailed, match="2 rows with 2 distinct ids, and the source has sent 3"):
        compare(syncs, ["users"], target(total=2, distinct=2), Page())


def test_a_doubled_row_fails_the_demonstration(tmp_path: Path) -> None:
    syncs = [sync(tmp_path, 1, [1, 2], state("users", 2))]

    with pytest.raises(DemoFailed, match="3 rows with 2 distinct ids"):
        compare(syncs, ["users"], target(total=3, distinct=2), Page())


def test_a_stream_without_state_fails_the_demonstration(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="emitted no STATE of the stream users"):
        compare([sync(tmp_path, 1, [1])], ["users"], target(total=1, distinct=1), Page())


def test_a_command_that_fails_shows_its_own_words(tmp_path: Path) -> None:
    said: list[str] = []
    shell = Shell(tmp_path, said.append)

    with pytest.raises(DemoFailed, match="returned 3:\nno such thing"):
        shell.ask(sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)")

    assert said[0].startswith(sys.executable)


def test_equal_transitions_in_a_row_are_one_line_of_the_journal() -> None:
    flushed = {"machine": "stream", "stream": "users", "from": "writing", "event": "flushed", "to": "writing"}
    entries: list[Message] = [
        {**flushed, "from": "opening", "event": "succeeded", "operation": "open_temp", "milliseconds": 1.25},
        {**flushed, "rows": 1000, "milliseconds": 2.0},
        {**flushed, "rows": 500, "milliseconds": 1.0, "attempt": 2, "error": "connection lost"},
    ]

    opened, written = steps_of(entries)

    assert (opened.who, opened.arrow, opened.operation) == (
        "users",
        "opening --succeeded--> writing",
        "open_temp",
    )
    assert (written.rows, written.milliseconds) == ("1,500", "3.0")
    assert written.remark == "x2, attempt 2, connection lost"


def test_a_journal_with_other_members_is_shown_all_the_same() -> None:
    (step,) = steps_of([{"machine": "destination", "colour": "red"}])

    assert (step.who, step.arrow) == ("destination", "? --?--> ?")
