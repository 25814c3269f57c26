"""Notices that the network to the server has gone dark, and cuts the connections that would wait for it. Sends nothing
on them.

The kernel retransmits what the other side does not acknowledge for a quarter of an hour. The socket's
`tcp_user_timeout` would end that sooner, but would also cut the connection of a live server that takes nothing in for
a while. That server's kernel answers each probe. The account that Linux keeps of a connection distinguishes the two:
what waits to be acknowledged, when the last acknowledgement came, and how many probes were sent since. When everything
is acknowledged, keepalives do the same. Other systems keep no such account; only keepalives are at work there.

All connections are judged before one is cut. Each peer is asked for all of its connections at once, by one attempt to
connect.
"""

import socket
import struct
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from enum import Enum, auto
from typing import Any

import psycopg
from attrs import Factory, define, field, frozen

from dataflow.runtime import Runtime
from dataflow.runtime.threads import Thread, Threads

# The offsets in the kernel's account (struct tcp_info), in bytes.
PROBES, UNACKED, LAST_ACK, REPEATED, HEARD, UNSENT = 3, 24, 56, 100, 140, 144
# How much of the account is read, and its size so far.
NEEDED_BYTES, ACCOUNT_BYTES = UNSENT + 4, 256
# What the kernel repeated unanswered before it is said that nobody answers.
REPEATS = 3

# The address of a connection's other side.
Peer = tuple[Any, ...]


@frozen(kw_only=True)
class Account:
    """What the kernel says of a connection.

    `waiting`: whether something is to be acknowledged. `silent`: seconds since the last acknowledgement. `heard`: the
    segments that came. `repeated`: the segments that were sent again. `probes`: those sent since the last answer.
    """

    waiting: bool
    silent: float
    heard: int
    repeated: int
    probes: int


class Judgement(Enum):
    """What a connection's account shows."""

    # Answered, or nothing waits for an answer.
    ANSWERED = auto()
    # Silent, but too little was repeated for a verdict: a server that takes nothing in is asked ever more seldom by the
    # kernel, at last every two minutes.
    DOUBTFUL = auto()
    DARK = auto()


@frozen
class Look:
    """A connection's accounts: now, and when its last answer was first seen."""

    account: Account
    answered: Account
    peer: Peer

    def judgement(self, silent: float) -> Judgement:
        """What this shows if an answer may take `silent` seconds.

        The count of segments says whether an answer came. The time of the last one, by our clock and the kernel's,
        would seem to move on a busy machine.
        """
        if not self.account.waiting or self.account.silent < silent:
            return Judgement.ANSWERED
        if self.account.repeated - self.answered.repeated + self.account.probes >= REPEATS:
            return Judgement.DARK
        return Judgement.DOUBTFUL


class Line:
    """A connection's socket, by a descriptor of its own, so that it never is another's. Closed by the code that closes
    that.
    """

    def __init__(self, descriptor: int, threads: Threads) -> None:
        self._socket = socket.socket(fileno=socket.dup(descriptor))
        self._lock = threads.lock()
        self._answered: Account | None = None
        self.closed = False

    def close(self) -> None:
        """Let the socket go."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self.closed = True
        self._socket.close()

    def look(self) -> Look | None:
        """What the kernel says now; None for a line that is closed, and for a connection that has ended.

        A line of which the kernel says nothing cannot be watched. It is closed, so that the others still are.
        """
        with self._lock:
            if self.closed:
                return None
            try:
                account = _account(self._socket)
            except OSError:
                self._let_go()
                return None
            peer = _peer(self._socket)
        if self._answered is None or account.heard != self._answered.heard:
            self._answered = account
        return None if peer is None else Look(account, self._answered, peer)

    def cut(self) -> None:
        """Let a thread that waits on the connection go on, with an error."""
        with self._lock, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class WatchedConnection(psycopg.Connection[Any]):
    """A connection whose line is watched until it is closed."""

    line: Line | None = None

    def close(self) -> None:
        super().close()
        if self.line is not None:
            self.line.close()


@frozen
class Verdict:
    """What one look at all lines leads to: those to cut, and those of each peer that is to be asked."""

    dark: Sequence[Line]
    doubtful: Mapping[Peer, Sequence[Line]]


def verdict(looks: Mapping[Line, Look], reached: Collection[Peer], silent: float) -> Verdict:
    """What these looks lead to. A peer that was `reached` less than `silent` seconds ago is not asked again."""
    dark: list[Line] = []
    doubtful: dict[Peer, list[Line]] = {}
    for line, look in looks.items():
        match look.judgement(silent):
            case Judgement.DARK:
                dark.append(line)
            case Judgement.DOUBTFUL if look.peer not in reached:
                doubtful.setdefault(look.peer, []).append(line)
    return Verdict(dark, doubtful)


def reachable(peer: Peer, patience: float) -> bool:
    """Whether the other side's kernel answers within `patience` seconds, be it with a refusal."""
    try:
        socket.create_connection(peer[:2], timeout=patience).close()  # noqa: TID251 - for a bounded time
    except ConnectionError:
        return True
    except OSError:
        return False
    return True


@define
class Network:
    """Looks at all lines of a process every few seconds, on a thread of its own. Times are in seconds."""

    runtime: Runtime = field(repr=False)
    silent: float = 60.0
    look: float = 5.0
    patience: float = 10.0
    # Since the last connection was made.
    dark: bool = False
    _ask: Callable[[Peer, float], bool] = reachable
    # When each peer that answered was asked.
    _reached: dict[Peer, float] = field(factory=dict, repr=False)
    _lines: set[Line] = field(factory=set, repr=False)
    _lock: AbstractContextManager[Any] = field(
        default=Factory(lambda network: network.runtime.threads.lock(), takes_self=True), repr=False
    )
    _thread: Thread | None = None

    def watch(self, connection: WatchedConnection) -> None:
        """Look at this connection too. One that leads over no network needs none."""
        self.dark = False
        if sys.platform != "linux" or not connection.info.hostaddr:
            return
        connection.line = line = Line(connection.fileno(), self.runtime.threads)
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._thread = self.runtime.threads.start(self._watch, "network")

    def _watch(self) -> None:
        while lines := self._open():
            self._act({line: look for line in lines if (look := line.look()) is not None})
            self.runtime.threads.sleep(self.look)

    def _act(self, looks: Mapping[Line, Look]) -> None:
        now = self.runtime.clock.monotonic()
        self._reached = {peer: at for peer, at in self._reached.items() if now - at < self.silent}
        found = verdict(looks, self._reached, self.silent)
        self._cut(found.dark)
        for peer, lines in found.doubtful.items():
            asked = self.runtime.clock.monotonic()
            if self._ask(peer, self.patience):
                self._reached[peer] = asked
            else:
                self._cut(lines)

    def _cut(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.dark = True
            line.cut()

    def _open(self) -> list[Line]:
        """The lines that are still in use; without any the watch is over."""
        with self._lock:
            self._lines = {line for line in self._lines if not line.closed}
            if not self._lines:
                self._thread = None
            return list(self._lines)


def _account(of: socket.socket) -> Account:
    """Raises OSError for a connection of which the kernel says too little."""
    said = of.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ACCOUNT_BYTES)
    if len(said) < NEEDED_BYTES:
        raise OSError("the kernel is older than this account of a connection")

    def number(at: int) -> int:
        (value,) = struct.unpack_from("=I", said, at)
        return int(value)

    return Account(
        waiting=bool(number(UNACKED) or number(UNSENT) or said[PROBES]),
        silent=number(LAST_ACK) / 1000,
        heard=number(HEARD),
        repeated=number(REPEATED),
        probes=said[PROBES],
    )


def _peer(of: socket.socket) -> Peer | None:
    with suppress(OSError):
        peer: Peer = of.getpeername()
        return peer
    return None
