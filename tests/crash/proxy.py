"""Stands between a process and the server, and sees what the one asks of the other. Changes no byte; may cut the line.

It understands enough of the protocol to distinguish one message from the next. There is no TLS here.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Protocol, Self

from attrs import frozen

from tests.servers.address import Address

QUERY, PARSE, COPY_DATA = b"Q", b"P", b"d"
# What carries the text of a statement.
STATEMENTS = (QUERY, PARSE)


@frozen
class Message:
    """A message from the process to the server. `transaction` holds what was said since its beginning."""

    kind: bytes
    body: bytes
    transaction: tuple[bytes, ...] = ()

    def says(self, text: str) -> bool:
        """Whether it is a statement in which this text stands."""
        return self.kind in STATEMENTS and text.encode() in self.body

    def commits(self, what: str) -> bool:
        """Whether it is the COMMIT of a transaction in which this was said."""
        return self.says("COMMIT") and any(what.encode() in each for each in self.transaction)

    @property
    def raw(self) -> bytes:
        """As it came."""
        return self.kind + struct.pack("!I", len(self.body) + 4) + self.body

    @property
    def copies(self) -> bool:
        """Whether it is a part of a COPY's data."""
        return self.kind == COPY_DATA


class Ambush(Protocol):
    """A session that waits for a message."""

    def awaits(self, message: Message) -> bool:
        """Whether this is the one. Then nothing that the server says from here on is passed on."""
        ...

    def hold(self) -> None:
        """The message went to the server. When this comes back, the line is cut."""
        ...


class Proxy:
    """Listens on a port of its own, and lets an ambush see all that is asked of the server."""

    def __init__(self, server: Address, ambush: Ambush) -> None:
        self._server = server
        self._ambush = ambush
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._sockets):
            _end(each)

    @property
    def port(self) -> int:
        """The port at which it listens, at 127.0.0.1."""
        port: int = self._listener.getsockname()[1]
        return port

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                threading.Thread(target=self._serve, args=[near], daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with closing_both(near) as far, suppress(OSError, EOFError):
            self._sockets.append(far)
            far.connect(f"{self._server.host}/.s.PGSQL.{self._server.port}")
            muted = threading.Event()
            threading.Thread(target=_pour, args=[far, near, muted], daemon=True).start()
            far.sendall(_startup(near))
            for message in _messages(near):
                met = self._ambush.awaits(message)
                if met:
                    muted.set()
                far.sendall(message.raw)
                if met:
                    self._ambush.hold()
                    return


@contextmanager
def closing_both(near: socket.socket) -> Iterator[socket.socket]:
    """A socket for the server, closed in the end, as the other is."""
    far = socket.socket(socket.AF_UNIX)
    try:
        yield far
    finally:
        _end(near)
        _end(far)


def _startup(near: socket.socket) -> bytes:
    """The first message, which has no kind."""
    size = _read(near, 4)
    return size + _read(near, struct.unpack("!I", size)[0] - 4)


def _messages(near: socket.socket) -> Iterator[Message]:
    """Each message after the first."""
    transaction: tuple[bytes, ...] = ()
    while True:
        head = _read(near, 5)
        body = _read(near, struct.unpack("!I", head[1:])[0] - 4)
        message = Message(head[:1], body, transaction)
        if message.says("BEGIN"):
            transaction = ()
        elif message.kind in STATEMENTS:
            transaction += (body,)
        yield message


def _read(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = source.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _pour(far: socket.socket, near: socket.socket, muted: threading.Event) -> None:
    with suppress(OSError):
        while part := far.recv(1 << 16):
            if muted.is_set():
                continue
            near.sendall(part)
    if not muted.is_set():
        _end(near)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
