"""A sync that is killed, and started again from the last STATE received, until it is done; and what must hold then."""

from collections.abc import Callable
from signal import SIGKILL
from typing import Any

from attrs import define, evolve, field

from tests.crash.grounds import Ground, Rows, perform, published
from tests.crash.scenarios import COLUMNS, KEYS, Scenario, Stint
from tests.whole.command import Destination, Outcome

Run = Callable[[Destination, Stint], Outcome]


@define
class Life:
    """The runs of one sync. `killed` says, per run that was killed, up to where its records were acknowledged."""

    ground: Ground
    destination: Destination
    told: int = field(init=False)
    done: bool = False
    killed: list[int] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.told = self.scenario.sync.versions.start - 1

    @property
    def scenario(self) -> Scenario:
        """Whose life it is."""
        return self.ground.scenario

    def strike(self, fault: str, cut: int | None = None) -> None:
        """A run that must die at this fault. Its input ends at `cut` without COMPLETE, if that is given."""
        outcome = self.attempt(lambda to, stint: perform(to, stint, fault), cut)
        assert outcome.code == -SIGKILL, f"{fault} did not strike: {outcome.errors}"

    def risk(self, fault: str) -> None:
        """A run that dies at this fault, if there is one to do and it comes so far."""
        if self.done:
            return
        outcome = self.attempt(lambda to, stint: perform(to, stint, fault))
        assert outcome.code in (-SIGKILL, 0), outcome.errors

    def attempt(self, run: Run, cut: int | None = None) -> Outcome:
        """A run from the last STATE emitted. However it ends, acknowledged records are there then, in either table."""
        sync = self.scenario.sync
        versions = range(self.told + 1, cut or sync.versions.stop)
        outcome = run(self.destination, evolve(sync, versions=versions, complete=cut is None))
        if outcome.states:
            self.told = int(outcome.states[-1])
        self.done = outcome.code == 0
        if outcome.code == -SIGKILL:
            self.killed.append(self.told)
            self._expect_acknowledged(self._rows_anywhere())
        return outcome

    def finish(self) -> None:
        """An undisturbed run, if there is anything left to do; then all must be as if there had been no other."""
        if not self.done:
            outcome = self.attempt(perform)
            assert (outcome.code, outcome.errors) == (0, [])
        self.expect_converged()

    def expect_converged(self) -> None:
        """The table is that of an undisturbed run; no temp table, no lock and no session is left."""
        rows = published(self.destination)
        self._expect_acknowledged(rows)
        if self.scenario.strategy.dedupes:
            assert rows == self.ground.undisturbed
        else:
            assert rows.keys() == self.ground.undisturbed.keys()
            assert {row: count for row, count in rows.items() if count > self._most(row)} == {}
        assert self.destination.tables() == ["users"]
        assert self.destination.query(f"SELECT temp_name FROM {self.destination.ledger}") == [(None,)]
        self.ground.place.expect_nobody(self.destination)

    def _rows_anywhere(self) -> Rows:
        """The rows of final and temp table, looked up without changing what the next run will find."""
        with self.ground.place.undisturbed(self.destination) as seen:
            return _in_all_tables(seen)

    def _most(self, row: tuple[int, int]) -> int:
        """How often an append may hold a row: again for each kill after which it was sent again."""
        return self.ground.undisturbed[row] + sum(told < row[1] for told in self.killed)

    def _expect_acknowledged(self, rows: Rows) -> None:
        """Every acknowledged record of this sync is there, or a later one of its key where those replace it."""
        latest: dict[int, int] = {}
        for key, version in rows:
            latest[key] = max(version, latest.get(key, 0))
        told = range(self.scenario.sync.versions.start, self.told + 1)
        if self.scenario.strategy.dedupes:
            lost = [version for version in told if latest.get(version % KEYS, 0) < version]
        else:
            lost = [version for version in told if (version % KEYS, version) not in rows]
        assert lost == [], f"told up to {self.told}, and lost"


def _in_all_tables(destination: Destination) -> Rows:
    found: list[tuple[Any, ...]] = []
    for table in destination.tables():
        found += destination.rows(table, list(COLUMNS))
    return Rows((int(key), int(version)) for key, version in found)
