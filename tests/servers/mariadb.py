"""Debian's MariaDB as a server of our own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.child import Program, child
from tests.servers.debian import installed_mariadb

# Small, since it is copied with the data.
LOG = ("--innodb-log-file-size=8M",)
SETTINGS = (
    "--no-defaults",
    "--skip-networking",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=32M",
    # Commits survive a crash of the server, though not of the machine.
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--sync-frm=0",
    *LOG,
)
# MariaDB's own defaults, by which what is committed is on disk.
DURABLE = (
    "--innodb-buffer-pool-size=128M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-flush-method=O_DIRECT",
    "--innodb-log-file-size=96M",
    "--sync-frm=1",
)
NEW = (
    "mariadb-install-db",
    "--no-defaults",
    "--skip-test-db",
    *LOG,
    "--auth-root-authentication-method=normal",
)


def mariadb_program(*options: str) -> Program:
    """How it is started, with further options.

    Raises:
        Unavailable: MariaDB is not installed.
    """
    return Program("MariaDB", (str(installed_mariadb()), *SETTINGS, *options), NEW)


@contextmanager
def mariadb(*options: str) -> Iterator[Path]:
    """A running server with no databases but its own; its socket.

    Raises:
        Unavailable: MariaDB is not installed.
        ServerFailed: its data could not be made, or it did not answer in a minute.
    """
    with child(mariadb_program(*options)) as server:
        yield server.socket
