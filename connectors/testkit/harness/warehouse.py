"""Whole syncs against the destination under test, in this process: messages in, an outcome out. Asserts nothing."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Any

import pytest
from attrs import field, frozen

from connectors.contract import Connector
from connectors.contract.options import Options
from connectors.engine.journal.writer import journal_keeper
from connectors.engine.process.outlet import ProcessOutlet
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.naming import name_streams
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from connectors.engine.sync.transactions import RetryPolicy
from connectors.testkit.harness.destination import Destination, Suite
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.rows import Rows, data, plain
from dataflow.catalog import DestinationStream, read_catalog
from dataflow.errors import ConfigError
from dataflow.names import temp_mark
from dataflow.pipeline.aggregate import Thresholds
from dataflow.stream_tables import StreamTables
from dataflow.table_catalog import table_catalog
from dataflow.types import StreamName, TableName
from machines.journal.entries import Entry
from machines.parts import Atomic

AT_ONCE = RetryPolicy(attempts=3, first_wait=0.0, longest_wait=0.0)
# Longer than any sync of a test may take.
SECONDS = 20
# Entries of the journal.
DAYS = 1

# Two records make a batch, and two batches a flush: a handful of records is enough for several transactions.
SMALL = Thresholds(parcel_rows=2, flush_rows=4, state_latency=0.0)


@frozen(kw_only=True)
class Outcome:
    """What a sync said. `states` are the cursors of the emitted STATEs, in their order, `emitted` their whole
    objects. `warnings` and `infos` were logged.
    """

    exit_code: int
    emitted: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    warnings: list[str]
    infos: list[str]
    journal: list[Entry]

    @property
    def states(self) -> list[Any]:
        """The cursors of the emitted STATEs."""
        return list(map(cursor_of, self.emitted))

    @property
    def failed(self) -> dict[str | None, str]:
        """The failure type that was reported for each stream; for none under None."""
        return {
            error.get("stream_descriptor", {}).get("name"): error["failure_type"] for error in self.errors
        }

    def operations(self, stream: str = "users") -> list[str]:
        """What the stream's lifecycle asked for, in its order."""
        return [e["operation"] for e in self.journal if e.get("stream") == stream and "operation" in e]


@frozen
class Warehouse:
    """A destination, its options, what a run is called there, and what was synced into it so far."""

    destination: Destination
    options: Options = field(factory=Options)
    run: str = "kit"
    # Called before, during and after each operation.
    strike: Strike = no_fault
    flushes_at_once: int = 1
    _synced: dict[StreamName, DestinationStream] = field(factory=dict, repr=False)
    # Until the next sync.
    _known: dict[StreamName, StreamTables] = field(factory=dict, repr=False)

    @property
    def atomic(self) -> Atomic:
        """What the destination makes durable together."""
        with closing(self.destination.connector()) as connector:
            return connector.atomic

    def sync(
        self,
        catalog: bytes,
        *messages: bytes,
        feed: Iterable[bytes] | None = None,
        on_state: Callable[[Any], None] | None = None,
        keep: Callable[[Entry], None] = lambda _: None,
        script: Script | None = None,
        soft: bool = False,
        thresholds: Thresholds | None = None,
    ) -> Outcome:
        """Run a sync. `feed` replaces the messages by an iterator of its own pace; `on_state` receives each emitted
        STATE, `keep` each line of the journal.
        """
        streams = self.options.meant(read_catalog(catalog))
        real = self.destination.connector(soft=soft)
        self._synced.update({each.name: each for each in streams})
        self._known.clear()
        lines: list[dict[str, Any]] = []
        journal: list[Entry] = []

        def heard(line: dict[str, Any]) -> None:
            lines.append(line)
            if on_state is not None and line["type"] == "STATE":
                on_state(cursor_of(line["state"]))

        outlet = ProcessOutlet(_Lines(heard), real.runtime)
        with (
            _piped(messages if feed is None else feed) as source,
            closing(real),
            journal_keeper(real, DAYS, partial(outlet.log, "WARN")) as keep_in_table,
        ):

            def keep_too(entry: Entry) -> None:
                keep(entry)
                journal.append(entry)
                keep_in_table(entry)

            succeeded = run_sync(
                Sync(
                    run=self.run,
                    connector=faulty(real, script) if script is not None else real,
                    streams=streams,
                    source=source,
                    outlet=outlet,
                    keep=keep_too,
                    thresholds=thresholds or Thresholds(),
                    retry=AT_ONCE,
                    strike=self.strike,
                    flushes_at_once=self.flushes_at_once,
                )
            )
        logged = [line["log"] for line in lines if line["type"] == "LOG"]
        return Outcome(
            exit_code=0 if succeeded else 1,
            emitted=[line["state"] for line in lines if line["type"] == "STATE"],
            errors=[line["trace"]["error"] for line in lines if line["type"] == "TRACE"],
            warnings=[m["message"] for m in logged if m["level"] == "WARN"],
            infos=[m["message"] for m in logged if m["level"] == "INFO"],
            journal=journal,
        )

    def tables(self, stream: str = "users", namespace: str | None = None) -> StreamTables:
        """The tables of a stream that was synced, as the ledger has them."""
        return self._tables()[StreamName(namespace, stream)]

    def _tables(self) -> Mapping[StreamName, StreamTables]:
        if not self._known:
            with closing(self.destination.connector()) as connector:
                self._known.update(_named(connector, list(self._synced.values())))
        return self._known

    def rows(self, stream: str = "users", namespace: str | None = None) -> Rows:
        """The committed rows of the stream's final table, in the order of their raw ids."""
        tables = self.tables(stream, namespace)
        return plain(self.destination.read(tables.final), tables.columns)

    def data(self, stream: str = "users", namespace: str | None = None) -> Rows:
        """The same without their metadata."""
        return data(self.rows(stream, namespace))

    def waiting(self, stream: str = "users") -> Rows:
        """The committed rows of the stream's temp table; none when there is no such table."""
        temp = self.temp(stream)
        if temp not in self.destination.tables():
            return []
        return data(plain(self.destination.read(temp), self.tables(stream).columns))

    def temp(self, stream: str = "users") -> TableName:
        """The stream's temp table: the one that is there, of whatever opening; else the name without one."""
        named = self.tables(stream).temp
        mark = temp_mark(named.name)
        there = (each for each in self.destination.tables() if each.namespace == named.namespace)
        return next((each for each in sorted(there, key=str) if mark in each.name), named)

    def left_behind(self) -> set[str]:
        """The tables beside the final ones of what was synced."""
        return {
            str(table)
            for table in self.destination.tables() - {each.final for each in self._tables().values()}
        }


class WarehouseSuite(Suite):
    """A class of tests over whole syncs."""

    @pytest.fixture
    def warehouse(self, destination: Destination) -> Warehouse:
        """The destination, to be synced into."""
        return Warehouse(destination)


def _named(connector: Connector, streams: Sequence[DestinationStream]) -> Mapping[StreamName, StreamTables]:
    """The streams' tables; where the ledger cannot be read, as if it were new."""
    try:
        with closing(connector.client()) as client, client.transaction():
            return {each.stream.name: each.tables for each in name_streams(connector, client, streams)}
    except ConfigError:
        declared = [(each.name, each.fields) for each in streams]
        return table_catalog(declared, connector.columns.naming, connector.default_namespace)


def cursor_of(state: dict[str, Any]) -> Any:
    """What a test knows a STATE by."""
    match state:
        case {"type": "STREAM"}:
            return (state["stream"]["stream_state"] or {}).get("cursor")
        case {"type": "GLOBAL"}:
            return (state["global"]["shared_state"] or {}).get("cursor")
        case _:
            return state["data"]["cursor"]


@frozen
class _Lines:
    """A stdout that hands on each line as it is written."""

    _heard: Callable[[dict[str, Any]], None]

    def write(self, line: bytes) -> None:
        self._heard(json.loads(line))

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


class _piped:  # noqa: N801 - a context manager, used like a function
    """A pipe that the messages are written into, by a thread; gives the end to read from."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self._messages = messages
        self._before = set(threading.enumerate())
        self._read, self._write = os.pipe()
        self._feeder = threading.Thread(target=self._feed, name="source")

    def __enter__(self) -> int:
        self._feeder.start()
        return self._read

    def __exit__(self, *_: object) -> None:
        # A reader may still wait for input that nobody wants; its end must stay open for as long.
        os.set_blocking(self._read, False)
        while self._feeder.is_alive():
            with suppress(BlockingIOError):
                os.read(self._read, 1 << 20)
            self._feeder.join(0.001)
        for thread in set(threading.enumerate()) - self._before:
            thread.join(SECONDS)
        os.close(self._read)

    def _feed(self) -> None:
        with open(self._write, "wb") as pipe:  # noqa: PTH123 - a descriptor, not a path
            for message in self._messages:
                pipe.write(message)
                pipe.flush()
