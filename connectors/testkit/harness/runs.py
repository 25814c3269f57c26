"""One stream of one run, operation by operation: for tests of what a transaction leaves. Decides nothing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from attrs import frozen

from connectors.contract import Connector, InsertBuffer
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.testkit.harness.rows import Row, batch, columns, raw_id
from dataflow.catalog import Append, Dedupe, DestinationStream, ImportType, Replace, Strategy
from dataflow.flush import Flush
from dataflow.table_catalog import table_catalog
from dataflow.types import RAW_ID, Column, Field, Kind, StreamName
from machines.loads import Load
from machines.operations import Answer, StreamOperation
from machines.stream import StreamLife

USERS = columns(id=Kind.INTEGER, name=Kind.STRING)
# A retry must come at once: tests lose answers on purpose.
AT_ONCE = RetryPolicy(attempts=3, first_wait=0.0, longest_wait=0.0)


@frozen(kw_only=True)
class Run:
    """A run's hold on one stream."""

    connector: Connector
    life: StreamLife
    operations: StreamOperations
    writer: Transactions
    buffer: InsertBuffer

    def do(self, *steps: StreamOperation | Flush) -> Answer:
        """Perform the steps in their order, as the lifecycle would; the last one's answer."""
        answer = Answer()
        for step in steps:
            if isinstance(step, Flush):
                self.operations.insert(self.writer, self.buffer, self.life, step)
                continue
            answer = self.operations.perform(step, self.life)
            self.life.learn(answer)
        return answer

    def flush(self, number: int, *rows: Row, checkpoint: int | None = None) -> Flush:
        """The run's flush of that number; `checkpoint` is the number of the last row that a STATE covers."""
        of = self.life.tables.columns
        return Flush(
            stream=self.life.stream.name,
            number=number,
            batches=(batch(of, rows, self.connector.columns.limits),) if rows else (),
            rows=len(rows),
            size=len(rows),
            held=len(rows),
            highest_raw_id=max((row[RAW_ID] for row in rows), default=None),
            checkpoint=raw_id(checkpoint) if checkpoint is not None else None,
            position=len(rows),
        )


@frozen
class Clients:
    """The clients of a run, by which it may sync one stream after another."""

    connector: Connector
    starter: Transactions
    writer: Transactions
    buffer: InsertBuffer

    def run(
        self,
        strategy: Strategy,
        *,
        run: str = "run",
        generation: int = 1,
        stream: str = "users",
        of: Sequence[Column] = USERS,
        load: Load | None = None,
    ) -> Run:
        """A run that is about to claim the stream by them."""
        return Run(
            connector=self.connector,
            life=stream_life(
                self.connector, strategy, generation=generation, stream=stream, of=of, load=load
            ),
            operations=StreamOperations(self.connector, self.starter, run),
            writer=self.writer,
            buffer=self.buffer,
        )


@contextmanager
def open_clients(connector: Connector) -> Iterator[Clients]:
    """Clients that are closed in the end."""
    starter, writer = (Transactions(connector, AT_ONCE, lambda *_: None) for _ in range(2))
    with ExitStack() as stack:
        stack.callback(starter.client.close)
        stack.callback(writer.client.close)
        yield Clients(connector, starter, writer, connector.insert_buffer(writer.client))


@contextmanager
def open_run(
    connector: Connector,
    strategy: Strategy,
    *,
    run: str = "run",
    generation: int = 1,
    stream: str = "users",
    of: Sequence[Column] = USERS,
    load: Load | None = None,
) -> Iterator[Run]:
    """A run that is about to claim the stream; its clients are closed in the end."""
    with open_clients(connector) as clients:
        yield clients.run(strategy, run=run, generation=generation, stream=stream, of=of, load=load)


def stream_life(
    connector: Connector,
    strategy: Strategy,
    *,
    generation: int = 1,
    stream: str = "users",
    of: Sequence[Column] = USERS,
    load: Load | None = None,
) -> StreamLife:
    """The life that a catalog with this one stream, or this load, would begin."""
    fields = tuple(Field(column.field, column.type) for column in of)
    name = StreamName(None, stream)
    wanted = DestinationStream(
        name=name,
        fields=fields,
        import_type=_import_type(strategy, load),
        generation_id=generation,
        minimum_generation_id=generation if strategy.truncates else 0,
        sync_id=1,
    )
    named = table_catalog([(name, fields)], connector.columns.naming, connector.default_namespace)
    return StreamLife(wanted, named[name], atomic=connector.atomic, load=load)


def _import_type(strategy: Strategy, load: Load | None) -> ImportType:
    if strategy.dedupes:
        return Dedupe(("id",), None)
    # No catalog counts the generations of a load.
    return Replace() if load is not None and load.replaces else Append()
