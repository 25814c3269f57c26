"""Workers of a load that are processes, and workers at work at once: for destinations that several processes open.

A process that runs this module writes shards, and kills itself where it was asked to.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from connectors.engine.load.worker import Reader
from connectors.engine.process.registry import find
from connectors.testkit import Destination
from connectors.testkit.harness.destination import Suite
from connectors.testkit.harness.loads import FIRST, IN_ORDER, LoadStage, load_stage
from connectors.testkit.harness.runs import open_run
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from machines.loads import ShardRow
from machines.operations import StreamOperation

# Longer than a worker of a test may take.
SECONDS = 60
ORDERS = ([0, 1, 2], [2, 1, 0], [1, 0, 2])


class ProcessesSuite(Suite):
    """Each worker is a process."""

    @pytest.fixture
    def stage(self, destination: Destination) -> Iterator[LoadStage]:
        with load_stage(destination) as stage:
            stage.open()
            yield stage

    @pytest.mark.parametrize("moment", ["during", "after"])
    def test_a_worker_that_is_killed_has_written_its_shard_or_nothing_of_it(
        self, stage: LoadStage, moment: str
    ) -> None:
        worker = start(stage.destination, [0], moment)

        ended, there = worker.wait(SECONDS), stage.shard_rows()
        written = stage.write(0)

        committed = moment == "after"
        assert (ended, there) == (-signal.SIGKILL, [3 if committed else None, None, None])
        assert (written.found, stage.waiting()) == (committed, FIRST)


class SideBySideSuite(ProcessesSuite):
    """The database has locks of rows: shards of one table are written side by side."""

    def test_each_shard_is_there_once_however_many_workers_write_all_of_them(self, stage: LoadStage) -> None:
        workers = [start(stage.destination, order) for order in ORDERS]

        ended = [worker.wait(SECONDS) for worker in workers]
        stage.publish()

        assert (ended, stage.rows()) == ([0, 0, 0], IN_ORDER)

    def test_workers_of_one_load_do_not_wait_for_each_other(self, stage: LoadStage) -> None:
        stage.write(0, read=meanwhile(stage, lambda: stage.write(1, 2)))

        assert stage.shard_rows() == [3, 1, 2]

    def test_no_claim_waits_for_a_worker(self, stage: LoadStage) -> None:
        """The next coordinator of the load goes on with it; a sync and an early publication are refused in words."""
        refused = list[str]()

        def claim() -> None:
            with stage.coordinator("next") as run:
                run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.RESUME_TEMP)
            for attempt in (stage.publish, partial(_claim, stage)):
                with pytest.raises(ConfigError) as error:
                    attempt()
                refused.append(error.value.message)

        written = stage.write(0, read=meanwhile(stage, claim))

        assert (written.attempts, written.found, stage.waiting()) == (1, False, FIRST)
        assert ["0 of" in message for message in refused] == [True, True]

    def test_a_load_is_given_up_under_a_worker(self, stage: LoadStage) -> None:
        """Each holds what the other wants: the database ends one of them, which tries again."""
        discarding = threading.Thread(target=stage.discard)

        def discard() -> None:
            discarding.start()
            discarding.join(0.3)

        with suppress(ConfigError):
            stage.write(0, read=meanwhile(stage, discard))
        discarding.join(SECONDS)

        assert not discarding.is_alive()
        assert (stage.tables, stage.shard_rows()) == (set(), [])


def meanwhile(stage: LoadStage, act: Callable[[], Any]) -> Reader:
    """Reads a shard, and acts in the midst of it, once."""
    read, acts = stage.reader(), [act]

    def reading(shard: ShardRow) -> Iterator[Sequence[pa.RecordBatch]]:
        for part in read(shard):
            yield part
            if acts:
                acts.pop()()

    return reading


def _claim(stage: LoadStage) -> None:
    with open_run(stage.connector, Strategy.DEDUP, run="sync") as run:
        run.do(StreamOperation.CLAIM)


def start(destination: Destination, shards: Sequence[int], killed: str = "") -> "subprocess.Popen[bytes]":
    """A process that writes these shards, and is killed at this moment of the first."""
    asked = [destination.definition.name, dict(destination.options), list(shards), killed]
    return subprocess.Popen([sys.executable, "-m", __name__, json.dumps(asked)])


def work(name: str, options: dict[str, Any], shards: Sequence[int], killed: str) -> None:
    """Write the shards."""

    def strike(moment: str, _: str) -> None:
        if moment == killed:
            os.kill(os.getpid(), signal.SIGKILL)

    destination = Destination(
        definition=find(name).definition(), options=options, soft_delete={}, read=lambda _: [], tables=set
    )
    with load_stage(destination) as stage:
        stage.write(*shards, strike=strike)


if __name__ == "__main__":
    work(*json.loads(sys.argv[1]))
