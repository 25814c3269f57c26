"""Rows of a source into one table, as a sync of one stream that no STATE covers. Builds the sync; decides nothing.

What is asked for is either replaced as a whole or merged by a key. The source is read once: a flush that is tried again
is kept until it is durable. A load that was killed runs again from its beginning: its rows wait in a temp table, and
the next start removes them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from connectors.engine.journal.file import journal_file
from connectors.engine.journal.writer import journal_keeper
from connectors.engine.monitor.monitor import Watching, watching
from connectors.engine.monitor.progress import Watch
from connectors.engine.process.masking import Mask
from connectors.engine.process.open_destination import Configured
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from dataflow.catalog import DestinationStream
from dataflow.files.airbyte import LeftOut
from dataflow.pipeline.reader_thread import Intake, Source
from dataflow.pipeline.states import Outlet
from machines.journal.account import Account, account_from_json
from machines.journal.entries import Entry
from machines.journal.standing import course_of, standing
from machines.loads import ShardRow

if TYPE_CHECKING:
    from connectors.engine.process.signals import Asking

# No STATE covers them, so a sync removes them too.
WAITING = "{temp} has {rows}, which the next load removes: run the load again."


@frozen(kw_only=True)
class Loaded:
    """How a load ended. `standing` says in a sentence what the table holds now; `left_out` counts messages in files."""

    succeeded: bool
    standing: str
    account: Account
    left_out: Mapping[LeftOut, int] = field(factory=dict)


@frozen(kw_only=True)
class Showing:
    """How a load is shown while it goes on: to whom messages go, and where its journal is kept.

    `keep` is given each entry of the journal too, and `progress` the shards of a load whenever the ledger was asked.
    """

    outlet: Outlet
    watching: Watching
    journal: Path | None = None
    mask: Mask = field(factory=Mask)
    keep: Callable[[Entry], None] = lambda _: None
    progress: Callable[[Sequence[ShardRow]], None] = lambda _: None


def load_rows(
    stream: DestinationStream,
    source: Source,
    destination: Configured,
    run: str,
    showing: Showing,
    requests: "Asking | None" = None,
    strike: Strike = no_fault,
) -> Loaded:
    """Load the rows of the source, up to its COMPLETE. Each error that stopped it was reported to the outlet."""
    connector, options, outlet = destination.connector, destination.options, showing.outlet
    runtime = connector.runtime
    watch, intake = Watch(runtime), Intake(runtime.threads)
    entries: list[Entry] = []

    def warn(message: str) -> None:
        outlet.log("WARN", message)

    if requests is not None:
        requests.notify(intake.stop, runtime.threads)
    with (
        watching(showing.watching, watch, outlet.log, runtime),
        journal_file(showing.journal, warn) as keep_in_file,
        journal_keeper(connector, options.journal_days, warn) as keep_in_table,
    ):

        def keep(entry: Entry) -> None:
            masked = showing.mask.entry(entry)
            if "stream" in masked:
                entries.append(masked)
            for keeper in (keep_in_file, keep_in_table, showing.keep):
                keeper(masked)

        succeeded = run_sync(
            Sync(
                run=run,
                connector=connector,
                streams=options.meant([stream]),
                source=source,
                outlet=outlet,
                keep=keep,
                intake=intake,
                strike=strike,
                watch=watch,
            )
        )
    return _loaded(entries, succeeded=succeeded)


def _loaded(entries: Sequence[Entry], *, succeeded: bool) -> Loaded:
    accounts = [account_from_json(entry.get("account")) for entry in entries]
    last = next((account for account in reversed(accounts) if account is not None), None)
    return Loaded(
        succeeded=succeeded,
        standing=standing(course_of(entries), WAITING),
        account=last or Account(),
    )
