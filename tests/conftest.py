"""What every test may ask for: a PostgreSQL server for the run, and an empty database for itself.

A run in which a test asks for PostgreSQL, and there is none, fails: at once, or under xdist test by test.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.address import Address
from tests.servers.databases import fresh_database
from tests.servers.errors import Unavailable
from tests.servers.mysql import mysql, way
from tests.servers.providers import Server, postgres, ways

pytest_plugins = ["connectors.testkit.plugin"]

USED = pytest.StashKey[set[str]]()
# Under xdist the workers use the servers, and the controller reports them.
FROM_WORKERS = "postgres_used"


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server of this run; under xdist, of this worker. Held until the run ends."""
    server = postgres(os.environ)
    try:
        found = server.__enter__()
    except Unavailable as reason:
        if hasattr(pytestconfig, "workeroutput"):
            # A worker that leaves takes its reason along; failing its tests brings it to the report.
            pytest.fail(str(reason), pytrace=False)
        pytest.exit(str(reason), returncode=1)
    used = pytestconfig.stash[USED]
    used.add(f"{found.version} by {found.provider}")
    try:
        yield found
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Path]:
    """The socket of the MySQL or MariaDB of this run; under xdist, of this worker."""
    with mysql() as socket:
        yield socket


@pytest.fixture
def postgres_database(postgres_server: Server) -> Iterator[Address]:
    """An empty database, for this test alone."""
    with fresh_database(postgres_server.address) as database:
        yield database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a MySQL server is left to `make test-mysql`."""
    for item in items:
        if isinstance(item, pytest.Function) and _needs_mysql(item):
            item.add_marker(pytest.mark.mysql)


def _needs_mysql(item: pytest.Function) -> bool:
    into = item.callspec.params if hasattr(item, "callspec") else {}
    whole = {"destination", "grounds"}.intersection(item.fixturenames)
    return "mysql_server" in item.fixturenames or (bool(whole) and "mysql" in into.values())


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USED] = set()
    # A shell has a command that it starts in the background ignore Ctrl-C, and tests interrupt themselves.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    try:
        return [f"postgres: {', else '.join(ways(os.environ))}", f"mysql: {way(os.environ)}"]
    except Unavailable as reason:
        raise pytest.UsageError(str(reason)) from reason


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        used = session.config.stash[USED]
        output[FROM_WORKERS] = sorted(used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    used: set[str] = node.config.stash[USED]
    used.update(getattr(node, "workeroutput", {}).get(FROM_WORKERS, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    used = config.stash[USED]
    terminalreporter.write_line(f"PostgreSQL in this run: {' and '.join(sorted(used)) or 'not asked for'}")


def pytest_unconfigure() -> None:
    # Hypothesis hangs itself on the garbage collector for good. Through it our modules would outlive the
    # interpreter, and DuckDB would end the output with a page of complaints about its types among them.
    gc.callbacks.clear()
