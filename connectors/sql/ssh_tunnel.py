"""The way to the database through an SSH server: one connection for all sessions, on a thread of its own.

A session asks for the entrance, a port of this machine, before it connects. The tunnel is opened by the first, and
opened again after it was lost. What goes wrong is an error of ours: a driver would only see a database that hangs up.
"""

import asyncio  # noqa: TID251 - the SSH library waits by it
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncssh  # noqa: TID251 - waits for the network, on a thread that was handed in
from attrs import frozen

from connectors.sql.ssh_keys import host_keys
from connectors.sql.ssh_options import Tunnel
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime.threads import Thread, Threads

T = TypeVar("T")

# The entrance is open to this machine only. Drivers encrypt over TCP alone, so it cannot be a socket's file.
LOOPBACK = "127.0.0.1"
# Seconds.
TIMEOUT = 30
KEEPALIVE = 15
AGAIN = "Try again."


@frozen
class Entrance:
    """The address on this machine where the tunnel begins."""

    host: str
    port: int


class SshTunnel:
    """A tunnel to one database. Used by any thread; opens when it is first needed."""

    def __init__(self, options: Tunnel, host: str, port: int, threads: Threads) -> None:
        self._threads = threads
        self._options = options
        self._database = host, port
        self._trusted = host_keys(options.tunnel_host_key or "")
        self._opening = threads.lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._entrance = Entrance(LOOPBACK, 0)

    def entrance(self) -> Entrance:
        """The address to connect to instead of the database's own; certificates are still held to the database's name.

        Raises ConfigError when the SSH server will not let us in or through, TransientError when it may later.
        """
        with self._opening:
            return self._on_thread(self._opened())

    def close(self) -> None:
        """Close it, also while sessions still use it. May be called twice."""
        with self._opening:
            if self._loop is None or self._thread is None:
                return
            self._on_thread(self._closed())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def _on_thread(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = self._threads.start(self._loop.run_forever, "tunnel")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # -- on the tunnel's thread

    async def _opened(self) -> Entrance:
        if self._connection is None or self._connection.is_closed():
            connection = await self._logged_in()
            try:
                await self._try_the_way(connection)
                listener = await connection.forward_local_port(LOOPBACK, 0, *self._database)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._entrance = Entrance(LOOPBACK, listener.get_port())
        return self._entrance

    async def _logged_in(self) -> asyncssh.SSHClientConnection:
        chosen = self._options
        key = [asyncssh.import_private_key(chosen.ssh_key)] if chosen.ssh_key else None
        try:
            connection = await asyncssh.connect(
                chosen.tunnel_host,
                chosen.tunnel_port,
                username=chosen.tunnel_user,
                client_keys=key,
                password=chosen.tunnel_user_password,
                preferred_auth="publickey" if key else "keyboard-interactive,password",
                known_hosts=(self._trusted, [], []) if self._trusted else None,
                # No setting and no key of the account in which this process runs.
                config=None,
                agent_path=None,
                compression_algs=None,
                connect_timeout=TIMEOUT,
                login_timeout=TIMEOUT,
                keepalive_interval=KEEPALIVE,
            )
        except (asyncssh.Error, OSError) as error:
            raise _refusal(error, chosen) from error
        shown = connection.get_server_host_key()
        if not self._trusted and shown is not None:
            # The server that answered first must be the one that answers after the connection was lost.
            self._trusted = [shown]
        return connection

    async def _try_the_way(self, connection: asyncssh.SSHClientConnection) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                _, writer = await connection.open_connection(*self._database)
        except TimeoutError as error:
            late = asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "it did not answer in time")
            raise self._blocked(late) from error
        except asyncssh.ChannelOpenError as error:
            raise self._blocked(error) from error
        except (asyncssh.Error, OSError) as error:
            raise _refusal(error, self._options) from error
        writer.close()

    def _blocked(self, error: asyncssh.ChannelOpenError) -> DataflowError:
        host, port = self._database
        message = f"The SSH server could not forward to {host}:{port}: {error.reason}."
        if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            remedy = f"Let its administrator allow {self._options.tunnel_user} to forward connections to it."
            return ConfigError(message, remedy=remedy)
        if "not known" in error.reason or "unknown host" in error.reason.lower():
            return ConfigError(
                message, remedy="Correct the option `host`: the SSH server must be able to resolve it."
            )
        return TransientError(message, remedy="Check `host` and `port` as the SSH server sees them. " + AGAIN)

    async def _closed(self) -> None:
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()


def _refusal(error: Exception, options: Tunnel) -> DataflowError:
    """What it means that there is no connection to the SSH server."""
    place = f"{options.tunnel_host}:{options.tunnel_port}"
    match error:
        case asyncssh.PermissionDenied():
            return ConfigError(
                f"The SSH server {place} refused the user {options.tunnel_user}.",
                remedy="Check tunnel_user and its key or password, and that the server accepts this kind of login.",
            )
        case asyncssh.HostKeyNotVerifiable():
            return ConfigError(
                f"The host key of the SSH server {place} is not the expected one.",
                remedy="If its key was changed, correct tunnel_host_key; otherwise another machine may be intercepting "
                "the connection.",
            )
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported() | asyncssh.IllegalUserName():
            return ConfigError(
                f"No common SSH algorithms with {place}: {error.reason}.",
                remedy="Let its administrator allow current algorithms.",
            )
        case socket.gaierror(errno=number) if number != socket.EAI_AGAIN:
            return ConfigError(
                f"The name of the SSH server {options.tunnel_host} could not be resolved: {error.strerror}.",
                remedy="Correct the option tunnel_host.",
            )
    return TransientError(f"The connection to the SSH server {place} failed: {_said(error)}.", remedy=AGAIN)


def _said(error: Exception) -> str:
    said = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(said).rstrip(".") or "it did not answer in time"
