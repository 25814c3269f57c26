"""How messages leave the process: what is masked or dropped, where lines are written, and a stdout that is gone."""

import io
import json
import os
import re
import threading
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import define, evolve, field

from connectors.engine.monitor.display import Display
from connectors.engine.monitor.progress import Progress, Watch
from connectors.engine.process.masking import Mask
from connectors.engine.process.outlet import ProcessOutlet
from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.memory import DEFINITION
from connectors.memory.connector import DATABASES
from connectors.testkit.harness.messages import catalog, complete, record, state, users
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from dataflow.names import TEMP_MARK
from dataflow.output_messages import LEVELS, connection_status_message
from dataflow.pipeline.checkpoints import Checkpoint
from dataflow.protocol import read_state
from dataflow.runtime import SYSTEM
from dataflow.runtime.clock import SetClock
from dataflow.types import StreamName

SECRET = "s3same"
STATE = (
    b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"message":"s3same"}}}'
)
USERS = StreamName(None, "users")


@define
class Pipe:
    """A stdout whose reader goes away after a number of lines, and may be a terminal."""

    reads: int | None = None
    terminal: bool = False
    attempts: int = 0
    lines: list[bytes] = field(factory=list)

    def write(self, line: bytes) -> None:
        self.attempts += 1
        if self.reads is not None and len(self.lines) == self.reads:
            raise BrokenPipeError(32, "Broken pipe")
        self.lines.append(line)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return self.terminal


def checkpoint(text: bytes = STATE, count: int = 2) -> Checkpoint:
    return Checkpoint(state=read_state(text), positions={USERS: 2}, count=count, records=7, size=90)


def written(lines: list[bytes]) -> list[str]:
    """Which messages these are, a LOG by its text."""
    messages = map(json.loads, lines)
    return [m["log"]["message"] if m["type"] == "LOG" else m["type"] for m in messages]


# -- what it says, and what it does not show


def test_a_state_leaves_as_it_came_with_its_counts_whatever_is_secret() -> None:
    pipe = Pipe()
    outlet = ProcessOutlet(pipe, SYSTEM)
    outlet.keep_secret(Mask((SECRET,)))

    outlet.emit(checkpoint())

    (line,) = map(json.loads, pipe.lines)
    assert line["state"] == json.loads(STATE) | {
        "destinationStats": {"recordCount": 2.0},
        "committedRecordsCount": 7,
        "committedBytesCount": 90,
    }


def test_no_other_message_shows_a_secret() -> None:
    pipe = Pipe()
    outlet = ProcessOutlet(pipe, SYSTEM)
    outlet.keep_secret(Mask((SECRET,)))
    error = ConfigError(f"It is {SECRET}.")

    outlet.log("WARN", f"It is {SECRET}.")
    outlet.report(error, USERS)
    outlet.answer(connection_status_message(error))

    assert [line.count(b"It is ****.") for line in pipe.lines] == [1, 1, 1]
    assert not any(SECRET.encode() in line for line in pipe.lines)


@pytest.mark.parametrize("level", LEVELS)
def test_a_log_message_below_the_level_is_dropped_and_every_other_message_leaves(level: str) -> None:
    pipe = Pipe()
    outlet = ProcessOutlet(pipe, SYSTEM)
    outlet.begin(level, Watch(SYSTEM))

    for each in LEVELS:
        outlet.log(each, each)
    outlet.emit(checkpoint())
    outlet.report(ValueError())

    wanted = LEVELS[: LEVELS.index(level) + 1]
    assert written(pipe.lines) == [*wanted, "STATE", "TRACE"]


def test_log_messages_and_states_leave_in_the_order_in_which_they_came() -> None:
    pipe = Pipe()
    outlet = ProcessOutlet(pipe, SYSTEM)

    outlet.log("INFO", "before")
    outlet.emit(checkpoint())
    outlet.log("INFO", "between")
    outlet.emit(checkpoint())

    assert written(pipe.lines) == ["before", "STATE", "between", "STATE"]


# -- a stdout that is gone


def test_a_state_that_cannot_be_written_is_an_error() -> None:
    outlet = ProcessOutlet(Pipe(reads=0), SYSTEM)

    with pytest.raises(TransientError, match="Broken pipe"):
        outlet.emit(checkpoint())

    assert outlet.lost


def test_a_log_message_or_an_error_that_cannot_be_written_is_lost_and_remembered() -> None:
    outlet = ProcessOutlet(Pipe(reads=0), SYSTEM)

    outlet.log("INFO", "nobody reads it")
    outlet.report(ValueError())

    assert outlet.lost


def test_after_a_line_that_was_lost_none_is_attempted_and_a_state_is_an_error() -> None:
    """A reader that comes back must not find a STATE after a gap."""
    pipe = Pipe(reads=1)
    outlet = ProcessOutlet(pipe, SYSTEM)
    outlet.log("INFO", "read")
    outlet.log("INFO", "lost")
    pipe.reads = None

    with pytest.raises(TransientError):
        outlet.emit(checkpoint())
    outlet.log("INFO", "not attempted")

    assert written(pipe.lines) == ["read"]
    assert pipe.attempts == 2


def test_a_line_that_is_lost_is_said_on_stderr_once(capsys: pytest.CaptureFixture[str]) -> None:
    outlet = ProcessOutlet(Pipe(reads=0), SYSTEM)

    outlet.log("INFO", "lost")
    outlet.log("INFO", "lost")

    assert capsys.readouterr().err.count("Broken pipe") == 1


class Process:
    """A destination's process on tables in memory, which writes to this pipe."""

    def __init__(self, folder: Path, pipe: Pipe) -> None:
        self.database = uuid4().hex
        self._destination = Destination(DEFINITION, pipe, SYSTEM)
        self._source, self._config, self._catalog = (folder / name for name in ("in", "config", "catalog"))
        self._config.write_text(json.dumps({"database": self.database}))
        self._catalog.write_bytes(catalog(users(Strategy.DEDUP)))

    def write(self, *messages: bytes) -> int:
        self._source.write_bytes(b"".join(messages))
        with self._source.open("rb") as source:
            return self._destination.guard(
                lambda: self._destination.write(
                    self._config, self._catalog, os.dup(source.fileno()), WriteOptions()
                )
            )

    def rows(self, table: str) -> int:
        return sum(
            len(each.rows)
            for name, each in DATABASES[self.database].content.tables.items()
            if name.name == table or (table == "waiting" and TEMP_MARK in name.name)
        )


def test_a_sync_whose_state_cannot_be_written_publishes_nothing_and_keeps_its_rows(tmp_path: Path) -> None:
    process = Process(tmp_path, Pipe(reads=0))

    code = process.write(record("users", id=1), state("users", 1), complete("users"))

    assert code == 1
    assert (process.rows("users"), process.rows("waiting")) == (0, 1)


def test_a_sync_whose_log_is_lost_goes_on_and_yet_does_not_exit_with_0(tmp_path: Path) -> None:
    process = Process(tmp_path, Pipe(reads=0))

    code = process.write(record("users", id=1), complete("users"))

    assert code == 1
    assert (process.rows("users"), process.rows("waiting")) == (1, 0)


# -- what is shown of the sync


def test_only_a_state_that_was_written_counts_as_the_last_one() -> None:
    clock, pipe = SetClock(100.0), Pipe(reads=2)
    watch, outlet = Watch(evolve(SYSTEM, clock=clock)), ProcessOutlet(pipe, SYSTEM)
    outlet.begin("INFO", watch)

    outlet.log("INFO", '{"type":"STATE"')
    before = watch.now().emitted_at
    outlet.emit(checkpoint())
    clock.at += 5
    with pytest.raises(TransientError):
        outlet.emit(checkpoint())

    assert (before, watch.now().emitted_at) == (None, 100.0)


@pytest.mark.parametrize("one_terminal", [True, False])
def test_lines_are_written_above_the_picture_if_both_are_on_one_terminal(one_terminal: bool) -> None:
    screen, pipe = io.StringIO(), Pipe(terminal=one_terminal)
    display, outlet = Display(screen, SYSTEM.threads), ProcessOutlet(pipe, SYSTEM)
    now = Progress(began=0.0, at=1.0)

    with outlet.above(display):
        display.draw(now)
        drawn = len(screen.getvalue())
        outlet.emit(checkpoint())
        erased = screen.getvalue()[drawn:]
    outlet.emit(checkpoint())

    assert bool(re.fullmatch(r"\x1b\[\d+F\x1b\[2K\x1b\[E\x1b\[0J\x1b\[F", erased)) == one_terminal
    assert screen.getvalue()[drawn:] == erased
    assert written(pipe.lines) == ["STATE", "STATE"]


def test_no_line_is_written_into_a_picture_that_is_being_drawn() -> None:
    drawing, drawn, screen = threading.Event(), threading.Event(), io.StringIO()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            drawing.set()
            drawn.wait(20)
            return screen.write(text)

    display = Display(Slow(), SYSTEM.threads)
    outlet = ProcessOutlet(_Screen(screen), SYSTEM)
    with outlet.above(display):
        drawer = threading.Thread(target=display.draw, args=[Progress(began=0.0, at=1.0)])
        drawer.start()
        drawing.wait(20)
        logger = threading.Thread(target=outlet.log, args=["INFO", "a line"])
        logger.start()
        before = screen.getvalue()
        drawn.set()
        drawer.join(20)
        logger.join(20)

    assert before == ""
    assert screen.getvalue().endswith('"a line"}}\n')


@define
class _Screen:
    """A stdout on the same terminal."""

    screen: io.StringIO

    def write(self, line: bytes) -> None:
        self.screen.write(line.decode())

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return True


def test_each_text_of_an_entry_that_may_quote_a_driver_is_masked() -> None:
    entry = {"first_failure": f"not with {SECRET}", "warnings": (f"{SECRET} is short",), "rows": 1}

    assert Mask((SECRET,)).entry(entry) == {
        "first_failure": "not with ****",
        "warnings": ["**** is short"],
        "rows": 1,
    }
