"""A MySQL or MariaDB server of our own: a child process, on a socket in a temporary folder; gone with its holder.

It listens on that socket only, lets everybody in as root, and is quick rather than safe against a crash of the machine.
"""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from socket import AF_UNIX
from socket import socket as socket_of

from attrs import frozen

from tests.servers import launch
from tests.servers.embedded import GUARD
from tests.servers.errors import ServerFailed
from tests.servers.wheel import server_user

PATIENCE_SECONDS = 60.0


@frozen
class Program:
    """How a kind of server is started."""

    name: str
    server: tuple[str, ...]
    """The command that serves."""
    initialise: tuple[str, ...]
    """The command that makes the data of a new server. The places of files are added to both."""


class Child:
    """One server with data of its own, which are those of a new server."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = folder / "socket"
        user = server_user()
        if user is not None:
            os.chown(folder, user.uid, user.gid)
        # With its owner.
        subprocess.run(["/bin/cp", "--archive", str(_initialised(program)), str(folder / "data")], check=True)

    def start(self) -> None:
        """Start it on its data, whatever state they were left in.

        Raises:
            ServerFailed: it ended, or did not answer in a minute.
        """
        folder, user = self._folder, server_user()
        become = [str(user.uid), str(user.gid)] if user else [launch.KEEP_USER, launch.KEEP_USER]
        # MySQL ignores the signal that ends a PostgreSQL.
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *become, GUARD, "TERM"]
        # In a folder that they share, two servers take each other's temporary tables for their own.
        files = [
            f"--tmpdir={folder}",
            f"--datadir={folder / 'data'}",
            f"--socket={self.socket}",
            f"--pid-file={folder / 'pid'}",
        ]
        self.socket.unlink(missing_ok=True)
        with (folder / "log").open("ab") as written:
            self._process = subprocess.Popen(
                [*launcher, *self._program.server, *files],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=written,
                cwd=folder,
            )
        _wait(self._program, self._process, self.socket, folder / "log")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait for its end; its data stay. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.communicate(timeout=PATIENCE_SECONDS)


@contextmanager
def child(program: Program) -> Iterator[Child]:
    """A running server with no databases but its own.

    Raises:
        ServerFailed: its data could not be made, or it did not answer in a minute.
    """
    with tempfile.TemporaryDirectory(prefix="dataflow-mysql-") as room:
        server = Child(program, Path(room))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@cache
def _initialised(program: Program) -> Path:
    """A folder with the data of a new server. To make them takes seconds, so they are made once for this process."""
    room = tempfile.TemporaryDirectory(prefix="dataflow-mysql-")
    atexit.register(room.cleanup)
    folder, user = Path(room.name), server_user()
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    data, log = folder / "data", folder / "log"
    with log.open("ab") as written:
        made = subprocess.run(
            [*program.initialise, f"--datadir={data}", f"--tmpdir={folder}"],
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            cwd=folder,
            check=False,
        )
    if made.returncode != 0:
        raise _failure(f"{program.name} could not make its data", log)
    return data


def _wait(program: Program, process: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with closing(socket_of(AF_UNIX)) as asking, suppress(OSError):
            asking.connect(str(socket))
            return
        time.sleep(0.02)
    raise _failure(f"{program.name} does not answer", log)


def _failure(what: str, log: Path) -> ServerFailed:
    end_of_log = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    return ServerFailed(f"{what}. The end of its log:\n{end_of_log}")
