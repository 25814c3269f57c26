"""The way to a server, if it may lead through an SSH server: a tunnel that is opened for the first connection."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from connectors.sql.ssh_options import Tunnel
from dataflow.runtime import Runtime

if TYPE_CHECKING:
    from connectors.sql.ssh_tunnel import Entrance


def detour(
    tunnel: Tunnel | None,
    server: tuple[str, int],
    named: "Callable[[Entrance], Mapping[str, Any]]",
    closing: ExitStack,
    runtime: Runtime,
) -> Callable[[], Mapping[str, Any]]:
    """What a driver is given for each connection besides the server's address: nothing, or a tunnel's entrance.

    `named` puts the entrance in the driver's words. The tunnel is closed by `closing`.
    """
    if tunnel is None:
        return dict
    # Only a destination behind a tunnel waits for the library.
    from connectors.sql.ssh_tunnel import SshTunnel

    opened = SshTunnel(tunnel, *server, runtime.threads)
    closing.callback(opened.close)
    return lambda: named(opened.entrance())
