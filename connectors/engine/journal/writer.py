"""Keeps the journal in the destination, beside a sync: on a thread and a client of its own. Never ends nor delays it.

A sync hands over each transition and goes on. They are written every other second, in transactions that touch
the journal alone; where that fails, a warning says so once. A process that is killed leaves out its last seconds, and
a journal that takes nothing for long leaves out what comes while as many transitions wait as are kept in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from connectors.contract import Client, Connector
from connectors.contract.journal import Transition
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import DataflowError
from dataflow.runtime.threads import Empty, Queue, Thread
from machines.journal.entries import Entry
from machines.operations import StreamOperation

SECONDS_PER_DAY = 86_400
# A write waits for this many transitions, or for this many seconds.
ROWS = 100
WAIT = 2.0
# How many transitions may wait: some megabytes.
MOST = 5000
# How long the end of a sync waits for the last write, in seconds.
PATIENCE = 30.0
RETRY = RetryPolicy(attempts=3)


@contextmanager
def journal_keeper(
    connector: Connector, days: int, warn: Callable[[str], None]
) -> Iterator[Callable[[Entry], None]]:
    """Keeps each entry it is given, and in the end forgets what is older than `days`.

    Begins with the first claim of a stream. By then what the sync itself needs is connected, and the set-up has made
    the namespace that this needs: what could not be set up has no journal.
    """
    keeper = _Keeper(connector, days, warn)
    try:
        yield keeper.keep
    finally:
        keeper.end()


class _Keeper:
    def __init__(self, connector: Connector, days: int, warn: Callable[[str], None]) -> None:
        self._connector = connector
        self._days = days
        self._warn = warn
        self._numbered = 0
        self._left_out = 0
        self._clock = connector.runtime.clock
        self._threads = connector.runtime.threads
        self._waiting: Queue[Transition | None] = self._threads.queue()
        # None until it was started.
        self._thread: Thread | None = None

    def keep(self, entry: Entry) -> None:
        """Hand an entry over; on the sync's own thread."""
        self._numbered += 1
        if self._is_over or self._waiting.qsize() >= MOST:
            self._left_out += 1
        else:
            self._waiting.put(Transition(self._numbered, entry))
        if entry.get("operation") == StreamOperation.CLAIM and self._thread is None:
            self._thread = self._threads.start(self._write, "journal")

    def end(self) -> None:
        """Wait for what is on its way."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._warn(f"The journal's last lines could not be written within {PATIENCE:.0f} seconds.")
        elif self._left_out:
            self._warn(
                f"{self._left_out} lines are missing in the destination's journal, which was blocked for too long."
            )

    @property
    def _is_over(self) -> bool:
        """Whether nothing is written any more."""
        return self._thread is not None and not self._thread.is_alive()

    # -- the journal's thread

    def _write(self) -> None:
        transactions = Transactions(self._connector, RETRY, lambda *_: None)
        client = transactions.client
        try:
            transactions.run("making the journal", partial(_prepare, client))
            while due := self._next():
                transactions.run("writing the journal", partial(_append, client, due))
            oldest = self._clock.now() - self._days * SECONDS_PER_DAY
            transactions.run("deleting old transitions", lambda: client.journal.forget(oldest))
        except DataflowError as error:
            self._warn(
                f"The journal in the destination ends here, and the sync continues without it. {error}"
            )
        finally:
            client.close()

    def _next(self) -> list[Transition]:
        """What is to be written next; nothing once the sync has ended."""
        due: list[Transition] = []
        transition = self._waiting.get()
        end = self._clock.monotonic() + WAIT
        while transition is not None:
            due.append(transition)
            if len(due) == ROWS:
                return due
            try:
                transition = self._waiting.get(timeout=max(end - self._clock.monotonic(), 0.0))
            except Empty:
                return due
        if due:
            # The end is met again once these are written.
            self._waiting.put(None)
        return due


def _prepare(client: Client) -> None:
    client.journal.prepare()


def _append(client: Client, due: Sequence[Transition]) -> None:
    # An attempt whose COMMIT went unanswered may have kept them.
    kept = client.journal.last(due[0].run, min(each.at for each in due))
    if missing := [each for each in due if each.number > kept]:
        client.journal.append(missing)
