"""The words of a sync's log: about a transition, and about what goes on. Writes nothing."""

from collections.abc import Iterator, Sequence

from connectors.engine.monitor.progress import Going, Progress
from machines.formatting import count, duration, number_of, size
from machines.journal.account import account_from_json, altered_from_json, changes_in, columns_in
from machines.journal.entries import Entry
from machines.journal.standing import Course, standing
from machines.lifecycle import DONE, ENDS, FAILED
from machines.operations import StreamOperation

# How many of the streams that are at work a heartbeat names.
NAMED = 3


def remarks(entry: Entry) -> Iterator[tuple[str, str]]:
    """What the log says of a transition: each a level and a message."""
    who = f"Stream {entry['stream']}" if "stream" in entry else "The sync"
    yield "DEBUG", f"{who}: {entry['from']} -> {entry['to']}, {entry['event']}."
    if "note" in entry:
        # The error of an abandoned stream ends with what it leaves.
        level = "DEBUG" if entry["operation"] == StreamOperation.ABANDON else "INFO"
        yield level, f"{who}, {entry['operation']}: {entry['note']}."
    yield from (("WARN", f"{who}: {warning}") for warning in entry.get("warnings", ()))
    if "error" in entry:
        yield "ERROR", f"{who}, {entry['operation']}: {entry['error']}"
    elif "reason" in entry:
        yield "ERROR", f"{who} failed in the state {entry['from']}: {entry['reason']}"
    if columns := columns_in(altered_from_json(entry.get("altered", ()))):
        yield "INFO", f"{who}, {entry['operation']}: {'; '.join(columns)}."
    if entry["to"] == DONE and "stream" not in entry:
        yield "INFO", f"{who} is done."


def ending(entry: Entry, course: Course) -> Iterator[tuple[str, str]]:
    """What the log says where a stream ends: in one warning what was changed, and what is in its table if it is done.

    If it failed, its error says what is in its table.
    """
    if entry["to"] not in ENDS:
        return
    who = f"Stream {entry['stream']}"
    account = account_from_json(entry.get("account"))
    if changes := changes_in(account) if account else ():
        yield "WARN", f"{who}: values or columns were changed. {'; '.join(changes)}."
    if entry["to"] == DONE:
        yield "INFO", f"{who} is done. {standing(course)}".rstrip()


def heartbeat(now: Progress, before: Progress | None = None) -> Sequence[str]:
    """What is going on, in a line or a few: first the whole, then the streams whose operations take longest."""
    busy = sorted(
        ((going.busy_since(now.at), name, going) for name, going in now.streams.items()), reverse=True
    )
    slow = [f"Stream {name}: {doing(going, now.at)}." for age, name, going in busy[:NAMED] if age > 0]
    return [summary(now, before), *slow]


def summary(now: Progress, before: Progress | None = None) -> str:
    """One line on the whole sync; the rate is of the time since `before`, or since it began."""
    streams = now.streams.values()
    done = sum(stream.state == DONE for stream in streams)
    failed = sum(stream.state == FAILED for stream in streams)
    emitted = (
        "no STATE emitted yet"
        if now.emitted_at is None
        else f"last STATE emitted {duration(now.at - now.emitted_at)} ago"
    )
    return (
        f"{now.destination.state.replace('_', ' ').capitalize()} after {duration(now.at - now.began)}: "
        f"{done} of {number_of(len(streams), 'stream')} done{f', {failed} failed' if failed else ''}; "
        f"{count(now.read)} records read ({size(now.size)}, {count(rate(now, before))}/s), "
        f"{count(now.written)} rows written; {emitted}."
    )


def rate(now: Progress, before: Progress | None = None) -> float:
    """Records read per second."""
    since, read = (before.at, before.read) if before else (now.began, 0)
    return (now.read - read) / max(now.at - since, 1e-3)


def doing(going: Going, now: float) -> str:
    """What a stream is at, and for how long."""
    if flushes := going.writing.values():
        rows = number_of(sum(each.rows for each in flushes), "row")
        at_once = f" in {len(flushes)} flushes" if len(flushes) > 1 else ""
        return f"writing {rows}{at_once} for {duration(now - min(each.since for each in flushes))}"
    state = going.state.replace("_", " ")
    return state if going.ended or not going.operation else f"{state} for {duration(now - going.since)}"
