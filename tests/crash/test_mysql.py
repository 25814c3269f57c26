"""Syncs into MySQL whose processes, or whose server, are killed at random moments and in the midst of statements.

Each run is followed by another from the last STATE that was emitted, as a platform does it. A failure is repeated by
its seed, as far as chance goes: `make crash SEED=...`.
"""

import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
import pytest
from attrs import define, field

from tests.connectors.mysql.place import DATABASE, SESSIONS, SYSTEM, mysql_destination
from tests.crash.changes import Row, Sync, Table, lost, syncs
from tests.crash.test_random import histories
from tests.servers.child import Child, child
from tests.servers.mariadb import DURABLE, mariadb_program
from tests.whole.command import TIMEOUT, Destination, Outcome, Running
from tests.whole.dataflow import about

ARGUMENTS = ("--state-latency", "0", "--flush-rows", "250")
# Seconds: about how long a start takes, and how long a run is watched.
START, WATCHED = 1.5, 20.0
# The number of killed processes after which a history ends, and that of failed runs after which a sync is left alone.
KILLS, PATIENCE = 10, 4
# After how many looks, 0.2 s apart, a row that is in no table is lost.
LOOKS = 10
# How the statements begin that a run is killed in.
STATEMENTS = (
    "LOAD DATA",
    "RENAME",
    "CREATE TABLE",
    "INSERT INTO",
    "DELETE",
    "DROP",
    "UPDATE",
    "COMMIT",
    "SELECT GET_LOCK",
)
AT_WORK = (
    "SELECT info FROM information_schema.processlist WHERE user = 'root' AND id <> connection_id() "
    "AND info IS NOT NULL"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Child]:
    """A server of our own, to be killed as we like. What it confirmed outlives it."""
    with child(mariadb_program(*DURABLE)) as server:
        yield server


@define
class Siege:
    """A table, its source and its syncs; all that happens to them by chance."""

    server: Child
    to: Destination
    chance: random.Random
    table: Table = field(factory=Table)
    happened: Counter[str] = field(factory=Counter)
    # What the last STATE of the sync that is under way covers, and after which its killed runs began to send again.
    told: int = 0
    attempts: list[int] = field(factory=list)
    # What writes each process's input.
    _feeders: dict[int, threading.Thread] = field(factory=dict)

    def live(self, kills: int) -> None:
        """Syncs until that many processes were killed."""
        ways: list[Callable[[Sync], Outcome]] = [
            *[self.kill_at_a_moment] * 3,
            *[self.kill_in_a_statement] * 5,
            self.kill_as_it_waits_for_a_reader,
            self.start_another,
            self.take_over,
            *[self.kill_the_server] * 2,
        ]
        for sync in syncs(self.chance):
            self.told, self.attempts = sync.versions.start - 1, []
            done = False
            while not done and len(self.attempts) < PATIENCE:
                done = self._learn(sync, self.chance.choice(ways)(sync))
            if not done:
                assert self._learn(sync, self._finished(self._start(sync)))
            self._expect_done(sync)
            if self.happened["client killed"] >= kills:
                break
        assert about(self.to, "doctor").text == "No leftovers of a crash were found.\n"

    # -- what happens to a run

    def kill_at_a_moment(self, sync: Sync) -> Outcome:
        """SIGKILL, from its start on."""
        running = self._start(sync)
        time.sleep(self.chance.random() * 2 * START)
        return self._kill(running, "at a moment")

    def kill_in_a_statement(self, sync: Sync) -> Outcome:
        """SIGKILL as soon as the server is seen to perform such a statement."""
        wanted = self.chance.choice(STATEMENTS)
        running = self._start(sync)
        met = self._await(running, lambda info: info.startswith(wanted))
        return self._kill(running, f"in {wanted}") if met else self._finished(running)

    def kill_as_it_waits_for_a_reader(self, sync: Sync) -> Outcome:
        """SIGKILL while its swap waits; the statement goes on when the reader ends, beside the next run."""
        with self._session() as person, person.cursor() as cursor:
            with suppress(pymysql.err.ProgrammingError):
                cursor.execute(f"SELECT count(*) FROM {DATABASE}.users")
            running = self._start(sync)
            met = self._await(running, lambda info: info.startswith("RENAME"), 4.0)
            outcome = self._kill(running, "waiting for a reader") if met else None
            if outcome is None:
                person.rollback()
                return self._finished(running)
            self._learn(sync, outcome)
            following = self._start(sync)
            time.sleep(self.chance.random() * START)
            person.rollback()
            return self._finished(following)

    def start_another(self, sync: Sync) -> Outcome:
        """Two runs at once: one of them is refused, or finds the other's work done."""
        first = self._start(sync)
        time.sleep(self.chance.random() * START)
        second = self._finished(self._start(sync))
        self.happened["two at once"] += 1
        if second.code == 0:
            # The platform takes its STATEs; the other, refused or later, sent the same.
            one = self._finished(first)
            self.attempts.append(self.told)
            assert one.code in (0, 1)
            return second
        assert {error["failure_type"] for error in second.errors} == {"config_error"}, second.errors
        assert second.states == []
        return self._kill(first, "beside a second") if self.chance.random() < 0.5 else self._finished(first)

    def take_over(self, sync: Sync) -> Outcome:
        """SIGSTOP in a statement; its sessions are ended; another run takes over, and then it wakes up."""
        asleep, wanted = self._start(sync), self.chance.choice(("LOAD DATA", "INSERT", "UPDATE", "COMMIT"))
        if not self._await(asleep, lambda info: info.startswith(wanted)):
            return self._finished(asleep)
        asleep.process.send_signal(signal.SIGSTOP)
        self.happened["stopped"] += 1
        self._end_sessions()
        following = self._start(sync)
        awake_early = self.chance.random() < 0.5
        if awake_early:
            time.sleep(self.chance.random() * START)
            asleep.process.send_signal(signal.SIGCONT)
        outcome = self._finished(following)
        asleep.process.send_signal(signal.SIGCONT)
        woken = self._finished(asleep)
        self.happened["woken, and " + ("done" if woken.code == 0 else "refused")] += 1
        assert woken.code in (0, 1), woken.errors
        self.attempts.append(self.told)
        if outcome.code == 0 or woken.code != 0:
            return outcome
        # It had its sessions again before the other came, which was refused.
        return woken

    def kill_the_server(self, sync: Sync) -> Outcome:
        """SIGKILL to the server, seen in a statement or not; it comes back, and the run goes on or fails."""
        running = self._start(sync)
        wanted = self.chance.choice(STATEMENTS[:7])
        if self.chance.random() < 0.7:
            self._await(running, lambda info: info.startswith(wanted), 6.0)
        else:
            time.sleep(self.chance.random() * 2 * START)
        at_work = running.process.poll() is None
        self.server.stop(signal.SIGKILL)
        self.happened["server killed at work" if at_work else "server killed"] += 1
        self.server.start()
        if self.chance.random() < 0.3:
            return self._kill(running, "after its server")
        outcome = self._finished(running)
        assert {error["failure_type"] for error in outcome.errors} <= {"transient_error"}, outcome.errors
        return outcome

    # -- how

    def _start(self, sync: Sync) -> Running:
        running = self.to.start_write(sync.catalog, *ARGUMENTS)
        messages, self.happened["runs"] = sync.messages(self.told), self.happened["runs"] + 1
        self.happened["rows sent"] += sum(b'"RECORD"' in each for each in messages)

        def feed() -> None:
            stdin = running.process.stdin
            assert stdin is not None
            with suppress(OSError, ValueError):
                for line in messages:
                    stdin.write(line)
            with suppress(OSError, ValueError):
                stdin.close()

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        self._feeders[running.process.pid] = feeder
        return running

    def _finished(self, running: Running) -> Outcome:
        self._feeders.pop(running.process.pid).join(TIMEOUT)
        running.process.stdin = None
        return running.finish()

    def _kill(self, running: Running, where: str) -> Outcome:
        running.process.kill()
        outcome = self._finished(running)
        if outcome.code == -signal.SIGKILL:
            self.happened["client killed"] += 1
            self.happened[f"client killed {where}"] += 1
        return outcome

    def _await(self, running: Running, meets: Callable[[str], bool], seconds: float = WATCHED) -> bool:
        """Whether such a statement was seen before the run ended."""
        until = time.monotonic() + seconds
        with self._session() as watching, watching.cursor() as cursor:
            while running.process.poll() is None and time.monotonic() < until:
                cursor.execute(AT_WORK)
                if any(meets(str(info)) for (info,) in cursor.fetchall()):
                    return True
        return False

    @contextmanager
    def _session(self) -> Iterator["pymysql.Connection[pymysql.cursors.Cursor]"]:
        session = pymysql.connect(unix_socket=str(self.server.socket), user="root", ssl_disabled=True)
        try:
            yield session
        finally:
            session.close()

    def _end_sessions(self) -> None:
        with self._session() as person, person.cursor() as cursor:
            cursor.execute(SESSIONS)
            for number, _ in cursor.fetchall():
                with suppress(pymysql.err.OperationalError):
                    cursor.execute(f"KILL {number}")

    # -- what must hold

    def _learn(self, sync: Sync, outcome: Outcome) -> bool:
        """Whether the sync is done. Else all that was acknowledged is in some table."""
        assert outcome.code in (0, 1, -signal.SIGKILL), outcome.errors
        before = self.told
        if outcome.states:
            self.told = int(outcome.states[-1])
        assert self.told >= before
        if outcome.code == 0:
            return True
        self.attempts.append(self.told)
        # A dead run's RENAME may come between two looks, so a first look proves no loss.
        for _ in range(LOOKS):
            missing = lost(sync, self.told, self._rows(self.to.tables()))
            if not missing:
                return False
            time.sleep(0.2)
        raise AssertionError(f"acknowledged up to {self.told}, and lost: {missing}")

    def _expect_done(self, sync: Sync) -> None:
        self.table.publish(sync, self.attempts)
        self.happened["syncs"] += 1
        assert self.to.tables() == ["users"]
        assert self.table.wrong(self._rows(["users"])) == {}
        entry = self.to.query(f"SELECT temp_name, publishing FROM {self.to.ledger}")
        assert entry == [(None, None)]
        ids = self.to.query(f"SELECT count(*) - count(DISTINCT _airbyte_raw_id) FROM {DATABASE}.users")
        assert ids == [(0,)]

    def _rows(self, tables: list[str]) -> Counter[Row]:
        found: Counter[Row] = Counter()
        for table in tables:
            # A statement of a killed run may still rename it.
            with suppress(pymysql.err.ProgrammingError):
                found.update(self.to.rows(table, ["id", "version"]))
        return found


@pytest.mark.mysql
@pytest.mark.campaign
@pytest.mark.parametrize("seed", histories(25))
def test_syncs_into_mysql_keep_every_acknowledged_row_whatever_is_killed(
    server: Child, tmp_path: Path, seed: str
) -> None:
    to = mysql_destination(tmp_path, server.socket)
    for (name,) in to.query("SHOW DATABASES"):
        if name not in SYSTEM:
            to.execute(f"DROP DATABASE {name}")
    to.execute(f"CREATE DATABASE {DATABASE}")
    siege = Siege(server, to, random.Random(f"{seed} mysql, kills"))
    try:
        siege.live(KILLS)
    finally:
        sys.stdout.write(f"{seed} {dict(siege.happened)}\n")
