"""A journal read from a file that is whole, cut off, broken, or none, and from a destination; and what is printed."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from connectors.contract.journal import Transition
from connectors.engine.commands import parse
from connectors.engine.commands.journal import chosen
from connectors.engine.journal.reader import LATE, JournalFile, JournalOfDestination
from connectors.engine.report.page import report
from connectors.sqlite import DEFINITION
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM, Runtime
from dataflow.runtime.threads import SystemThreads
from machines.journal.entries import Entry
from machines.journal.history import runs
from tests.connectors.duckdb.place import duckdb_destination
from tests.starting import installed
from tests.whole.messages import catalog, complete, record, state, stream

USERS = catalog(stream("users", {"id": "integer"}, mode="append_dedup", primary_key=["id"]))
SENT = [record("users", {"id": 1}), state("users", 1), complete("users")]


def entry(at: float, run: str = "one", **more: Any) -> Entry:
    """An entry of the destination's life."""
    arrow = {"from": "idle", "event": "start", "to": "setting_up", "operation": "set_up"}
    return {"run": run, "machine": "destination", **arrow, "at": at, "milliseconds": 1.0, **more}


def file_of(folder: Path, *lines: str | Entry) -> Path:
    """A file with these lines; the last is not ended by a line's end if it is text."""
    path = folder / "journal.jsonl"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def run(*arguments: str | Path, runtime: Runtime = SYSTEM) -> int:
    """A `dataflow` command's exit code."""
    given = parse(list(map(str, arguments)))
    given.runtime = runtime
    code: int = given.module.run(given)
    return code


@frozen
class Meanwhile(SystemThreads):
    """Threads whose sleep takes no time; meanwhile something happens."""

    happens: Callable[[], None]

    def sleep(self, seconds: float) -> None:
        self.happens()


# -- the file


def test_a_last_line_that_is_cut_off_is_said_and_read_once_it_is_whole(tmp_path: Path) -> None:
    whole = json.dumps(entry(2.0))
    path = file_of(tmp_path, entry(1.0), whole[:40])
    source = JournalFile(path)

    first = source.more()
    with path.open("a") as file:
        file.write(whole[40:] + "\n")
    second = source.more()
    source.close()

    assert (first.entries, len(first.troubles)) == ((entry(1.0),), 1)
    assert "The last line is incomplete" in first.troubles[0]
    assert (second.entries, second.troubles) == ((entry(2.0),), ())


@pytest.mark.parametrize(
    "broken",
    ["no json\n", "[]\n", '{"run": 1}\n', json.dumps({**entry(1.0), "at": "now"}) + "\n", "\x00\n", "\n"],
)
def test_a_broken_line_is_passed_over_and_named(tmp_path: Path, broken: str) -> None:
    source = JournalFile(file_of(tmp_path, entry(1.0), broken, entry(2.0)))

    read = source.more()
    source.close()

    assert read.entries == (entry(1.0), entry(2.0))
    assert read.troubles == ("Line 2 is not an entry of a journal and is skipped.",)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    source = JournalFile(file_of(tmp_path, "# A page\n", "of words\n"))

    with pytest.raises(ConfigError, match="is not a journal"):
        source.more()
    source.close()


def test_a_path_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        JournalFile(tmp_path / "none")


# -- which run


def test_a_run_is_chosen_by_how_its_name_begins_or_is_the_last() -> None:
    read = [entry(1.0, "12-a"), entry(3.0, "13-a"), entry(2.0, "13-b")]

    assert [chosen(read, name).name for name in ("last", "12", "13-b")] == ["13-a", "12-a", "13-b"]


@pytest.mark.parametrize(("name", "said"), [("13", "Several runs begin"), ("14", "No run begins")])
def test_a_run_that_is_not_one_is_a_clear_error(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        chosen([entry(1.0, "13-a"), entry(2.0, "13-b")], name)


# -- of a destination


def test_the_journal_of_a_destination_reports_what_its_file_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    destination = duckdb_destination(tmp_path)
    file = tmp_path / "journal.jsonl"
    destination.write(USERS, SENT, "--journal", str(file))
    place = ("--connector", "duckdb", "--config", tmp_path / "config.json")

    def printed(*arguments: str | Path) -> str:
        assert run(*arguments) == 0
        return capsys.readouterr().out

    for what in ("list", "show", "follow"):
        assert printed("journal", what, *place) == printed("journal", what, "--file", file)


def test_a_destination_into_which_nothing_was_synced_has_no_journal_and_gets_none(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)
    config = destination.file("config.json", destination.config)

    with pytest.raises(ConfigError, match="There is no journal"):
        run("journal", "list", "--connector", "duckdb", "--config", config)

    schemas = "SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'airbyte_internal'"
    assert destination.query(schemas) == []


@pytest.mark.parametrize("name", ["duckdb", "sqlite"])
def test_a_database_that_is_missing_has_no_journal_and_stays_missing(tmp_path: Path, name: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"destination_path": str(tmp_path / "missing.db")}))

    with pytest.raises(ConfigError, match="There is no journal"):
        run("journal", "list", "--connector", name, "--config", config)

    assert list(tmp_path.iterdir()) == [config]


def test_a_driver_that_is_not_installed_is_a_clear_error(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"destination_path": ":memory:"}))
    without = "import sys; sys.modules['duckdb'] = None; from connectors.engine.commands import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", without, "journal", "list", "--connector", "duckdb", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        env=installed(),
    )

    assert done.returncode == 1
    assert "needs the Python package duckdb, which is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_is_followed_by_the_clock_of_its_writer(tmp_path: Path) -> None:
    options = {"destination_path": str(tmp_path / "it.db")}
    long_ago = 1_000_000.0
    writing = DEFINITION.connector(options, "writer", SYSTEM).client()
    source = JournalOfDestination(DEFINITION.connector(options, "reader", SYSTEM))

    def write(number: int, at: float) -> None:
        with writing.transaction():
            writing.journal.prepare()
            writing.journal.append([Transition(number, entry(at))])

    def read() -> list[float]:
        return [each["at"] for each in source.more().entries]

    with closing(writing), closing(source):
        write(1, long_ago)
        first = read()
        write(2, long_ago + LATE + 1)
        second = read()
        # One that was written late, and one that was seen.
        write(3, long_ago + 2)
        third = read()

    assert (first, second, third) == ([long_ago], [long_ago + LATE + 1], [long_ago + 2])


@pytest.mark.parametrize("arguments", [("--connector", "duckdb"), ("--connector", "river", "--config", "c")])
def test_a_destination_that_is_not_named_well_is_a_clear_error(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run("journal", "list", *arguments)


@pytest.mark.parametrize("days", ["nan", "inf", "-1", "1e9", "two"])
def test_days_that_are_no_number_of_days_are_a_clear_error(
    days: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        run("journal", "list", "--days", days, file_of(tmp_path))

    assert refused.value.code == 2
    assert f"{days!r} is not a number of days" in capsys.readouterr().err


def test_a_failed_life_that_is_shown_does_not_end_in_a_success_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = entry(2.0, **{"from": "tearing_down", "event": "succeeded", "to": "failed"})

    code = run("journal", "show", "--file", file_of(tmp_path, entry(1.0), last))

    assert code == 1
    assert re.search(r" failed +tearing_down succeeded +1 ms$", capsys.readouterr().out.rstrip())


def test_what_is_followed_is_printed_until_the_run_is_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, entry(1.0))

    def go_on() -> None:
        with path.open("a") as file:
            file.write(
                json.dumps(entry(2.0, **{"from": "tearing_down", "event": "succeeded", "to": "failed"}))
            )
            file.write("\n")

    code = run("journal", "follow", "--file", path, runtime=evolve(SYSTEM, threads=Meanwhile(go_on)))

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert [re.sub(r"^[\d:\- ]+ |(, start)? in 1 ms$", "", line) for line in lines] == [
        "destination: idle -> setting_up",
        "destination: tearing_down -> failed",
    ]


@pytest.mark.parametrize("command", [("journal", "show", "--file"), ("journal", "follow", "--file")])
def test_names_cannot_command_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    name = "\x1b]0;taken\x07\nusers"
    ended = entry(2.0, **{"from": "tearing_down", "event": "succeeded", "to": "done"})
    path = file_of(tmp_path, entry(1.0, machine="stream", stream=name), ended)

    assert run(*command, path) == 0

    assert not set(capsys.readouterr().out) & {"\x1b", "\x07"}


# -- the page


class Markup(HTMLParser):
    """The tags of a page with the names of their attributes, as HTML understands it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


@pytest.mark.parametrize("what", ["stream", "error", "note", "run", "to"])
def test_nothing_in_a_journal_becomes_markup(what: str) -> None:
    def shown(text: str) -> list[tuple[str, tuple[str, ...]]]:
        return Markup(report(runs([entry(1.0, **{"stream": "users", what: text})])[0])).tags

    assert shown("\"'</style></script><b onclick='x'>\x00&amp;") == shown("plain")


def test_a_page_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        run("report", file_of(tmp_path, entry(1.0)), "-o", tmp_path / "none" / "page.html")


def test_a_page_reports_what_could_not_be_read(tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    assert run("report", file_of(tmp_path, entry(1.0), "broken\n"), "-o", page) == 0

    assert "Line 2 is not an entry of a journal" in page.read_text()
