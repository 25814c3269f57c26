"""What a command shows goes through one place, which masks secrets and lets nothing through that a terminal obeys."""

import ast
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import connectors
from connectors.engine.commands import COMMANDS, main, parse
from connectors.engine.process.masking import Mask
from connectors.engine.process.signals import SIGNALS
from connectors.engine.process.terminal import Terminal
from dataflow.errors import ConfigError
from dataflow.output_messages import error_message, log_message
from dataflow.runtime import SYSTEM

# A title, a colour, a clearing of the screen in eight bits, a direction that is turned round, a deletion.
HOSTILE = "users\x1b]0;owned\x07\x1b[31m\x9b2J\u202egpj\x7f"
FOLDER = Path(connectors.__file__).parent
JOURNAL = FOLDER.parent / "docs" / "example" / "journal.jsonl"
CATALOG = {
    "streams": [
        {
            "stream": {"name": HOSTILE, "json_schema": {"properties": {HOSTILE: {"type": "integer"}}}},
            "sync_mode": "incremental",
            "destination_sync_mode": "append",
            "generation_id": 1,
            "minimum_generation_id": 0,
            "sync_id": 1,
        }
    ]
}
# What may write past the terminal, and why.
OTHERS = {
    "cli.py": "a destination's own command: its version, and that stdout is closed",
    "launcher.py": "that a package of ours is hidden, with the path escaped: nothing else can be imported then",
    "outlet.py": "protocol lines, and that nobody reads them",
    "terminal.py": "the place itself",
}
WRITERS = ("print", "sys.stdout.write", "sys.stderr.write", "sys.exit", "parser.exit")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose names, and whose streams, are hostile."""
    (tmp_path / "catalog.json").write_text(json.dumps(CATALOG))
    (tmp_path / "config.json").write_text(json.dumps({"destination_path": str(tmp_path / "it.sqlite")}))
    entries = [json.loads(line) for line in JOURNAL.read_text().splitlines()]
    hostile = [
        {
            name: HOSTILE if name in ("stream", "run", "note", "event") else value
            for name, value in entry.items()
        }
        for entry in entries
    ]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in hostile))
    return tmp_path


def plan(folder: Path) -> list[str]:
    return [
        "plan",
        "--connector",
        "sqlite",
        "--config",
        str(folder / "config.json"),
        "--catalog",
        str(folder / "catalog.json"),
    ]


def doctor(folder: Path) -> list[str]:
    import sqlite3

    with sqlite3.connect(folder / "it.sqlite") as database:
        database.execute(f'CREATE TABLE "{HOSTILE}_airbyte_tmp_0123456789ab" (x)')
    database.close()
    return ["doctor", "--connector", "sqlite", "--config", str(folder / "config.json")]


def load(folder: Path) -> list[str]:
    (folder / "it.csv").write_text(f"id,{HOSTILE}\n1,2\n")
    config = str(folder / "config.json")
    return ["load", str(folder / "it.csv"), "--to", "sqlite", "--config", config, "--key", "nothing"]


def of_journal(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda folder: [each.replace("JOURNAL", str(folder / "journal.jsonl")) for each in arguments]


# Each command, as a hostile name reaches it.
ASKED: Mapping[str, Callable[[Path], list[str]]] = {
    "destinations": of_journal("destinations"),
    "diagram": of_journal("diagram", "stream", "--journal", "JOURNAL"),
    "doctor": doctor,
    "journal": of_journal("journal", "show", "--file", "JOURNAL"),
    "load": load,
    "new-connector": of_journal("new-connector", HOSTILE),
    "plan": plan,
    "replay": of_journal("replay", "JOURNAL"),
    "report": lambda folder: ["report", str(folder / "journal.jsonl"), "-o", str(folder / HOSTILE)],
    "shards": lambda folder: ["shards", "status", str(folder / HOSTILE)],
    "simulate": lambda folder: ["simulate", "--plan", str(folder / HOSTILE)],
    "verify": of_journal("verify", "--crashes", "0", "--rivals", "0"),
}


def calls(path: Path) -> Iterator[str]:
    """The functions that a module calls, as they are written there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_nothing_of_ours_writes_to_a_terminal_past_the_one_place() -> None:
    writing = {
        path.name
        for path in FOLDER.rglob("*.py")
        if "testkit" not in path.parts and any(call in WRITERS for call in calls(path))
    }

    assert writing - {"__init__.py"} == set(OTHERS)
    assert [call for call in calls(FOLDER / "engine" / "commands" / "__init__.py") if call in WRITERS] == [
        "sys.exit"
    ]


def test_every_command_is_asked_with_a_hostile_name() -> None:
    assert ASKED.keys() == COMMANDS.keys()


@pytest.fixture
def signals() -> Iterator[None]:
    """As they were before a command took them in."""
    asking = {each: signal.getsignal(each) for each in SIGNALS}
    held_back = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    for each, handler in asking.items():
        signal.signal(each, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, held_back)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_what_a_terminal_obeys(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dataflow", *ASKED[command](folder)])

    with pytest.raises(SystemExit):
        main()

    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert said.strip()
    assert [c for c in said if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("asked", [("journal", "list"), ("journal", "follow")], ids=" ".join)
def test_a_listed_and_a_followed_journal_show_no_such_thing_either(
    folder: Path, asked: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    given = parse([*asked, "--file", str(folder / "journal.jsonl")])
    given.module.run(given)

    assert [c for c in capsys.readouterr().out if not c.isprintable() and c != "\n"] == []


def test_a_page_holds_nothing_that_a_terminal_obeys(folder: Path) -> None:
    page = folder / "report.html"
    given = parse(["report", str(folder / "journal.jsonl"), "-o", str(page)])
    given.module.run(given)

    assert [c for c in page.read_text() if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("command", ["doctor", "plan", "journal"])
def test_an_error_of_a_command_is_masked(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The driver quotes the host, and somebody wrote the password into it."""
    config = {
        "host": "open-s3same.invalid",
        "port": 1,
        "database": "d",
        "schema": "s",
        "username": "u",
        "password": "open-s3same",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "catalog.json").write_text(json.dumps(CATALOG))
    more = {"plan": ["--catalog", str(tmp_path / "catalog.json")]}.get(command, [])
    what = ["list"] if command == "journal" else []
    arguments = [command, *what, "--connector", "postgres", "--config", str(tmp_path / "config.json"), *more]
    monkeypatch.setattr(sys, "argv", ["dataflow", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "****.invalid" in said
    assert "open-s3same" not in said


def test_an_unexpected_error_of_a_command_is_masked_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "journal.jsonl").write_text(
        '{"run":"r","machine":"m","from":"a","event":"start","to":"b","at":1e300}\n'
    )
    monkeypatch.setattr(sys, "argv", ["dataflow", "journal", "list", "--file", str(folder / "journal.jsonl")])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("Traceback")


def test_a_secret_is_taken_out_before_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.keep_secret(Mask(("open-s3same",)))

    terminal.show("with open-s3same\nand  spaces")
    terminal.complain("not open-s3same")

    assert capsys.readouterr() == ("with ****\nand  spaces\n", "not ****\n")


def test_a_protocol_line_of_ours_holds_no_control_character() -> None:
    lines = [log_message("INFO", HOSTILE), error_message(ConfigError(HOSTILE), SYSTEM.clock)]

    assert [c for line in lines for c in line.decode() if "\x7f" <= c <= "\x9f" or c < " "] == ["\n", "\n"]
