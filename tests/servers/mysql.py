"""Chooses the server of the MySQL destination's tests: Debian's MariaDB unless another is named.

    TEST_MYSQL=mariadb                      Debian's MariaDB, in a process of our own
    TEST_MYSQL=/path/to/mysqld              this MySQL, in a process of our own
    TEST_MYSQL=docker                       a container of MySQL's image
    TEST_MYSQL_OPTIONS="--log-bin"          further options of the server
    TEST_MYSQL_IMAGE=mysql:8.0              for docker (default: mysql:8.4)

A way that was named does not fall through to another. A run without the server fails.
"""

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.child import Program, child
from tests.servers.errors import Unavailable
from tests.servers.mariadb import mariadb_program
from tests.servers.providers import silence_of_docker

NAMED = "TEST_MYSQL"
OPTIONS = "TEST_MYSQL_OPTIONS"
IMAGE = "TEST_MYSQL_IMAGE"
MARIADB, DOCKER = "mariadb", "docker"
# Small, since they are copied with the data.
FILES = (
    "--innodb-redo-log-capacity=16M",
    "--innodb-data-file-path=ibdata1:12M:autoextend",
    "--innodb-autoextend-increment=8",
)
QUICK = (
    "--skip-innodb-doublewrite",
    # Commits survive a crash of the server, though not of the machine.
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=32M",
    "--skip-log-bin",
)
SETTINGS = (
    "--skip-networking",
    "--mysqlx=OFF",
    # Off by default in MySQL, and on in MariaDB.
    "--local-infile=ON",
    "--secure-file-priv=",
)
# The folder of the image's socket.
IN_CONTAINER = "/var/run/mysqld"
# Once by the server that makes the data, and once by the one that serves.
READY = re.compile(r": ready for connections.*: ready for connections", re.DOTALL)

Environment = Mapping[str, str]


@contextmanager
def mysql(environment: Environment = os.environ) -> Iterator[Path]:
    """A running server with no databases but its own; its socket.

    Raises:
        Unavailable: there is none by the way that is named.
        ServerFailed: it is there and does not run.
    """
    if way(environment) == DOCKER:
        with _container(environment) as socket:
            yield socket
    else:
        with child(program(environment)) as server:
            yield server.socket


def way(environment: Environment) -> str:
    """How the server is made: one of the values above."""
    return environment.get(NAMED) or MARIADB


def program(environment: Environment = os.environ) -> Program:
    """How the server is started as a process of our own.

    Raises:
        Unavailable: there is no such program, or the way that is named starts none.
    """
    options, named = shlex.split(environment.get(OPTIONS, "")), way(environment)
    if named == MARIADB:
        return mariadb_program(*options)
    path = Path(named)
    if not path.is_absolute() or not os.access(path, os.X_OK):
        raise Unavailable(
            f"{NAMED} is {named!r}; a process of our own is {MARIADB} or the path of a mysqld that can be run"
        )
    return Program(
        "MySQL",
        (named, "--no-defaults", *FILES, *QUICK, *SETTINGS, *options),
        (named, "--no-defaults", "--initialize-insecure", *FILES, *QUICK),
    )


@contextmanager
def _container(environment: Environment) -> Iterator[Path]:
    """A fresh container, removed afterwards; its socket is in a folder that it shares with us."""
    # These take a third of a second to import, and most machines of ours have no Docker.
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    silence = silence_of_docker()
    if silence is not None:
        raise Unavailable(f"Docker does not answer: {silence}")
    image = environment.get(IMAGE, "mysql:8.4")
    options = shlex.split(environment.get(OPTIONS, ""))
    with tempfile.TemporaryDirectory(prefix="dataflow-mysql-") as room:
        # The server in the container is another user.
        Path(room).chmod(0o777)
        container = (
            DockerContainer(image)
            .with_env("MYSQL_ALLOW_EMPTY_PASSWORD", "yes")
            .with_volume_mapping(room, IN_CONTAINER, "rw")
            .with_command(shlex.join([*QUICK, *SETTINGS, *options]))
            .waiting_for(LogMessageWaitStrategy(READY))
        )
        try:
            container.start()
        except (DockerException, OSError, TimeoutError) as error:
            container.stop()
            raise Unavailable(f"Docker answers, but could not start {image}: {error}") from error
        try:
            yield Path(room) / "mysqld.sock"
        finally:
            container.stop()
