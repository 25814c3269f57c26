"""The home of what a client says about its requests: that it sends one, and that the answer came. Sends nothing.

In production nobody listens. A test that does can end a run between any two requests, as a crash would, or lose an
answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from attrs import frozen


class Requests(Protocol):
    """Is called on the thread that sends. What it raises goes through the client like an error of its driver."""

    def sending(self, what: str) -> None:
        """A request is about to be sent: a statement, rows, a commit. `what` is its text, or a word for it."""
        ...

    def answered(self, what: str) -> None:
        """Its answer came, and was no error."""
        ...


@frozen
class Unwatched:
    """Nobody listens."""

    def sending(self, what: str) -> None:
        """Does nothing."""

    def answered(self, what: str) -> None:
        """Does nothing."""


UNWATCHED = Unwatched()
# What a client says of the request that ends a transaction.
COMMIT = "COMMIT"


@contextmanager
def request(requests: Requests, what: str) -> Iterator[None]:
    """Around the sending of one request and the wait for its answer."""
    requests.sending(what)
    yield
    requests.answered(what)
