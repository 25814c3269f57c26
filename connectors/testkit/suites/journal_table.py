"""The suite for the journal's table: what is appended is read back, counted per run, and forgotten in time."""

import time

from connectors.contract.journal import Transition
from connectors.testkit.harness.destination import Bench, Suite

DAY = 86_400


class JournalTableSuite(Suite):
    """`Client.journal` keeps `connectors.contract.journal`."""

    def test_what_is_appended_is_read_back(self, bench: Bench) -> None:
        appended = transition("one", 1, round(time.time(), 3))
        with bench.client.transaction():
            bench.client.journal.prepare()
            bench.client.journal.append([appended])

        with bench.client.transaction():
            found = bench.client.journal.read(0.0)

        assert found == [appended]

    def test_transitions_are_counted_per_run(self, bench: Bench) -> None:
        now = time.time()
        with bench.client.transaction():
            bench.client.journal.prepare()
            bench.client.journal.append([transition("one", 1, now), transition("one", 2, now)])
            bench.client.journal.append([transition("two", 1, now)])
        with bench.client.transaction():
            found = [bench.client.journal.last(run, now - 1) for run in ("one", "two", "three")]

        assert found == [2, 1, 0]

    def test_preparing_the_journal_again_keeps_what_is_there(self, bench: Bench) -> None:
        now = time.time()
        with bench.client.transaction():
            bench.client.journal.prepare()
            bench.client.journal.append([transition("one", 1, now)])
        with bench.client.transaction():
            bench.client.journal.prepare()
            last = bench.client.journal.last("one", now - 1)

        assert last == 1

    def test_what_ended_long_ago_is_forgotten(self, bench: Bench) -> None:
        now = time.time()
        with bench.client.transaction():
            bench.client.journal.prepare()
            bench.client.journal.append([transition("old", 1, now - 2 * DAY), transition("new", 1, now)])
        with bench.client.transaction():
            bench.client.journal.forget(now - DAY)
            found = [bench.client.journal.last(run, 0.0) for run in ("old", "new")]

        assert found == [0, 1]

    def test_one_run_is_read_from_a_moment_on(self, bench: Bench) -> None:
        now = round(time.time(), 3)
        with bench.client.transaction():
            bench.client.journal.prepare()
            bench.client.journal.append([transition("one", n, now + n) for n in (1, 2, 3)])
            bench.client.journal.append([transition("two", 1, now + 3)])
        with bench.client.transaction():
            found = bench.client.journal.read(now + 2, "one")

        assert found == [transition("one", n, now + n) for n in (2, 3)]


def transition(run: str, number: int, at: float) -> Transition:
    """A transition of the run that ended at that moment."""
    entry = {"run": run, "machine": "destination", "from": "idle", "event": "start", "to": "setting_up"}
    return Transition(number, {**entry, "at": at})
