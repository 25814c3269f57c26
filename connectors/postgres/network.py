"""Notices that the network to the server has gone dark, and cuts the connections that would wait for it. Sends nothing
on them.

The kernel retransmits what the other side does not acknowledge for a quarter of an hour. The socket's
`tcp_user_timeout` would end that sooner, but would also cut the connection of a live server that takes nothing in for
a while. That server's kernel answers each probe. The account that Linux keeps of a connection distinguishes the two:
what waits to be acknowledged, when the last acknowledgement came, and how many probes were sent since. When everything
is acknowledged, keepalives do the same. Other systems keep no such account; only keepalives are at work there.
"""

import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from attrs import define, field, frozen

# Where the kernel's account (struct tcp_info) has what, in bytes.
PROBES, UNACKED, LAST_ACK, REPEATED, UNSENT = 3, 24, 56, 100, 144
# The size of struct tcp_info so far.
ACCOUNT_BYTES = 256
# What the kernel repeated unanswered before it is said that nobody answers.
REPEATS = 3


@frozen(kw_only=True)
class Account:
    """What the kernel says of a connection. `silent`: seconds since something was acknowledged."""

    waiting: bool
    silent: float
    repeated: int
    probes: int


class Line:
    """A connection's socket, by a descriptor of its own, so that it never is another's. Closed by who closes that."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=socket.dup(descriptor))
        self._lock = threading.Lock()
        self._answered = self._reached = time.monotonic()
        self._repeated = 0
        self.closed = False

    def close(self) -> None:
        """Let the socket go."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self.closed = True
        self._socket.close()

    def dark_for(self, seconds: float, patience: float) -> bool:
        """Whether something waits for longer to be acknowledged, and nobody is there to do it."""
        said = self._said()
        if said is None:
            return False
        account, peer = said
        now = time.monotonic()
        if now - account.silent > self._answered:
            self._answered, self._repeated = now - account.silent, account.repeated
        if not account.waiting or account.silent < seconds:
            return False
        if account.repeated - self._repeated + account.probes >= REPEATS:
            return True
        # A server that takes nothing in is asked ever more seldom, at last every two minutes: then we ask.
        if now - self._reached < seconds:
            return False
        if not _reachable(peer, patience):
            return True
        self._reached = now
        return False

    def _said(self) -> "tuple[Account, tuple[Any, ...] | None] | None":
        """What the kernel says, and who the other side is; None for a line that is closed.

        A line of which the kernel says nothing cannot be watched. It is closed, so that the others still are.
        """
        with self._lock:
            if self.closed:
                return None
            try:
                return _account(self._socket), _peer(self._socket)
            except OSError:
                self._let_go()
                return None

    def cut(self) -> None:
        """Let whoever waits on the connection go on, with an error."""
        with self._lock, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class WatchedConnection(psycopg.Connection[Any]):
    """A connection whose line is watched until it is closed."""

    line: Line | None = None

    def close(self) -> None:
        super().close()
        if self.line is not None:
            self.line.close()


@define
class Network:
    """Looks at all lines of a process every few seconds, on a thread of its own. Times are in seconds."""

    silent: float = 60.0
    look: float = 5.0
    patience: float = 10.0
    # Since the last connection was made.
    dark: bool = False
    _lines: set[Line] = field(factory=set, repr=False)
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)
    _thread: threading.Thread | None = None

    def watch(self, connection: WatchedConnection) -> None:
        """Look at this connection too. One that leads over no network needs none."""
        self.dark = False
        if sys.platform != "linux" or not connection.info.hostaddr:
            return
        connection.line = line = Line(connection.fileno())
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="network", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while lines := self._open():
            for line in lines:
                if line.dark_for(self.silent, self.patience):
                    self.dark = True
                    line.cut()
            time.sleep(self.look)

    def _open(self) -> list[Line]:
        """The lines that are still in use; without any the watch is over."""
        with self._lock:
            self._lines = {line for line in self._lines if not line.closed}
            if not self._lines:
                self._thread = None
            return list(self._lines)


def _account(of: socket.socket) -> Account:
    said = of.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ACCOUNT_BYTES).ljust(ACCOUNT_BYTES, b"\0")

    def number(at: int) -> int:
        (value,) = struct.unpack_from("=I", said, at)
        return int(value)

    return Account(
        waiting=bool(number(UNACKED) or number(UNSENT) or said[PROBES]),
        silent=number(LAST_ACK) / 1000,
        repeated=number(REPEATED),
        probes=said[PROBES],
    )


def _peer(of: socket.socket) -> tuple[Any, ...] | None:
    with suppress(OSError):
        peer: tuple[Any, ...] = of.getpeername()
        return peer
    return None


def _reachable(peer: tuple[Any, ...] | None, patience: float) -> bool:
    """Whether the other side's kernel answers, be it with a refusal. A connection that ended is nobody's to cut."""
    if peer is None:
        return True
    try:
        socket.create_connection(peer[:2], timeout=patience).close()
    except ConnectionError:
        return True
    except OSError:
        return False
    return True
