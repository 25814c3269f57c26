"""A network of its own for a client, with one cable to this machine, which can be pulled: no packet then, no refusal.

Root's work, with the distribution's iproute2.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.servers.errors import Unavailable

IP = Path("/usr/sbin/ip")
NAMED = Path("/run/netns")
NETWORK_OF_ITS_OWN = 0x40000000
# An address that no interface has: what is sent there, nobody takes.
NOBODY = "02:00:00:00:00:99"
_COUNT = count()
_LIBC = ctypes.CDLL(None, use_errno=True)


@frozen
class Cable:
    """The cable's two ends: interface and address here, and there."""

    name: str
    here: tuple[str, str]
    there: tuple[str, str]

    @property
    def prefix(self) -> list[str]:
        """What makes a command run there."""
        return [str(IP), "netns", "exec", self.name]

    def enter(self) -> None:
        """Let the calling thread, and threads that it starts, be there."""
        descriptor = os.open(NAMED / self.name, os.O_RDONLY)
        try:
            if _LIBC.setns(descriptor, NETWORK_OF_ITS_OWN) != 0:
                raise OSError(ctypes.get_errno(), "entering a network namespace")
        finally:
            os.close(descriptor)

    def pull(self) -> None:
        """From now on nothing that is sent arrives, and nobody learns of it."""
        wrong: Final = ("lladdr", NOBODY, "nud", "permanent")
        _ip("neigh", "replace", self.there[1], *wrong, "dev", self.here[0])
        _ip("-n", self.name, "neigh", "replace", self.here[1], *wrong, "dev", self.there[0])


@contextmanager
def cable() -> Iterator[Cable]:
    """A network of its own and the cable to it, gone in the end.

    Raises:
        Unavailable: we are not root, or there is no iproute2.
    """
    if os.geteuid() != 0:
        raise Unavailable("only root can make a network. Run as root.")
    if not IP.exists():
        raise Unavailable(f"there is no {IP}. Debian and Ubuntu: apt-get install iproute2")
    number = next(_COUNT)
    mark = f"{os.getpid() % 65536}-{number % 1000}"
    net = f"10.{128 + os.getpid() % 64}.{number % 256}"
    name = f"dataflow-{mark}"
    made = Cable(name, (f"df-{mark}", f"{net}.1"), (f"df-{mark}", f"{net}.2"))
    _ip("netns", "add", name)
    try:
        _ip("link", "add", made.here[0], "type", "veth", "peer", "name", made.there[0], "netns", name)
        for where, (device, address) in (((), made.here), (("-n", name), made.there)):
            _ip(*where, "addr", "add", f"{address}/24", "dev", device)
            _ip(*where, "link", "set", device, "up")
        yield made
        # A thread that is still there would keep it.
        _ip("link", "del", made.here[0])
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    subprocess.run([str(IP), *arguments], check=True, capture_output=True)
