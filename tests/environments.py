"""Virtual environments beside our own, each of a lock of its own: their pins fight ours. Runs nothing in them."""

import fcntl
import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

CHECKOUT = Path(__file__).parents[1]
# What Airbyte's packages say they run on.
PYTHONS = ("python3.12", "python3.11")
TOO_NEW = (3, 13)

# Shows one line to the person who watches.
Say = Callable[[str], None]


class CannotMake(Exception):
    """An environment could not be made; its text says why."""


@frozen
class Environment:
    """The virtual environment `.venv-<name>` of the checkout, made from `requirements-<name>.lock`."""

    name: str
    needed_by: str

    @property
    def folder(self) -> Path:
        """Its folder."""
        return CHECKOUT / f".venv-{self.name}"

    @property
    def programs(self) -> Path:
        """The folder of its commands."""
        return self.folder / "bin"

    def make(self, say: Say) -> None:
        """Make it, unless it is there as the lock wants it. A process that comes while another makes it waits.

        Raises:
            CannotMake: there is no Python it runs on, or pip failed.
        """
        lock = CHECKOUT / f"requirements-{self.name}.lock"
        with lock.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self._make(lock, held.read(), say)

    def _make(self, lock: Path, pins: bytes, say: Say) -> None:
        stamp = self.folder / ".locked"
        locked = hashlib.sha256(pins + bytes(self.folder)).hexdigest()
        if stamp.exists() and stamp.read_text() == locked:
            return
        say(f"making {self.folder.name} from {lock.name} (once; about a minute)")
        python = str(self.programs / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", "install"]
        # The lock is whole, so nothing has to be resolved; and most of it is never imported, so nothing compiled.
        pip += ["--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
        for command in ([self._python(), "-m", "venv", "--clear", str(self.folder)], pip):
            done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                told = "\n".join(done.stderr.decode(errors="replace").splitlines()[-15:])
                raise CannotMake(f"{shlex.join(command)} returned {done.returncode}:\n{told}")
        stamp.write_text(locked)

    def _python(self) -> str:
        if sys.version_info < TOO_NEW:
            return sys.executable
        for name in PYTHONS:
            found = shutil.which(name)
            if found:
                return found
        raise CannotMake(
            f"{self.needed_by} needs one of {', '.join(PYTHONS)}, and there is none on the PATH (this is Python "
            f"{sys.version_info.major}.{sys.version_info.minor}). Install one; it is used for nothing else."
        )


SOURCES = Environment("demo", "airbyte-source-faker, the demo's source,")
CLIENTS = Environment("clients", "PyAirbyte, which the tests drive,")
PEERS = Environment("peers", "dlt, which the benchmark compares with,")
