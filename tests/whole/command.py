"""A destination's command as the platform runs it: a process of its own, messages in, messages out."""

import fcntl
import json
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from attrs import define, field, frozen

from tests.starting import installed

ROOT = Path(__file__).parents[2]
TIMEOUT = 120
Row = dict[str, Any]


@frozen
class Outcome:
    """What a finished command said."""

    code: int
    messages: tuple[Mapping[str, Any], ...] = field(repr=lambda messages: f"<{len(messages)} messages>")

    @classmethod
    def of(cls, code: int, stdout: bytes) -> "Outcome":
        """What it said on stdout."""
        return cls(code, tuple(json.loads(text) for text in stdout.splitlines()))

    @property
    def states(self) -> list[Any]:
        """The blobs of the STREAM states emitted, in order."""
        return [blob(m) for m in self.messages if m["type"] == "STATE"]

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        """The TRACE ERRORs."""
        return [m["trace"]["error"] for m in self.messages if m["type"] == "TRACE"]


def blob(message: Mapping[str, Any]) -> Any:
    """What the source wrote into a STREAM state."""
    return message["state"]["stream"]["stream_state"]


@define
class Running:
    """A command at work: send it lines, wait for what it emits, kill it."""

    process: "subprocess.Popen[bytes]"
    messages: list[Mapping[str, Any]] = field(factory=list, repr=False)

    def send(self, *lines: bytes) -> None:
        """Write lines to its stdin."""
        stdin = self._pipe(self.process.stdin)
        stdin.write(b"".join(lines))
        stdin.flush()

    def end_input(self) -> None:
        """Close its stdin."""
        self._pipe(self.process.stdin).close()
        self.process.stdin = None

    def wait_for_state(self) -> Any:
        """The blob of the next STATE it emits."""
        for text in self._pipe(self.process.stdout):
            message = json.loads(text)
            self.messages.append(message)
            if message["type"] == "STATE":
                return blob(message)
        raise AssertionError(f"it ended without a STATE: {self.messages}")

    def wait_until_read(self) -> None:
        """Wait until all that was sent has been taken in, and had the time to be unpacked."""
        waiting = bytearray(4)
        while fcntl.ioctl(self._pipe(self.process.stdin), termios.FIONREAD, waiting) or any(waiting):
            time.sleep(0.01)
        time.sleep(1.0)

    def kill(self) -> Outcome:
        """SIGKILL it; what it had emitted until then."""
        self.process.kill()
        return self.finish()

    def finish(self) -> Outcome:
        """Close its stdin and wait for its end."""
        rest, _ = self.process.communicate(timeout=TIMEOUT)
        self.messages += [json.loads(text) for text in rest.splitlines()]
        return Outcome(self.process.returncode, tuple(self.messages))

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


@frozen
class Destination:
    """A configured destination, and a way to look into its tables that is not ours to test.

    `execute` changes its database past the destination, as a person does. `ledger` is the ledger's name in SQL.
    """

    name: str
    config: Mapping[str, Any] = field(repr=False)
    folder: Path
    query: Callable[[str], Sequence[Sequence[Any]]] = field(repr=False)
    execute: Callable[[str], object] = field(repr=False)
    namespace: str
    # What lists the tables of the namespace.
    listing: str = field(
        default="SELECT table_name FROM information_schema.tables "
        "WHERE table_schema IN ('main', 'public') AND table_type = 'BASE TABLE'",
        repr=False,
    )
    ledger: str = "airbyte_internal._airbyte_streams"

    def start(
        self,
        *arguments: str,
        faults: Iterable[str] = (),
        stdout: int = subprocess.PIPE,
        stderr: int | None = None,
    ) -> Running:
        """Start `python -m connectors.<name>` with these arguments."""
        struck = [part for fault in faults for part in ("--fault", fault)]
        process = subprocess.Popen(
            [sys.executable, "-m", f"connectors.{self.name}", *arguments, *struck],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=ROOT,
            env=installed() | {"DATAFLOW_ALLOW_FAULTS": "1"},
        )
        return Running(process)

    def run_in_shell(
        self, redirection: str, *arguments: str, sent: Iterable[bytes] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `python -m connectors.<name>` as a shell does with this redirection."""
        return subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'"$@" {redirection}',
                "",
                sys.executable,
                "-m",
                f"connectors.{self.name}",
                *arguments,
            ],
            input=b"".join(sent),
            capture_output=True,
            cwd=ROOT,
            env=installed(),
            timeout=TIMEOUT,
            check=False,
        )

    def start_write(
        self,
        catalog: Mapping[str, Any],
        *arguments: str,
        faults: Iterable[str] = (),
        stdout: int = subprocess.PIPE,
        stderr: int | None = None,
    ) -> Running:
        """Start a sync of this catalog."""
        return self.start(
            "write",
            "--config",
            self.file("config.json", self.config),
            "--catalog",
            self.file("catalog.json", catalog),
            *arguments,
            faults=faults,
            stdout=stdout,
            stderr=stderr,
        )

    def write(
        self, catalog: Mapping[str, Any], lines: Iterable[bytes], *arguments: str, faults: Iterable[str] = ()
    ) -> Outcome:
        """A whole sync, or what its faults leave of one."""
        running = self.start_write(catalog, *arguments, faults=faults)
        rest, _ = running.process.communicate(b"".join(lines), timeout=TIMEOUT)
        return Outcome.of(running.process.returncode, rest)

    def file(self, name: str, content: Any) -> str:
        """Write a JSON file for the command; its path."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)

    def rows(self, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Some columns of a table in the default namespace, sorted."""
        names = ", ".join(f'"{column}"' for column in columns)
        rows = self.query(f'SELECT {names} FROM "{self.namespace}"."{table}"')
        return sorted((tuple(row) for row in rows), key=repr)

    def tables(self) -> list[str]:
        """The tables of the default namespace."""
        return sorted(name for (name,) in self.query(self.listing))
