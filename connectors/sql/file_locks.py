"""Locks beside a database that is a file: which run writes to which table. Touches no database.

A client has one lock file, however many tables it locks. It holds the system's lock on that file as long as it lives,
and the file's content counts no longer than that. So a sync of a thousand streams holds one file open, and a dead
process holds no lock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import field, frozen

from dataflow.names import NamingRules, name_hash
from dataflow.runtime import Runtime
from dataflow.runtime.randomness import token
from dataflow.types import TableName

# Seconds.
_STREAM_PATIENCE = 1.0
_AGAIN = 0.05


@frozen
class _Own:
    """This client's file: open, and locked."""

    path: Path
    file: int
    claims: set[str] = field(factory=set)


class StreamLocks:
    """The locks of one client. Names that are equal by `naming` are one table's."""

    def __init__(self, database: Path, naming: NamingRules, runtime: Runtime) -> None:
        self._naming = naming
        self._runtime = runtime
        self._database = database
        self._own: _Own | None = None

    def take(self, table: TableName, owner: str) -> str | None:
        """Take the table's lock, or have it already. The answer is the run that has it after a short wait, if any.

        Raises:
            OSError: no file can be created beside the database.
        """
        claim = self._claim(table)
        clock, threads = self._runtime.clock, self._runtime.threads
        give_up = clock.monotonic() + _STREAM_PATIENCE
        while self._own is None or claim not in self._own.claims:
            with self._alone():
                holder = self._holder(claim, clear=True)
                if holder is None:
                    self._write(claim, owner)
                    break
            if clock.monotonic() > give_up:
                return holder
            threads.sleep(_AGAIN)
        return None

    def taken(self, table: TableName) -> str | None:
        """The run that has the table's lock, if it is not this client's. Creates no file, and removes none."""
        return self._holder(self._claim(table), clear=False)

    def give_back(self) -> None:
        """Free all of them, and leave no file."""
        own, self._own = self._own, None
        if own is not None:
            own.path.unlink(missing_ok=True)
            os.close(own.file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else looks and writes meanwhile."""
        path = self._beside("lock")
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)  # noqa: TID251 - held for a moment only
                # The previous holder may have removed it.
                if _is_there(file, path):
                    try:
                        yield
                    finally:
                        path.unlink(missing_ok=True)
                    return
            finally:
                os.close(file)

    def _holder(self, claim: str, *, clear: bool) -> str | None:
        """The other run that claims it and lives. `clear` removes the files of processes that are dead."""
        begin = self._beside("lock-").name
        for path in sorted(self._database.parent.glob(f"{_escaped(begin)}*")):
            if self._own is not None and path == self._own.path:
                continue
            with suppress(FileNotFoundError), path.open("rb") as file:
                if _could_lock(file.fileno()):
                    if clear:
                        path.unlink(missing_ok=True)
                    continue
                owner, *claims = file.read().decode().split("\n")
                # An older version had a file for each table, called after it.
                if claim in (*claims, path.name.removeprefix(begin)):
                    return owner
        return None

    def _write(self, claim: str, owner: str) -> None:
        if self._own is None:
            path = self._beside(f"lock-{token(self._runtime.randomness, 32)}")
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            fcntl.flock(file, fcntl.LOCK_EX)  # noqa: TID251 - a new file, which nobody holds
            self._own = _Own(path, file)
            os.write(file, owner.encode())
        os.write(self._own.file, f"\n{claim}".encode())
        self._own.claims.add(claim)

    def _claim(self, table: TableName) -> str:
        comparable = self._naming.comparable
        return name_hash(comparable(table.namespace), comparable(table.name))

    def _beside(self, what: str) -> Path:
        return self._database.with_name(f"{self._database.name}-{what}")


def _could_lock(file: int) -> bool:
    """Whether nobody has the file locked."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # noqa: TID251 - does not wait
        return True
    return False


def _is_there(file: int, path: Path) -> bool:
    """Whether an open file is still the one of its name."""
    with suppress(FileNotFoundError):
        return os.fstat(file).st_ino == path.stat().st_ino
    return False


def _escaped(name: str) -> str:
    """A name in a pattern that means just it."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)
