"""A load: files into one table, by shards that are each written once. Builds what it is made of; decides nothing.

What is written is kept in a temp table until all of it is there, and then published. A load that was killed goes on
where it stopped, in any process that is given the same order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from connectors.contract import Atomic
from connectors.engine.journal.file import journal_file
from connectors.engine.journal.writer import journal_keeper
from connectors.engine.load.deciding import Decision, Todo, decide
from connectors.engine.load.executors import InProcess
from connectors.engine.load.running import Ended, run_load
from connectors.engine.load.session import Opened, Session, Until, Workers
from connectors.engine.load.stopping import Stop
from connectors.engine.load.survey import survey
from connectors.engine.load.worker import expect_loads
from connectors.engine.load.writing import ShardWriter
from connectors.engine.monitor.monitor import watching
from connectors.engine.monitor.progress import Watch
from connectors.engine.process.crew import Crew
from connectors.engine.process.load import Order, foreseen
from connectors.engine.process.load_rows import Showing
from connectors.engine.process.open_destination import Configured
from connectors.engine.sync.faults import Strike, no_fault
from dataflow.errors import TransientError
from dataflow.files.airbyte import LeftOut
from dataflow.files.listing import InputFile
from dataflow.runtime.threads import Threads
from machines.journal.account import Account, account_from_json
from machines.journal.entries import Entry
from machines.journal.standing import course_of, standing
from machines.loads import ShardRow

if TYPE_CHECKING:
    from connectors.engine.process.signals import Requests


# What is followed by no other load. Outside of class A, a load without files is a claim too: it completes one that was
# begun.
ENDS = (Todo.NOTHING, Todo.OPEN, Todo.GO_ON)


@frozen(kw_only=True)
class LoadedFiles:
    """How a load ended. `standing` says in a sentence what the table holds now.

    `rows` and `shards` are as the ledger had them last. `account` and `left_out` are of what this process did; the
    latter counts messages in files that are no rows. `files` were loaded, and `known` had been loaded before. `earlier`
    are loads of the same name that were open and came first.
    """

    succeeded: bool
    standing: str = ""
    account: Account = field(factory=Account)
    shards: Sequence[ShardRow] = ()
    files: int = 0
    known: Sequence[InputFile] = ()
    left_out: Mapping[LeftOut, int] = field(factory=dict)
    earlier: tuple["LoadedFiles", ...] = ()

    @property
    def rows(self) -> int:
        """The rows of the shards that are durable."""
        return sum(shard.rows or 0 for shard in self.shards)

    @property
    def nothing_to_do(self) -> bool:
        """Whether all files were loaded before."""
        return self.succeeded and not self.files


@frozen(kw_only=True)
class Job:
    """What a process needs for its part in a load, whichever load it is.

    `destination` opens it, and closes it again. `run` names the process, and `stop` ends its part early. Without a
    `crew` it writes the shards itself.
    """

    destination: Callable[[], AbstractContextManager[Configured]]
    run: str
    showing: Showing
    stop: Stop
    strike: Strike = no_fault
    crew: Crew | None = None


def stop_by(requests: "Requests", threads: Threads) -> Stop:
    """What a signal stops from now on."""
    stop = Stop(threads)
    requests.notify(lambda _: stop.ask(_asked_to_stop(requests.heard)), threads)
    return stop


def _asked_to_stop(signal: str) -> TransientError:
    return TransientError(
        f"The load was asked to stop, by {signal}.",
        doing="loading files",
        remedy="Every shard that was written is kept. Run the same load again: it goes on.",
    )


def load(order: Order, job: Job) -> LoadedFiles:
    """Load the files that the table does not have yet. Each error that stopped it was reported to the outlet.

    An open load of the same name is finished first. Raises ConfigError for what is wrong before anything was done.
    """
    earlier: list[LoadedFiles] = []
    while True:
        job.stop.expect_none()
        # Each load has a connector of its own: a database may refuse to be looked at while another is open.
        with job.destination() as destination:
            expect_loads(destination.connector)
            if job.crew is not None:
                job.crew.expect_possible(destination.connector)
            wanted = order.wanted(destination.connector)
            found = survey(destination.connector, wanted.stream.name, wanted.name)
            decision = decide(wanted, found)
            if decision.todo is Todo.NOTHING and destination.connector.atomic is Atomic.EVERYTHING:
                return LoadedFiles(
                    succeeded=True,
                    standing=f"{found.table} holds all of the files already.",
                    known=decision.left_out,
                    earlier=tuple(earlier),
                )
            if decision.todo is Todo.OPEN:
                foreseen(order, destination)
            until = Until.GIVEN_UP if decision.todo is Todo.GIVE_UP_EARLIER else Until.PUBLISHED
            loaded = take(decision, until, destination, job)
        loaded = evolve(loaded, known=decision.left_out, earlier=tuple(earlier))
        if not loaded.succeeded or decision.todo in ENDS:
            return loaded
        earlier.append(loaded)


def take(decision: Decision, until: Until, destination: Configured, job: Job) -> LoadedFiles:
    """Take the load of a decision this far."""
    connector, showing = destination.connector, job.showing
    entries: list[Entry] = []
    (stream,) = destination.options.meant([decision.stream])

    def workers(opened: Opened) -> Workers:
        crew = job.crew.workers_for(destination, opened, showing.outlet) if job.crew is not None else None
        if crew is not None:
            return crew
        writer = ShardWriter(
            connector,
            opened.target,
            stop=job.stop,
            strike=job.strike,
            named=decision.named,
        )
        return Workers(executor=InProcess(writer.close), work=writer.write, task=lambda number: number)

    with _kept(destination, showing, entries) as (keep, watch):
        ended = run_load(
            Session(
                run=job.run,
                connector=connector,
                stream=stream,
                load=decision.load,
                until=until,
                outlet=showing.outlet,
                keep=keep,
                workers=workers if until is Until.PUBLISHED else None,
                progress=showing.progress,
                strike=job.strike,
                stop=job.stop,
                watch=watch,
            )
        )
    return _loaded(entries, ended, len(decision.load.files))


@contextmanager
def _kept(
    destination: Configured, showing: Showing, entries: list[Entry]
) -> Iterator[tuple[Callable[[Entry], None], Watch]]:
    connector, outlet = destination.connector, showing.outlet
    watch = Watch(connector.runtime)

    def warn(message: str) -> None:
        outlet.log("WARN", message)

    with (
        watching(showing.watching, watch, outlet.log, connector.runtime),
        journal_file(showing.journal, warn) as keep_in_file,
        journal_keeper(connector, destination.options.journal_days, warn) as keep_in_table,
    ):

        def keep(entry: Entry) -> None:
            masked = showing.mask.entry(entry)
            if "stream" in masked:
                entries.append(masked)
            for keeper in (keep_in_file, keep_in_table, showing.keep):
                keeper(masked)

        yield keep, watch


def _loaded(entries: Sequence[Entry], ended: Ended, files: int) -> LoadedFiles:
    accounts = [account_from_json(entry.get("account")) for entry in entries]
    last = next((account for account in reversed(accounts) if account is not None), None)
    return LoadedFiles(
        succeeded=ended.succeeded,
        standing=standing(course_of(entries)),
        account=last or Account(),
        shards=ended.shards,
        files=files,
        left_out=ended.left_out,
    )
