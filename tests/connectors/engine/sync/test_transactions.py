"""Transactions that failed in passing: tried again as a whole, unless the sync was asked to stop."""

import threading

import pytest

from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.memory import DEFINITION
from dataflow.errors import DataflowError, TransientError
from dataflow.runtime import SYSTEM

# Longer than any test.
PATIENT = RetryPolicy(first_wait=600.0, longest_wait=600.0)


def failing() -> None:
    raise TransientError("Not now.")


def test_a_sync_that_is_asked_to_stop_waits_for_no_other_attempt() -> None:
    stopped = threading.Event()
    heard: list[int] = []

    def retrying(_: DataflowError, attempt: int, __: float) -> None:
        heard.append(attempt)
        stopped.set()

    transactions = Transactions(DEFINITION.connector({}, "run", SYSTEM), PATIENT, retrying, stopped)

    with pytest.raises(TransientError, match="Not now") as failed:
        transactions.run("trying", failing)

    assert heard == [1]
    assert failed.value.attempts == 1


def test_a_sync_that_was_asked_to_stop_tries_each_thing_once() -> None:
    stopped = threading.Event()
    stopped.set()
    heard: list[int] = []
    transactions = Transactions(
        DEFINITION.connector({}, "run", SYSTEM),
        PATIENT,
        lambda _, attempt, __: heard.append(attempt),
        stopped,
    )

    with pytest.raises(TransientError, match="Not now"):
        transactions.run("trying", failing)

    assert heard == []
    assert transactions.run("trying", lambda: "done") == "done"


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"), [(1, 0.0, 0.2), (2, 0.0, 0.4), (3, 0.5, 0.9), (30, 0.5, 10.0)]
)
def test_the_wait_doubles_with_each_attempt_up_to_the_longest(
    attempt: int, chance: float, seconds: float
) -> None:
    assert RetryPolicy().wait(attempt, chance) == pytest.approx(seconds)
