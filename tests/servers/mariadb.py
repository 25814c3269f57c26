"""A MariaDB server of our own: Debian's, as a child process, on a socket in a temporary folder; gone with its holder.

It listens on that socket only, lets everybody in as root, and is quick rather than safe against a crash of the machine.
"""

import atexit
import os
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

from tests.servers import launch
from tests.servers.debian import installed_mariadb
from tests.servers.embedded import GUARD
from tests.servers.errors import ServerFailed
from tests.servers.wheel import server_user

PATIENCE_SECONDS = 60.0
# Small, since it is copied with the data.
LOG = ("--innodb-log-file-size=8M",)
SETTINGS = (
    "--no-defaults",
    "--skip-networking",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--sync-frm=0",
    *LOG,
)


@contextmanager
def mariadb() -> Iterator[Path]:
    """A running server with no databases but its own; its socket.

    Raises:
        Unavailable: MariaDB is not installed.
        ServerFailed: its data could not be made, or it did not answer in a minute.
    """
    program, user = installed_mariadb(), server_user()
    with tempfile.TemporaryDirectory(prefix="dataflow-mariadb-") as room:
        folder = Path(room)
        if user is not None:
            os.chown(folder, user.uid, user.gid)
        data, socket, log = folder / "data", folder / "socket", folder / "log"
        # With its owner.
        subprocess.run(["/bin/cp", "--archive", str(_initialised()), str(data)], check=True)
        become = [str(user.uid), str(user.gid)] if user else [launch.KEEP_USER, launch.KEEP_USER]
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *become, GUARD]
        # In a folder that they share, two servers take each other's temporary tables for their own.
        files = [
            f"--tmpdir={folder}",
            f"--datadir={data}",
            f"--socket={socket}",
            f"--pid-file={folder / 'pid'}",
        ]
        with log.open("ab") as written:
            process = subprocess.Popen(
                [*launcher, str(program), *SETTINGS, *files],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=written,
                cwd=folder,
            )
        try:
            _wait(process, socket, log)
            yield socket
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)


@cache
def _initialised() -> Path:
    """A folder with the data of a new server. To make them takes seconds, so they are made once for this process."""
    room = tempfile.TemporaryDirectory(prefix="dataflow-mariadb-")
    atexit.register(room.cleanup)
    folder, user = Path(room.name), server_user()
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    _initialise(folder / "data", folder / "log")
    return folder / "data"


def _initialise(data: Path, log: Path) -> None:
    user = server_user()
    with log.open("ab") as written:
        made = subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={data.parent}"),
                "--skip-test-db",
                *LOG,
                "--auth-root-authentication-method=normal",
            ],
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            cwd=data.parent,
            check=False,
        )
    if made.returncode != 0:
        raise _failure("mariadb-install-db failed", log)


def _wait(process: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with closing(socket_of(AF_UNIX)) as asking, suppress(OSError):
            asking.connect(str(socket))
            return
        time.sleep(0.02)
    raise _failure("MariaDB does not answer", log)


def _failure(what: str, log: Path) -> ServerFailed:
    end_of_log = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    return ServerFailed(f"{what}. The end of its log:\n{end_of_log}")
