"""A PgBouncer of our own on a loopback port, before a server that trusts every client; gone with its holder."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import evolve

from tests.servers import launch
from tests.servers.address import Address
from tests.servers.debian import installed_pgbouncer
from tests.servers.embedded import GUARD
from tests.servers.errors import ServerFailed
from tests.servers.sshd import LOOPBACK, free_port
from tests.servers.wheel import server_user

PATIENCE_SECONDS = 60.0


@contextmanager
def pgbouncer(server: Address, **settings: str) -> Iterator[Address]:
    """The same database behind the pooler. `settings` are PgBouncer's: pool_mode="session"."""
    port = free_port()
    wanted = {
        "listen_addr": LOOPBACK,
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        **settings,
    }
    with tempfile.TemporaryDirectory(prefix="dataflow-pgbouncer-") as room:
        folder, user = Path(room), server_user()
        folder.chmod(0o755)
        place = f"* = host={server.host} port={server.port} user={server.user}"
        lines = [
            "[databases]",
            place,
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in wanted.items()),
        ]
        (folder / "config").write_text("\n".join(lines) + "\n")
        become = [str(user.uid), str(user.gid)] if user else [launch.KEEP_USER, launch.KEEP_USER]
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *become, GUARD, "INT"]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*launcher, str(installed_pgbouncer()), str(folder / "config")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(process, port, folder / "log")
            yield evolve(server, host=LOOPBACK, port=port)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.02)
    raise ServerFailed(f"PgBouncer does not answer. Its log:\n{log.read_text(errors='replace')}")
