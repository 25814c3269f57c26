"""Runs the commands of the demonstration as a shell would: real programs, real pipes, files in one folder.

It moves no record itself and knows no database. The source is airbyte-source-faker from PyPI, in a virtual
environment of its own, because its pins fight ours.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.environments import SOURCES, CannotMake, Say
from tests.starting import installed

Message = dict[str, Any]


class DemoFailed(Exception):
    """The demonstration did not show what it should; its text says what happened instead."""


@frozen
class Sync:
    """One run of the source into the destination, and the files it left in the folder."""

    number: int
    folder: Path
    seconds: float

    def records(self) -> Iterator[Message]:
        """What the source sent, RECORD messages only: each a stream's name and a record."""
        return (line["record"] for line in _lines(self.folder / f"records-{self.number}.jsonl", "RECORD"))

    def states(self) -> list[Message]:
        """The STATE messages that the destination emitted, in order."""
        return [line["state"] for line in _lines(self.folder / f"messages-{self.number}.jsonl", "STATE")]

    def errors(self) -> list[str]:
        """What the destination reported as errors."""
        traces = (line["trace"] for line in _lines(self.folder / f"messages-{self.number}.jsonl", "TRACE"))
        return [trace["error"]["message"] for trace in traces if trace["type"] == "ERROR"]

    def journal(self) -> list[Message]:
        """The transitions of the lifecycles, in order."""
        return list(_lines(self.folder / f"journal-{self.number}.jsonl"))


@frozen
class Shell:
    """A folder to work in, and a way to say what is run there, as it could be typed."""

    folder: Path
    say: Say

    def ask(self, *command: str) -> list[Message]:
        """Run a command that answers on stdout.

        Raises:
            DemoFailed: it returned something else than 0.
        """
        self.say(shlex.join(command))
        done = subprocess.run(command, cwd=self.folder, env=_environment(), capture_output=True, check=False)
        if done.returncode != 0:
            raise DemoFailed(
                f"{shlex.join(command)} returned {done.returncode}:\n{_tail(done.stderr or done.stdout)}"
            )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sync(self, number: int, destination: str) -> Sync:
        """Pipe the source into the destination; from the second time on, from where the last sync ended.

        Raises:
            DemoFailed: one of them returned something else than 0.
        """
        read = ["source-faker", "read", "--config", "source.json", "--catalog", f"catalog-{number}.json"]
        if number > 1:
            read += ["--state", f"state-{number}.json"]
        keep = ["tee", f"records-{number}.jsonl"]
        write = [destination, "write", "--config", "destination.json", "--catalog", f"catalog-{number}.json"]
        write += ["--journal", f"journal-{number}.jsonl"]
        messages = f"messages-{number}.jsonl"
        self.say(
            f"{shlex.join(read)} \\\n    | {shlex.join(keep)} \\\n    | {shlex.join(write)} > {messages}"
        )
        began = time.monotonic()
        codes = self._pipe(read, keep, write, messages)
        sync = Sync(number, self.folder, time.monotonic() - began)
        if any(codes.values()):
            errors = [*sync.errors(), _tail((self.folder / "stderr").read_bytes())]
            raise DemoFailed("\n".join([f"sync {number} failed, with the exit codes {codes}:", *errors]))
        return sync

    def write(self, name: str, content: object) -> None:
        """Leave a JSON file in the folder."""
        (self.folder / name).write_text(json.dumps(content, indent=1))

    def _pipe(self, read: list[str], keep: list[str], write: list[str], messages: str) -> Mapping[str, int]:
        with (self.folder / "stderr").open("wb") as stderr, (self.folder / messages).open("wb") as stdout:
            common: dict[str, Any] = {"cwd": self.folder, "env": _environment(), "stderr": stderr}
            source = subprocess.Popen(read, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **common)
            between = subprocess.Popen(keep, stdin=source.stdout, stdout=subprocess.PIPE, **common)
            destination = subprocess.Popen(write, stdin=between.stdout, stdout=stdout, **common)
            for process in (source, between):
                # The pipe belongs to the two at its ends: only so does either learn that the other is gone.
                assert process.stdout is not None
                process.stdout.close()
            return {"source": source.wait(), "destination": destination.wait(), "tee": between.wait()}


def configured(catalog: Message, sync_id: int) -> Message:
    """Every stream of a discovered catalog, incremental and deduplicated by the source's own key and cursor."""
    return {
        "streams": [
            {
                "stream": stream,
                "sync_mode": "incremental",
                "destination_sync_mode": "append_dedup",
                "cursor_field": stream["default_cursor_field"],
                "primary_key": stream["source_defined_primary_key"],
                "generation_id": 1,
                "minimum_generation_id": 0,
                "sync_id": sync_id,
            }
            for stream in catalog["streams"]
        ]
    }


def last_states(states: list[Message]) -> list[Message]:
    """The last STATE of each stream, which is where the source goes on."""
    return list({state["stream"]["stream_descriptor"]["name"]: state for state in states}.values())


def make_source(say: Say) -> None:
    """Install the source, unless it is there as the lock wants it.

    Raises:
        DemoFailed: there is no Python it runs on, or pip failed.
    """
    try:
        SOURCES.make(say)
    except CannotMake as error:
        raise DemoFailed(str(error)) from error


def _environment() -> dict[str, str]:
    """Both virtual environments on the PATH, so that a command can be shown as it is run."""
    ours, source = Path(sys.executable).parent, SOURCES.programs
    return {
        **installed(),
        "PATH": os.pathsep.join([str(ours), str(source), os.environ.get("PATH", os.defpath)]),
    }


def _lines(path: Path, kind: str | None = None) -> Iterator[Message]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            message = json.loads(line)
            if kind is None or message["type"] == kind:
                yield message


def _tail(text: bytes, lines: int = 15) -> str:
    return "\n".join(text.decode(errors="replace").splitlines()[-lines:])
