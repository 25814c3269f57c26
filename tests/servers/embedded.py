"""A real PostgreSQL server of our own: made in a moment, in a directory of its own, gone with its holder.

It listens on a Unix socket only, unless it is configured otherwise, and trusts every client, so it is for tests
and demonstrations. It refuses to serve anything that should outlive the process that holds it.

    with EmbeddedPostgres(fsync="on") as server:
        psycopg.connect(server.address.dsn)
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.servers import launch
from tests.servers.address import Address
from tests.servers.errors import ServerFailed
from tests.servers.wheel import ROOM, User, installation, server_user

PREFIX = "dataflow-pg-"
HELD = "held"
PORT = 5432
PATIENCE_SECONDS = 60.0
FIRST_WITH_OWN_LOCALES = 17
# Commits survive a crash of the server, which tests cause, though not of the machine, which they do not.
SETTINGS: Final = {"fsync": "off", "full_page_writes": "off", "timezone": "UTC", "log_timezone": "UTC"}
# A folder in which clusters are made and copied faster, and the bytes that must be free there: what Docker gives by
# default is too little.
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30  # noqa: S108 - every name below it is made with mkdtemp
GUARD = launch.KERNEL if sys.platform == "linux" else launch.WATCH


class EmbeddedPostgres:
    """One server and its data. As a context manager it starts at once and leaves nothing behind.

    Made, it has an empty cluster and does not run. Start it from a thread that lives as long as the server is
    wanted: on Linux it ends with that thread.

    Raises:
        Unavailable: there are no programs, or no user, to run a server here.
        ServerFailed: no cluster could be made.
    """

    def __init__(self, *, guard: str = GUARD, programs: Path | None = None, **settings: str) -> None:
        """Make the cluster. `settings` are PostgreSQL's own, as strings: fsync="on".

        `programs` is the directory of an installation, with its bin; without it, that of the wheel.
        """
        self._user = server_user()
        self._programs = (programs or installation(self._user)) / "bin"
        self._settings = SETTINGS | settings
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._directory, self._hold = _room_of_our_own(self._user, _room(self._settings))
        port = int(settings.get("port", PORT))
        self.address = Address(host=str(self._directory), port=port, user="postgres", dbname="postgres")
        try:
            self._initialise()
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self.remove()

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that the server and initdb have written."""
        path = self._directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start the server on its data, whatever state they were left in, and wait until it answers.

        Raises:
            ServerFailed: it ended, or did not answer in a minute.
        """
        if self.pid is not None:
            return
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        user = self._user
        run_as = [str(user.uid), str(user.gid)] if user else [launch.KEEP_USER, launch.KEEP_USER]
        launcher = [
            sys.executable,
            "-I",
            "-S",
            launch.__file__,
            str(os.getpid()),
            *run_as,
            self._guard,
            "INT",
        ]
        where = [
            "-D",
            str(self._data),
            "-k",
            str(self._directory),
            "-p",
            str(self.address.port),
            "-c",
            "listen_addresses=",
        ]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*launcher, str(self._programs / "postgres"), *where, *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=_environment(),
                # A Ctrl-C is for the holder, who stops the server when the tests have let go of it.
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server and wait for its end; its data stay. Does nothing when it does not run.

        Immediate is a crash in every way that data can show: no checkpoint, connections cut, recovery at the
        next start.

        Raises:
            ServerFailed: it did not stop in a minute, and was killed.
        """
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise self._failure(
                "stopping a PostgreSQL server", "It did not stop in time and was killed."
            ) from None
        finally:
            _let_go(process)

    def remove(self) -> None:
        """Stop the server if it runs, and delete its data."""
        self.stop(immediate=True)
        shutil.rmtree(self._directory, ignore_errors=True)
        os.close(self._hold)

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _initialise(self) -> None:
        user = self._user
        with (self._directory / "log").open("ab") as log:
            made = subprocess.run(
                [
                    *(self._programs / "initdb", "--pgdata", self._data, "--username", self.address.user),
                    *("--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"),
                    *_locale(self._programs),
                ],
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=_environment(),
                check=False,
            )
        if made.returncode != 0:
            raise self._failure("making a PostgreSQL cluster", f"initdb returned {made.returncode}.")

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Read the server's own word in its pid file, so that no connection is refused and logged meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pid_file = self._data / "postmaster.pid"
        while time.monotonic() < deadline:
            if process.poll() is not None:
                code = process.returncode
                self.stop()
                raise self._failure("starting a PostgreSQL server", f"It ended at once, with {code}.")
            lines: list[str] = []
            with suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.01)
        self.stop(immediate=True)
        raise self._failure("starting a PostgreSQL server", "It was not ready in time.")

    def _failure(self, doing: str, what: str) -> ServerFailed:
        end_of_log = "\n".join(self.log.splitlines()[-20:])
        return ServerFailed(f"{what} We were {doing} in {self._directory}. The end of its log:\n{end_of_log}")


def _locale(programs: Path) -> tuple[str, ...]:
    """The same order of text in every version: by code point, and letters of every script."""
    told = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    if int(told.stdout.split()[2].split(".")[0]) >= FIRST_WITH_OWN_LOCALES:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("--lc-ctype=C.UTF-8",)


def _environment() -> dict[str, str]:
    """Nothing of the caller's: a PGPORT or PGOPTIONS of theirs is not meant for this server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _let_go(process: "subprocess.Popen[bytes]") -> None:
    """Let a watching process know that there is nothing left to do, and close the lifeline."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(b".")
            process.stdin.flush()
        with suppress(BrokenPipeError):
            process.stdin.close()


def _room(settings: Mapping[str, str]) -> Path:
    """In memory, unless there is none to spare or the data are wanted on a disk."""
    if settings["fsync"] == "on" or not os.access(MEMORY, os.W_OK):
        return ROOM
    return MEMORY if shutil.disk_usage(MEMORY).free >= ENOUGH else ROOM


def _room_of_our_own(user: User | None, room: Path) -> tuple[Path, int]:
    """Make a directory with a short path, marked as held by a lock that ends with this process."""
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=room))
    hold = os.open(directory / "holding", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(hold, fcntl.LOCK_EX)
    # Others look at the final name only, so they never see it before the lock is on it.
    (directory / "holding").rename(directory / HELD)
    if user is not None:
        os.chown(directory, user.uid, user.gid)
    return directory, hold


def _sweep() -> None:
    """Delete what killed holders could not: directories whose lock nobody has any more."""
    for held in (*ROOM.glob(f"{PREFIX}*/{HELD}"), *MEMORY.glob(f"{PREFIX}*/{HELD}")):
        with suppress(OSError):
            lock = os.open(held, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(held.parent, ignore_errors=True)
            finally:
                os.close(lock)
