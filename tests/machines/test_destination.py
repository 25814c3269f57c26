"""What a sync does once its streams were to start, and how it ends, as the operations its machine asks for."""

import pytest

from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime.clock import SetClock
from machines.destination import DestinationLifecycle, SyncLife, destination_lifecycle
from machines.operations import Answer
from machines.operations import SyncOperation as Op
from tests.machines.lives import Answering

READ_TO_ITS_END = [Op.READ, Op.FINISH_STREAMS, Op.TEAR_DOWN]
REFUSED = ConfigError("Run 1 is writing to shop.users.")


def synced(of: SyncLife, started: Answer | DataflowError) -> tuple[DestinationLifecycle, list[object]]:
    """What a sync asks for once the streams were to start."""
    port = Answering([Answer(), started])
    machine = destination_lifecycle(of, port, SetClock())
    machine.send("start")
    return machine, list(port.asked[2:])


def test_a_sync_of_which_no_stream_starts_reads_nothing() -> None:
    machine, asked = synced(
        SyncLife(), Answer(started=0, failed_streams=("users", "orders"), first_failure=REFUSED)
    )

    assert asked == [Op.TEAR_DOWN]
    assert machine.at == "failed"


@pytest.mark.parametrize("first", [REFUSED, TransientError("The server went away.")])
def test_the_failure_of_such_a_sync_has_the_type_of_its_first_streams(first: DataflowError) -> None:
    of = SyncLife()

    synced(of, Answer(started=0, failed_streams=("users",), first_failure=first))

    assert type(of.failure) is type(first)
    assert "No stream could be started." in str(of.failure)


def test_a_stream_that_does_not_start_leaves_the_others_alone() -> None:
    of = SyncLife()

    machine, asked = synced(of, Answer(started=1, failed_streams=("users",), first_failure=REFUSED))

    assert asked == READ_TO_ITS_END
    assert (machine.at, of.failure) == ("failed", None)


def test_a_sync_without_streams_reads_its_input() -> None:
    machine, asked = synced(SyncLife(), Answer(started=0))

    assert asked == READ_TO_ITS_END
    assert machine.at == "done"


def test_an_error_outside_of_any_stream_ends_those_that_started() -> None:
    machine, asked = synced(SyncLife(), TransientError("The server went away."))

    assert asked == [Op.ABORT_STREAMS, Op.TEAR_DOWN]
    assert machine.at == "failed"
