"""The transcripts of docs/watching.md are what the commands print; GOLDEN=update rewrites them."""

import os
import re
import shlex
from pathlib import Path

import pytest

from connectors.engine.commands import parse

PAGE = Path(__file__).parents[4] / "docs" / "watching.md"
EXAMPLE = PAGE.parent / "example" / "journal.jsonl"
UPDATE = os.environ.get("GOLDEN") == "update"
TRANSCRIPT = re.compile(r"```console\n\$ dataflow (.*)\n((?:.*\n)*?)```")


def test_every_transcript_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / EXAMPLE.name).write_bytes(EXAMPLE.read_bytes())
    monkeypatch.chdir(tmp_path)

    def again(found: re.Match[str]) -> str:
        given = parse(shlex.split(found[1]))
        given.module.run(given)
        return f"```console\n$ dataflow {found[1]}\n{capsys.readouterr().out}```"

    text = PAGE.read_text()
    rerun, count = TRANSCRIPT.subn(again, text)

    if UPDATE:
        PAGE.write_text(rerun)
    assert count == 4
    assert PAGE.read_text() == rerun


def test_the_options_of_the_page_are_those_of_the_command() -> None:
    from connectors.engine.process.cli import destination_parser

    told = set(re.findall(r"^\| `(--[a-z-]+)", PAGE.read_text(), re.MULTILINE))

    usage = destination_parser("it").parse_args
    arguments = [
        "write",
        "--config",
        "c",
        "--catalog",
        "k",
        "--heartbeat",
        "1",
        "--log-level",
        "warn",
        "--quiet",
    ]
    given = vars(usage(arguments))
    assert told == {"--heartbeat", "--log-level", "--quiet"}
    assert (given["heartbeat"], given["log_level"], given["quiet"]) == (1.0, "warn", True)
