"""A load: files into one table, as a sync of one stream whose source are the files. Builds the sync; decides nothing.

What is asked for is either replaced as a whole or merged by a key. So a load that was killed runs again from its
beginning: its rows wait in a temp table that no STATE covers, and the next start removes them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.journal.file import journal_file
from connectors.engine.journal.writer import journal_keeper
from connectors.engine.monitor.monitor import Watching, watching
from connectors.engine.monitor.progress import Watch
from connectors.engine.process.masking import Mask
from connectors.engine.process.open_destination import Configured
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from dataflow.catalog import Dedupe, DestinationStream, ImportType, Replace
from dataflow.errors import ConfigError
from dataflow.files.airbyte import LeftOut
from dataflow.files.listing import InputFile
from dataflow.files.source import FileSource
from dataflow.json_schema import fields
from dataflow.pipeline.reader_thread import Intake
from dataflow.pipeline.states import Outlet
from dataflow.runtime import Runtime
from dataflow.types import StreamName
from machines.journal.account import Account, account_from_json
from machines.journal.entries import Entry
from machines.journal.standing import course_of, standing

if TYPE_CHECKING:
    from connectors.engine.process.signals import Requests

DOING = "preparing the load"
# No STATE covers them, so a sync removes them too.
WAITING = "{temp} has {rows}, which the next load removes: run the load again."

# What a merge may not do to the table: the rows that it has would lose values, or each other.
REFUSED = (Deed.DROP_COLUMN, Deed.CHANGE_COLUMN, Deed.DROP_VIEW, Deed.MERGE_BY_ANOTHER_KEY)


class Mode(StrEnum):
    """What becomes of the rows that the table has."""

    OVERWRITE = "overwrite"
    APPEND_DEDUP = "append_dedup"


@frozen(kw_only=True)
class Order:
    """What is to be loaded. `schema` is the JSON schema of the rows; `key` and `cursor` are fields of it."""

    files: Sequence[InputFile]
    stream: StreamName
    schema: Mapping[str, Any]
    mode: Mode
    key: tuple[str, ...] = ()
    cursor: str | None = None


@frozen(kw_only=True)
class Loaded:
    """How a load ended. `standing` says in a sentence what the table holds now; `left_out` counts messages in files."""

    succeeded: bool
    standing: str
    account: Account
    left_out: Mapping[LeftOut, int]


@frozen(kw_only=True)
class Showing:
    """How a load is shown while it goes on: to whom messages go, and where its journal is kept."""

    outlet: Outlet
    watching: Watching
    journal: Path | None = None
    mask: Mask = field(factory=Mask)


def stream_of(order: Order) -> DestinationStream:
    """The stream that a load is. Raises ConfigError for a key or a cursor that no file has, or that the mode lacks."""
    declared = fields(order.schema, order.stream)
    names = {each.name for each in declared}
    for role, wanted in (("key", order.key), ("cursor", (order.cursor,) if order.cursor else ())):
        for name in wanted:
            if name not in names:
                raise ConfigError(
                    f"The files do not have the field {name!r}, which is to be the {role}.",
                    doing=DOING,
                    remedy=f"Choose among their fields: {', '.join(sorted(names))}.",
                )
    return DestinationStream(name=order.stream, fields=declared, import_type=_import_type(order))


def _import_type(order: Order) -> ImportType:
    if order.mode is Mode.OVERWRITE:
        if order.key or order.cursor:
            raise ConfigError(
                "An overwrite keeps every row of the files, so it has no key and no cursor.",
                doing=DOING,
                remedy="Leave out --key and --cursor, or choose --mode append_dedup.",
            )
        return Replace()
    if not order.key:
        raise ConfigError(
            "A load in the mode append_dedup needs a key.",
            doing=DOING,
            remedy="Give --key, or choose --mode overwrite.",
        )
    return Dedupe(order.key, order.cursor)


def foreseen(order: Order, destination: Configured) -> Plan:
    """What the load would do.

    Raises ConfigError when a merge would take columns, or values of them, from the rows that the table has: a file
    that lacks a field is no word that nobody needs it.
    """
    found = plan(destination.connector, destination.options.meant([stream_of(order)]))
    lost = [
        effect.words
        for stream in found.streams
        for step in stream.steps
        for effect in step.effects
        if effect.deed in REFUSED and effect.table == stream.final.name
    ]
    if lost and order.mode is Mode.APPEND_DEDUP:
        raise ConfigError(
            f"The table's rows would lose values: the load {'; '.join(dict.fromkeys(lost))}.",
            doing=DOING,
            remedy="Nothing was changed. Give --schema with all fields of the table and their types, and the key by "
            "which its rows were merged; or replace the table with --mode overwrite.",
        )
    return found


def load(
    order: Order,
    destination: Configured,
    run: str,
    showing: Showing,
    runtime: Runtime,
    requests: "Requests | None" = None,
    strike: Strike = no_fault,
) -> Loaded:
    """Load the files. Each error that stopped it was reported to the outlet.

    Raises ConfigError for what is wrong before anything was done.
    """
    foreseen(order, destination)
    stream = stream_of(order)
    connector, options, outlet = destination.connector, destination.options, showing.outlet
    watch, intake = Watch(runtime), Intake(runtime.threads)
    source = FileSource(order.files)
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
        keep = _keeping(showing.mask, entries, keep_in_file, keep_in_table)
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
    return _loaded(entries, source.left_out, succeeded=succeeded)


def _keeping(mask: Mask, entries: list[Entry], *keepers: Callable[[Entry], None]) -> Callable[[Entry], None]:
    def keep(entry: Entry) -> None:
        masked = mask.entry(entry)
        if "stream" in masked:
            entries.append(masked)
        for keeper in keepers:
            keeper(masked)

    return keep


def _loaded(entries: Sequence[Entry], left_out: Mapping[LeftOut, int], *, succeeded: bool) -> Loaded:
    accounts = [account_from_json(entry.get("account")) for entry in entries]
    last = next((account for account in reversed(accounts) if account is not None), None)
    return Loaded(
        succeeded=succeeded,
        standing=standing(course_of(entries), WAITING),
        account=last or Account(),
        left_out=left_out,
    )
