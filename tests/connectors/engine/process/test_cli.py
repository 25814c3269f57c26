"""The command lines, as people and platforms spell them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.engine.commands import COMMANDS, parse
from connectors.engine.process.cli import destination_parser, upstream_spelling
from dataflow.pipeline.aggregate import Thresholds
from machines.diagram.declared import page
from tests.starting import installed

JOURNALS = Path(__file__).parents[3] / "machines" / "journals"


def run(*arguments: str | Path) -> int:
    """A `dataflow` command's exit code."""
    given = parse(list(map(str, arguments)))
    code: int = given.module.run(given)
    return code


@pytest.mark.parametrize(
    "arguments",
    [
        ["write", "--config", "c", "--catalog", "k"],
        ["--write", "--config", "c", "--catalog", "k"],
        ["--config", "c", "--write", "--catalog", "k"],
        ["--config", "c", "--catalog", "k", "--write"],
    ],
)
def test_upstreams_spelling_means_the_same_wherever_it_stands(arguments: list[str]) -> None:
    given = destination_parser("it").parse_args(upstream_spelling(arguments))

    assert (given.verb, given.config, given.catalog) == ("write", "c", Path("k"))


def test_a_missing_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        destination_parser("it").parse_args(["write", "--config", "c"])

    assert caught.value.code == 2
    assert "--catalog" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "refused", "said"),
    [
        ("--flush-rows", "0", "whole number of 1 or more"),
        ("--flush-rows", "-5", "whole number of 1 or more"),
        ("--state-latency", "-0.1", "number of seconds, 0 or more"),
        ("--state-latency", "nan", "number of seconds, 0 or more"),
        ("--heartbeat", "-1", "number of seconds, 0 or more"),
        ("--heartbeat", "inf", "number of seconds, 0 or more"),
    ],
)
def test_a_number_that_means_nothing_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], option: str, refused: str, said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        destination_parser("it").parse_args(["write", "--config", "c", "--catalog", "k", option, refused])

    assert caught.value.code == 2
    assert f"argument {option}: '{refused}' is not a {said}" in capsys.readouterr().err


def test_the_smallest_numbers_that_mean_something_are_taken() -> None:
    smallest = ["--flush-rows", "1", "--state-latency", "0", "--heartbeat", "0"]

    given = destination_parser("it").parse_args(["write", "--config", "c", "--catalog", "k", *smallest])

    assert (given.flush_rows, given.state_latency, given.heartbeat) == (1, 0.0, 0.0)


def test_the_help_names_the_thresholds_that_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    """Its texts name them, since a command line that imported them would come up later."""
    with pytest.raises(SystemExit):
        destination_parser("it").parse_args(["write", "--help"])

    told = " ".join(capsys.readouterr().out.split())
    assert f"are written (default: {Thresholds().state_latency:.0f})" in told
    assert f"bytes of them (default: {Thresholds().flush_rows})" in told


def test_the_pages_of_all_machines_are_written_into_a_folder(tmp_path: Path) -> None:
    code = run("diagram", "--out", tmp_path)

    assert code == 0
    assert (tmp_path / "stream.md").read_text() == page("stream")


def test_a_recorded_journal_replays_and_a_changed_one_names_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = next(iter(sorted(JOURNALS.glob("*.jsonl"))))
    changed = tmp_path / "changed.jsonl"
    changed.write_text(journal.read_text().replace('"claim"', '"inspect"'))

    codes = run("replay", journal), run("replay", changed)

    assert codes == (0, 1)
    assert "entry 1: recorded" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_documents_its_arguments(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([command, "--help"])

    assert caught.value.code == 0
    assert f"usage: dataflow {command}" in capsys.readouterr().out


def test_a_machine_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code = run("diagram", "river")

    assert code == 2
    assert "There is no machine river: choose from stream, destination." in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["svg", "dot"])
def test_a_picture_of_no_certain_machine_is_refused(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("diagram", "--format", kind)

    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert f"A picture in {kind} is of one machine: choose from stream, destination." in printed.err


@pytest.mark.parametrize("kind", ["mermaid", "svg", "dot", "md"])
def test_a_picture_ends_with_one_line_break(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("diagram", "stream", "--format", kind)

    printed = capsys.readouterr().out
    assert printed.endswith("\n")
    assert not printed.endswith("\n\n")


def test_a_command_whose_reader_has_gone_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    with os.fdopen(writer) as gone:
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                "from connectors.engine.commands import main; main()",
                "diagram",
                "stream",
            ],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
            env=installed(),
        )

    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")
