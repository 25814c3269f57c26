"""`dataflow journal`: what syncs did, as their journal records it. Lists, shows, follows; changes nothing."""

import argparse
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.engine.journal.reader import JournalPart, Source
    from connectors.engine.process.terminal import Terminal
    from dataflow.runtime.threads import Threads
    from machines.journal.entries import Entry
    from machines.journal.history import Life, Run

SECONDS_PER_DAY = 86_400
# Back to a time when there was no journal.
MOST_DAYS = 20_000
# Seconds between two looks of `follow`.
PAUSE = 1.0
LAST = "last"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    asked = parser.add_subparsers(dest="what", required=True, metavar="{list,show,follow}")
    listed = asked.add_parser("list", help="one line for each run")
    listed.add_argument(
        "--days",
        type=number_of_days,
        default=7.0,
        help="days to look back in a destination (default: %(default)s)",
    )
    shown = asked.add_parser("show", help="what one run did, stream by stream")
    followed = asked.add_parser("follow", help="each transition as it happens, until the run ends")
    for command in (shown, followed):
        run_argument(command)
    for command in (listed, shown, followed):
        source_arguments(command)


def number_of_days(text: str) -> float:
    """A span of days, some of which may be a fraction."""
    with suppress(ValueError):
        if 0 <= float(text) <= MOST_DAYS:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 0 to {MOST_DAYS}")


def run_argument(parser: argparse.ArgumentParser) -> None:
    """Which run is meant."""
    parser.add_argument(
        "run", nargs="?", default=LAST, help="the run's name or its beginning (default: the last run)"
    )


def source_arguments(parser: argparse.ArgumentParser) -> None:
    """The place of the journal."""
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--file", type=Path, metavar="JOURNAL", help="a file that `write --journal` wrote")
    place.add_argument(
        "--connector", metavar="NAME", help="the destination that holds the journal; needs --config"
    )
    parser.add_argument("--config", help="the configuration of that destination, a JSON file or a URL")


def run(given: argparse.Namespace) -> int:
    """Print what was asked for; 1 when the run that was shown or followed failed."""
    with closing(source(given)) as journal:
        if given.what == "follow":
            return _follow(journal, given.run, given.terminal, given.runtime.threads)
        part = journal.more()
        if given.what == "list":
            given.terminal.show(_list(part))
            return 0
        return _show(part, given.run, given.terminal)


def source(given: argparse.Namespace) -> "Source":
    """The journal that the arguments name. Raises ConfigError."""
    from connectors.engine.journal.reader import JournalFile, JournalOfDestination
    from connectors.engine.process.masking import mask_of
    from connectors.engine.process.open_destination import configuration_in
    from connectors.engine.process.registry import connector_of, find
    from dataflow.errors import ConfigError

    if given.file is not None:
        return JournalFile(given.file)
    if given.config is None:
        raise ConfigError(
            "A destination's journal needs its configuration.", remedy="Give it with --config FILE."
        )
    days = getattr(given, "days", None)
    since = 0.0 if days is None else given.runtime.clock.now() - days * SECONDS_PER_DAY
    definition = find(given.connector).definition()
    configuration = configuration_in(given.config, definition)
    given.terminal.keep_secret(mask_of(definition.spec(), configuration))
    connector = connector_of(definition, configuration, "dataflow-journal", given.runtime)
    return JournalOfDestination(connector, since)


def chosen(entries: Sequence["Entry"], name: str) -> "Run":
    """The run of that name, or the last. Raises ConfigError when there is none, or more than one begins so."""
    from dataflow.errors import ConfigError
    from machines.journal.history import runs

    found = runs(entries)
    if not found:
        raise ConfigError("The journal has no runs.", remedy="Run a sync first, or read another journal.")
    if name == LAST:
        return max(found, key=lambda each: each.began)
    matching = [each for each in found if each.name == name]
    matching = matching or [each for each in found if each.name.startswith(name)]
    if len(matching) != 1:
        known = ", ".join(each.name for each in matching or found[-5:])
        raise ConfigError(
            f"{'Several runs begin' if matching else 'No run begins'} with {name!r}.",
            remedy=f"Choose one, for example of {known}; `dataflow journal list` names them all.",
        )
    return matching[0]


def _list(part: "JournalPart") -> str:
    from machines.formatting import columns, count, duration, moment
    from machines.journal.history import Outcome, runs

    rows = []
    for each in sorted(runs(part.entries), key=lambda one: one.began):
        done = sum(stream.outcome is Outcome.DONE for stream in each.streams)
        rows.append(
            (
                each.name,
                moment(each.began),
                duration(each.ended - each.began),
                f"{done} of {len(each.streams)} done",
                count(each.counts.written),
                str(each.outcome),
            )
        )
    head = ("run", "began (UTC)", "took", "streams", "rows", "outcome")
    return "\n".join([columns(head, rows, right=("took", "streams", "rows")), *part.troubles])


def _show(part: "JournalPart", name: str, terminal: "Terminal") -> int:
    from machines.formatting import duration, moment, number_of
    from machines.journal.history import Outcome

    one = chosen(part.entries, name)
    terminal.show(
        f"Run {one.name}: {one.outcome}. Began {moment(one.began)} UTC, took {duration(one.ended - one.began)}, "
        f"{number_of(len(one.streams), 'stream')}."
    )
    for life in one.lives:
        terminal.show(f"\n{_heading(life)}\n{_transitions(life, one.began)}")
    for trouble in part.troubles:
        terminal.show(f"\n{trouble}")
    return 1 if one.outcome is Outcome.FAILED else 0


def _heading(life: "Life") -> str:
    from machines.formatting import count, number_of, printable, size

    if life.stream is None:
        return f"The destination: {life.outcome}."
    counts = life.counts
    retries = f", {number_of(counts.retries, 'retry', 'retries')}" if counts.retries else ""
    return (
        f"Stream {printable(life.stream)}: {life.outcome}. {life.strategy or 'unknown strategy'}, "
        f"generation {life.generation}; "
        f"{count(counts.read)} read ({size(counts.bytes)}), {count(counts.written)} written, "
        f"{count(counts.rejected)} rejected, {count(counts.checkpoint)} covered by a STATE{retries}."
        + (f"\nIn the table now: {printable(life.standing)}" if life.standing else "")
        + "".join(f"\nChanged: {printable(each)}." for each in life.changes)
    )


def _transitions(life: "Life", began: float) -> str:
    """The life's transitions; flushes that follow each other are one line."""
    from machines.formatting import columns, count, duration, offset
    from machines.journal.history import together

    rows: list[tuple[str, ...]] = []
    for entries in together(life.entries):
        last, milliseconds = entries[-1], sum(entry.get("milliseconds", 0.0) for entry in entries)
        moved = sum(entry.get("written", entry.get("rows") or 0) for entry in entries)
        rows.append(
            (
                offset(entries[0].get("at", 0.0) - began),
                str(last["to"]),
                _event(last) + (f" x{len(entries)}" if len(entries) > 1 else ""),
                duration(milliseconds / 1000) if milliseconds else "",
                count(moved) if moved else "",
                "; ".join(filter(None, map(_remark, entries))),
            )
        )
    return columns(("seconds", "state", "after", "took", "rows", ""), rows, right=("seconds", "took", "rows"))


def _event(entry: "Entry") -> str:
    """What led to a state. A success names its state: a stream that failed ends after an abandoning that succeeded."""
    succeeded = entry["event"] == "succeeded"
    return f"{entry['from']} succeeded" if succeeded else str(entry["event"])


def _remark(entry: "Entry") -> str:
    from machines.journal.account import altered_from_json, columns_in

    tried = f"attempt {entry['attempt']}" if "attempt" in entry else ""
    columns = "; ".join(columns_in(altered_from_json(entry.get("altered", ()))))
    words = (tried, entry.get("error"), entry.get("reason"), entry.get("note"), columns)
    return "; ".join(filter(None, words))


def _follow(journal: "Source", name: str, terminal: "Terminal", threads: "Threads") -> int:
    """Print the run's entries so far, and those that follow, until its destination's life has ended."""
    from machines.lifecycle import DONE, FAILED

    entries = list(journal.more().entries)
    one = chosen(entries, name).name
    entries = [entry for entry in entries if entry["run"] == one]
    try:
        while True:
            for entry in entries:
                terminal.show(_line(entry))
                if entry["machine"] == "destination" and entry["to"] in (DONE, FAILED):
                    return 1 if entry["to"] == FAILED else 0
            threads.sleep(PAUSE)
            entries = [entry for entry in journal.more().entries if entry["run"] == one]
    except KeyboardInterrupt:
        return 0


def _line(entry: "Entry") -> str:
    from machines.formatting import count, duration, moment, printable

    took = f" in {duration(entry['milliseconds'] / 1000)}" if "milliseconds" in entry else ""
    rows = f" {count(entry['written'])} rows" if "written" in entry else ""
    remark = f"  {_remark(entry)}" if _remark(entry) else ""
    arrow = f"{entry['from']} -> {entry['to']}" if entry["from"] != entry["to"] else str(entry["to"])
    event = "" if entry["event"] == "succeeded" else f", {entry['event']}"
    who = entry.get("stream", "destination")
    return printable(f"{moment(entry.get('at', 0.0))} {who}: {arrow}{event}{rows}{took}{remark}")
