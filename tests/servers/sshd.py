"""A real sshd of our own on a loopback port, with a host key and users of its own, gone with its holder. Root's work.

Passwords are the system's, so a user of the system is made for the time of the tests; it has no shell and no home.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import asyncssh
from attrs import field, frozen

from tests.servers import launch
from tests.servers.debian import installed_sshd
from tests.servers.embedded import GUARD
from tests.servers.errors import ServerFailed, Unavailable

LOOPBACK = "127.0.0.1"
# The package makes it where an init system runs.
ROOM = Path("/run/sshd")
PATIENCE_SECONDS = 60.0


@frozen
class Guest:
    """A user who may log in, and how."""

    name: str
    password: str = field(repr=False)
    key: asyncssh.SSHKey = field(repr=False)


@contextmanager
def guest() -> Iterator[Guest]:
    """A user of the system, removed afterwards.

    Raises:
        Unavailable: we are not root.
    """
    if os.geteuid() != 0:
        raise Unavailable("only root can make a user who logs in by password. Run as root.")
    made = Guest(f"dataflow-{os.getpid()}", f"open sesame {os.getpid()}", _new_key())
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],  # noqa: S607 - wherever the distribution has it
        input=made.password,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    shell = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    subprocess.run(["/usr/sbin/useradd", *shell, "--password", hashed, made.name], check=True)
    try:
        yield made
    finally:
        subprocess.run(["/usr/sbin/userdel", "--force", made.name], check=True, capture_output=True)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Sshd:
    """One server. As a context manager it starts at once; it can be stopped, and started with another key."""

    def __init__(self, user: Guest, **settings: str) -> None:
        """`settings` are sshd_config's, in place of ours: AllowTcpForwarding="no"."""
        self.port = free_port()
        self._room = tempfile.TemporaryDirectory(prefix="dataflow-sshd-")
        self._folder = Path(self._room.name)
        # The authorized keys are read as the account that logs in.
        self._folder.chmod(0o755)
        self._user = user
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.host_key = _new_key()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._room.cleanup()

    @property
    def public_key(self) -> str:
        """Its host key, as ssh-keyscan prints it."""
        return f"[{LOOPBACK}]:{self.port} {self.host_key.export_public_key().decode()}"

    @property
    def log(self) -> str:
        """What it has written."""
        return (self._folder / "sshd.log").read_text(errors="replace")

    def start(self) -> None:
        """Start with the host key as it is now, and wait until somebody may come."""
        ROOM.mkdir(mode=0o755, exist_ok=True)
        self.host_key.write_private_key(self._folder / "host_key")
        (self._folder / "host_key").chmod(0o600)
        self._user.key.write_public_key(self._folder / "authorized_keys")
        (self._folder / "config").write_text("".join(f"{n} {v}\n" for n, v in self._config().items()))
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
        become = [launch.KEEP_USER, launch.KEEP_USER, GUARD, "INT"]
        command = [str(installed_sshd()), "-D", "-e", "-f", str(self._folder / "config")]
        with (self._folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*launcher, *become, *command], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        self._wait(self._process)

    def stop(self) -> None:
        """Stop it and every login."""
        process, self._process = self._process, None
        if process is not None:
            kill(_descendants(process.pid))
            process.communicate(timeout=PATIENCE_SECONDS)

    def hang_up(self) -> None:
        """End every login, as a lost connection would. The server stays."""
        assert self._process is not None
        kill(_descendants(self._process.pid)[1:])

    def _config(self) -> dict[str, str]:
        ours = {
            "Port": str(self.port),
            "ListenAddress": LOOPBACK,
            "HostKey": str(self._folder / "host_key"),
            "AuthorizedKeysFile": str(self._folder / "authorized_keys"),
            "AllowUsers": self._user.name,
            "LogLevel": "VERBOSE",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
        }
        return ours | self._settings

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise ServerFailed(f"sshd did not start. Its log:\n{self.log}")


def kill(pids: list[int]) -> None:
    """End processes, of which some may have ended by themselves: a login does, as soon as its client hangs up."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """A process, its children, theirs, and so on."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(each for child in children for each in _descendants(int(child)))]


def _new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")
