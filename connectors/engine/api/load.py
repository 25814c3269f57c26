"""`dataflow.load`: the data of a Python program into a table, as `dataflow load` does with files.

It prints nothing, logs nothing, handles no signal, and leaves no thread and no open file behind. It keeps no data:
after a load that failed, the caller gives it again.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from connectors.engine.api.given import Data, File, Taken, configuration, taken
from connectors.engine.api.hearing import Heard
from connectors.engine.api.result import LoadResult
from connectors.engine.api.steering import Interruption, Steered
from connectors.engine.load.stopping import Stop
from connectors.engine.monitor.monitor import Watching
from connectors.engine.process.load import Order, foreseen, stream_of
from connectors.engine.process.load_files import Job, LoadedFiles
from connectors.engine.process.load_files import load as load_files
from connectors.engine.process.load_rows import Loaded, Showing, load_rows
from connectors.engine.process.masking import mask_of
from connectors.engine.process.open_destination import Configured, configure
from connectors.engine.process.registry import find
from dataflow.errors import DataflowError, InternalError
from dataflow.frames.feed import Feed
from dataflow.frames.source import FrameSource
from dataflow.runtime import SYSTEM, Runtime  # noqa: TID251 - an entry of the process
from dataflow.runtime.randomness import token
from dataflow.runtime.threads import JoinedThreads
from machines.journal.account import changes_in
from machines.journal.entries import Entry

if TYPE_CHECKING:
    from connectors.contract import Definition


def load(  # noqa: PLR0913 - the arguments of the command
    data: Data,
    *,
    to: str,
    config: Mapping[str, Any] | File,
    stream: str | None = None,
    namespace: str | None = None,
    key: str | Sequence[str] = (),
    cursor: str | None = None,
    mode: str | None = None,
    schema: Mapping[str, Any] | File | None = None,
    format: str | None = None,  # noqa: A002 - as the command calls it
    journal: File | None = None,
    name: str | None = None,
    again: File | Sequence[File] = (),
) -> LoadResult:
    """Load data into the table of the stream, and return once all of it is published.

    `data`: Arrow tables, batches and readers; frames of pandas, polars and duckdb; dicts; paths and patterns of files;
    or an iterable of them, which is read once, in pieces, on the calling thread. `to` names the destination, `config`
    is its configuration: a dict, the path of a JSON file, or a URL. Rows are merged by the fields of `key`: of rows
    with one key, the table keeps the last, or the one whose `cursor` is greatest. The mode "overwrite" replaces the
    table. `schema` is the rows' JSON schema, or the path of one; without it, the data is looked at. `format` is that of
    files whose names do not show it. The journal is appended to a file if there is a path for it. The table remembers
    under the `name`, by default the stream's, which files were loaded: they are loaded once, but for those of `again`.

    Raises ConfigError for what a person has to change, TransientError for what may succeed when it is repeated, and
    InternalError for a defect, all of `dataflow.errors`; a note of the error says what the table holds. A
    KeyboardInterrupt is raised again once the load has stopped.
    """
    definition = find(to).definition()
    configured = configuration(config, definition)
    heard = Heard(mask_of(definition.spec(), configured))
    fields = (key,) if isinstance(key, str) else tuple(key)
    try:
        given = taken(data, stream, namespace, schema, format)
        order = Order(
            files=given.files,
            stream=given.stream,
            schema=given.schema,
            mode=given.mode(mode, fields),
            key=fields,
            cursor=cursor,
            name=name,
            again=[os.fspath(each) for each in ([again] if isinstance(again, str | os.PathLike) else again)],
        )
        stream_of(order)
        return _loaded(_Task(definition, configured, order, heard, Path(journal) if journal else None), given)
    except DataflowError as error:
        safe = heard.masked(error)
        if safe is error:
            raise
        raise safe from None


@frozen
class _Task:
    """What is loaded into which destination, and what is kept of its messages."""

    definition: "Definition"
    configuration: Mapping[str, Any]
    order: Order
    heard: Heard
    journal: Path | None

    def perform(
        self, feed: Feed | None, interruption: Interruption, runtime: Runtime, keep: list[Entry]
    ) -> Loaded | LoadedFiles:
        """Load the files, or what comes from the feed."""
        run = f"{os.getpid()}-{token(runtime.randomness, 8)}"
        showing = Showing(
            outlet=self.heard,
            watching=Watching(heartbeat=0.0),
            journal=self.journal,
            mask=self.heard.mask,
            keep=keep.append,
        )
        if feed is None:
            stop = Stop(runtime.threads)
            interruption.notify(stop.ask, runtime.threads)
            opened = partial(self._opened, run, runtime)
            return load_files(self.order, Job(destination=opened, run=run, showing=showing, stop=stop))
        with self._opened(run, runtime) as destination:
            foreseen(self.order, destination)
            source = FrameSource(feed)
            return load_rows(stream_of(self.order), source, destination, run, showing, interruption)

    @contextmanager
    def _opened(self, run: str, runtime: Runtime) -> Iterator[Configured]:
        destination = configure(self.definition, self.configuration, run, runtime)
        with closing(destination.connector):
            heard = self.heard.warnings
            heard += [each for each in destination.warnings if each not in heard]
            yield destination


def _loaded(task: _Task, given: Taken) -> LoadResult:
    threads = JoinedThreads()
    runtime = evolve(SYSTEM, threads=threads)
    steered: Steered[Loaded | LoadedFiles] = Steered(threads)
    entries: list[Entry] = []
    feed = steered.feed if given.pieces is not None else None
    try:
        loaded = steered.run(
            lambda: task.perform(feed, steered.interruption, runtime, entries), given.pieces or ()
        )
    except DataflowError:
        raise
    except KeyboardInterrupt as interrupt:
        if steered.made is not None:
            _note(interrupt, task.heard, steered.made)
        raise
    except Exception as error:
        raise InternalError(
            f"Unexpected {type(error).__name__}.", doing="loading", remedy="Report this, with its traceback."
        ) from error
    if not loaded.succeeded:
        raise _failure(task.heard, loaded)
    return _result(task, given, loaded, entries)


def _failure(heard: Heard, loaded: Loaded | LoadedFiles) -> BaseException:
    for error in heard.errors:
        _note(error, heard, loaded)
        return error
    return InternalError("The load failed without an error.", doing="loading", remedy="Report this.")


def _note(error: BaseException, heard: Heard, loaded: Loaded | LoadedFiles) -> None:
    """Say what the table holds now."""
    if loaded.standing and loaded.standing not in str(error):
        error.add_note(heard.mask.text(loaded.standing))


def _result(task: _Task, given: Taken, loaded: Loaded | LoadedFiles, entries: Sequence[Entry]) -> LoadResult:
    account = loaded.account
    return LoadResult(
        stream=str(task.order.stream),
        read=account.read,
        written=loaded.rows if isinstance(loaded, LoadedFiles) else account.rows,
        changed=sum(each.values for each in account.changed),
        changes=tuple(changes_in(account)),
        unknown=account.unknown.names,
        holds=loaded.standing,
        warnings=(*given.remarks, *task.heard.warnings),
        schema=task.order.schema,
        journal=tuple(entries),
    )
