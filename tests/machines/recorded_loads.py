"""Loads for the recorded lives: each a machine on the memory connector, with workers between one life and the next."""

from collections.abc import Callable, Sequence

from attrs import evolve

from connectors.testkit.harness.loads import SHARDS, LoadStage, load_stage
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import TransientError
from dataflow.runtime import SYSTEM
from machines.journal.entries import Entry
from machines.journal.listener import Journal
from machines.lifecycle import Executor
from machines.loads import Wish
from machines.operations import Answer, StreamOperation
from machines.stream import StreamLife, StreamLifecycle, StreamPort

RUN = "coordinator"
# One process's part in a load: the entries of its life.
Part = Callable[[LoadStage], Sequence[Entry]]


class Refusing:
    """A port that refuses one operation, and hands on the others."""

    def __init__(self, port: StreamPort, refused: StreamOperation) -> None:
        self._port = port
        self._refused = refused

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        if operation is self._refused:
            raise TransientError("The server went away.")
        return self._port.perform(operation, life)


def coordinator(event: str = "", wish: Wish = Wish.LOAD, refused: StreamOperation | None = None) -> Part:
    """A process that starts the load's life, and sends this event where workers write the shards."""

    def live(stage: LoadStage) -> Sequence[Entry]:
        entries: list[Entry] = []
        with stage.coordinator(RUN) as run:
            assert run.life.load is not None
            run.life.load = evolve(run.life.load, wish=wish)
            port = Refusing(run.operations, refused) if refused is not None else run.operations
            executor = Executor(port, SYSTEM.clock)
            journal = Journal(RUN, executor, entries.append, run.life)
            machine = StreamLifecycle(run.life, listeners=[executor, journal])
            machine.send("start")
            if event and machine.at == "writing":
                machine.send(event)
        return entries

    return live


def workers(stage: LoadStage) -> Sequence[Entry]:
    """Processes that write all shards. No machine has a part in it."""
    stage.write(*range(len(SHARDS)))
    return ()


def without_temp(stage: LoadStage) -> Sequence[Entry]:
    """Somebody drops the temp table."""
    temp = stage.entry().temp
    assert temp is not None
    with stage.client.transaction():
        stage.client.drop_table(temp)
    return ()


OPENED, PUBLISHING = coordinator("handed_over"), coordinator("completed")


def load(strategy: Strategy, *parts: Part) -> Callable[[Warehouse], Outcome]:
    """The life of the last of these, which come one after the other."""

    def play(to: Warehouse) -> Outcome:
        entries: Sequence[Entry] = ()
        with load_stage(to.destination) as stage:
            for part in parts:
                entries = part(evolve(stage, strategy=strategy))
        return Outcome(exit_code=0, emitted=[], errors=[], warnings=[], infos=[], journal=list(entries))

    return play
