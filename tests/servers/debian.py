"""Finds the servers that the distribution has installed: PostgreSQL, PgBouncer, MariaDB, sshd. Installs nothing."""

from pathlib import Path

from tests.servers.errors import Unavailable

POSTGRES = Path("/usr/lib/postgresql")
SSHD = Path("/usr/sbin/sshd")
PGBOUNCER = Path("/usr/sbin/pgbouncer")
MARIADB = Path("/usr/sbin/mariadbd")


def installed_postgres(where: Path = POSTGRES) -> Path:
    """The directory with bin, lib and share of the newest version there is.

    Raises:
        Unavailable: there is none.
    """
    found = sorted(where.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Unavailable(f"there is no PostgreSQL in {where}. Debian and Ubuntu: apt-get install postgresql")
    return found[-1].parents[1]


def installed_sshd(where: Path = SSHD) -> Path:
    """The program.

    Raises:
        Unavailable: there is none.
    """
    if not where.exists():
        raise Unavailable(f"there is no {where}. Debian and Ubuntu: apt-get install openssh-server")
    return where


def installed_pgbouncer(where: Path = PGBOUNCER) -> Path:
    """The program.

    Raises:
        Unavailable: there is none.
    """
    if not where.exists():
        raise Unavailable(f"there is no {where}. Debian and Ubuntu: apt-get install pgbouncer")
    return where


def installed_mariadb(where: Path = MARIADB) -> Path:
    """The program.

    Raises:
        Unavailable: there is none.
    """
    if not where.exists():
        raise Unavailable(f"there is no {where}. Debian and Ubuntu: apt-get install mariadb-server")
    return where
