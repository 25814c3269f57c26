"""Whole transactions on a client, tried again when they failed in passing. Retry lives here and nowhere else.

Never a single statement is repeated: what a transaction did is known only when its COMMIT was answered, and the
ledger entry that it holds shows the next attempt whether there is anything left to do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import tenacity
from attrs import evolve, frozen

from connectors.contract import Client, Connector
from dataflow.errors import DataflowError, TransientError
from dataflow.runtime.randomness import fraction
from dataflow.runtime.threads import Event

T = TypeVar("T")


@frozen(kw_only=True)
class RetryPolicy:
    """How often a transaction that failed in passing is tried, and how long we wait in between, in seconds."""

    attempts: int = 5
    first_wait: float = 0.2
    longest_wait: float = 10.0

    def wait(self, attempt: int, chance: float) -> float:
        """How long we wait after this attempt: twice as long after each, and by `chance`, from 0 to 1, a little more.

        So runs that failed at the same moment do not try again at the same moment.
        """
        return min(self.first_wait * (2.0 ** (attempt - 1) + chance), self.longest_wait)


class _UndoneError(Exception):
    """Rolls a transaction back of which nothing is to stay."""


@contextmanager
def undone(client: Client) -> Iterator[None]:
    """A transaction that is rolled back when all of its work is done."""
    with suppress(_UndoneError), client.transaction():
        yield
        raise _UndoneError


class Transactions:
    """Runs whole transactions on one client, again on a fresh connection when they failed in passing."""

    def __init__(
        self,
        connector: Connector,
        policy: RetryPolicy,
        retrying: Callable[[DataflowError, int, float], None],
        stopped: Event | None = None,
    ) -> None:
        """`retrying` receives an error, the number of the attempt, and the wait. Once `stopped`, nothing is tried
        again.
        """
        self.client: Client = connector.client()
        self._connector = connector
        self._policy = policy
        self._retrying = retrying
        self._runtime = connector.runtime
        self._stopped = stopped or self._runtime.threads.event()
        # How many the last work took.
        self.attempts = 0
        self._failure: DataflowError | None = None

    def run(self, doing: str, work: Callable[[], T]) -> T:
        """The work's result, once it is committed. `doing` completes "This happened while ...".

        Raises the DataflowError that the last attempt ended with.
        """
        return self.outside(doing, lambda: self._transaction(work))

    def once(self, doing: str, work: Callable[[], T]) -> T:
        """The same, tried only once."""
        self.attempts = 0
        return self._attempt(doing, lambda: self._transaction(work))

    def outside(self, doing: str, work: Callable[[], T]) -> T:
        """The same without a transaction around it: for what connects or locks."""
        retry: tenacity.Retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=lambda state: state.attempt_number >= self._policy.attempts or self._stopped.is_set(),
            wait=lambda state: self._policy.wait(state.attempt_number, fraction(self._runtime.randomness)),
            before_sleep=self._before_sleep,
            sleep=self._sleep,
            reraise=True,
        )
        self.attempts = 0
        try:
            done: T = retry(self._attempt, doing, work)
        except TransientError:
            # What comes next, such as the stream's end, is tried on a fresh connection too.
            self.client.recover()
            raise
        return done

    def connect(self, doing: str) -> None:
        """Have the client connected, with retries. Nothing is committed."""

        def begin() -> None:
            with undone(self.client):
                pass

        self.outside(doing, begin)

    def _transaction(self, work: Callable[[], T]) -> T:
        with self.client.transaction():
            return work()

    def _attempt(self, doing: str, work: Callable[[], T]) -> T:
        if self.attempts and self._stopped.is_set() and self._failure is not None:
            # It was stopped while we waited.
            raise self._failure
        self.attempts += 1
        try:
            return work()
        except Exception as error:
            ours = error if isinstance(error, DataflowError) else self._connector.explain(error)
            raise evolve(ours, doing=ours.doing or doing, attempts=self.attempts) from error

    def _sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0.0
        if isinstance(error, DataflowError):
            self._retrying(error, state.attempt_number, wait)
        self._failure = error if isinstance(error, DataflowError) else None
        self.client.recover()
