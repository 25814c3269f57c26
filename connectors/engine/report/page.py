"""The page itself: headline, errors, timeline, streams, machines, transitions. Each picture has a table behind it.

Everything is in the one file. Its own policy forbids it to load anything, so a name in a journal cannot either.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import zip_longest

from connectors.engine.report.timeline import timeline
from machines.diagram.declared import MACHINES
from machines.diagram.svg import drawn, path_of
from machines.diagram.xml import Child, Element, element, html_text
from machines.formatting import count, duration, moment, number_of, offset, printable, size
from machines.journal.account import altered_from_json, columns_in
from machines.journal.entries import Entry
from machines.journal.history import Counts, Failure, Life, Outcome, Run, seconds, together
from machines.lifecycle import ENDS
from machines.operations import MEANING

# The streams that need a look come first.
ORDER = (Outcome.FAILED, Outcome.UNFINISHED, Outcome.LEFT_OPEN, Outcome.GIVEN_UP, Outcome.DONE)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def report(run: Run, troubles: Sequence[str] = ()) -> str:
    """The page of a run; `troubles` are what could not be read of its journal."""
    return html_text(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("title", f"Sync {run.name}: {run.outcome}"),
                element("style", _file("style.css")),
            ),
            element("body", element("main", *_parts(run, troubles)), _footer(run), _script()),
            lang="en",
        )
    )


def _parts(run: Run, troubles: Sequence[str]) -> Iterator[Element]:
    yield _headline(run)
    yield from _errors(run, troubles)
    yield timeline(run)
    yield _streams(run)
    yield _tables(run)
    yield _machines(run)
    yield _lives(run)


def _headline(run: Run) -> Element:
    counts, streams = run.counts, run.streams
    done = sum(life.outcome is Outcome.DONE for life in streams)
    figures = {
        "Streams done": f"{count(done)} of {count(len(streams))}",
        "Took": duration(run.ended - run.began),
        "Rows read": count(counts.read),
        "Rows written": count(counts.written),
        "Values changed": count(counts.nulled),
        "Under a STATE": count(counts.checkpoint),
        "Input": size(counts.bytes),
        "Retries": count(counts.retries),
    }
    return element(
        "header",
        element("h1", f"Sync {run.name}", _outcome(run.outcome)),
        element("p", f"Began {moment(run.began)} UTC. {_story(run)}", class_="soft"),
        element("dl", *(element("div", element("dt", t), element("dd", d)) for t, d in figures.items())),
    )


def _story(run: Run) -> str:
    match run.outcome:
        case Outcome.DONE:
            return "Every stream was published."
        case Outcome.FAILED:
            return "Not every stream was published; all acknowledged records are safe."
    return "The journal does not record its end: it was killed, or it is still running."


def _errors(run: Run, troubles: Sequence[str]) -> Iterator[Element]:
    items = [
        _error(life, failure, number, run.began)
        for number, life in enumerate(run.lives)
        for failure in life.failures
    ]
    items += [element("li", element("strong", "The journal"), f": {trouble}") for trouble in troubles]
    if items:
        yield element("section", element("h2", "Failures"), element("ul", *items, class_="errors"))


def _error(life: Life, failure: Failure, number: int, began: float) -> Element:
    again = " Sync again." if failure.error.startswith("transient_error:") else ""
    where = f"In {failure.state.replace('_', ' ')}, at {offset(failure.at - began)} s"
    link = element("a", "All its transitions", href=f"#life-{number}")
    return element(
        "li",
        element("strong", printable(life.name)),
        f": {failure.error}{again}",
        element("div", f"{'; '.join((where, *life.notes))}. ", link, class_="soft"),
    )


def _streams(run: Run) -> Element:
    heads = (
        "Stream",
        "Outcome",
        "Strategy",
        "Read",
        "Written",
        "Changed",
        "Input",
        "Flushes",
        "Checkpoint",
        "Retries",
        "Took",
    )
    rows = [
        (
            element("td", printable(life.name), class_="name", title=printable(life.name)),
            element("td", _outcome(life.outcome)),
            element("td", (life.strategy or "").replace("_", " "), class_="brief"),
            *_numbers(life.counts),
            element("td", duration(life.ended - life.began), class_="number"),
        )
        for life in sorted(run.streams, key=lambda life: ORDER.index(life.outcome))
    ]
    caption = (
        "Read: records received. Written: rows that are durable. "
        "Changed: values that became null or were cut or rounded to fit. "
        "Checkpoint: rows covered by a STATE that may be emitted."
    )
    return element("section", element("h2", "Streams"), _table(heads, rows, caption))


def _tables(run: Run) -> Element:
    rows = [
        (
            element("td", printable(life.name), class_="name", title=printable(life.name)),
            element("td", printable(life.standing), class_="words"),
            element("td", printable(" ".join(f"{each}." for each in life.changes)), class_="words"),
        )
        for life in run.streams
    ]
    heads = ("Stream", "In the table now", "What was changed")
    caption = "Derived from what the run did. No rows of a table were counted."
    return element("section", element("h2", "The tables"), _table(heads, rows, caption))


def _numbers(counts: Counts) -> Iterator[Element]:
    for number in (counts.read, counts.written, counts.nulled):
        yield _number(number)
    yield element("td", size(counts.bytes), class_="number")
    for number in (counts.flushes, counts.checkpoint, counts.retries):
        yield _number(number)


def _number(number: int) -> Element:
    return element("td", count(number), class_="number" if number else "number zero")


def _machines(run: Run) -> Element:
    figures, tables = [], []
    for name in MACHINES:
        lives = [life for life in run.lives if life.machine == name]
        if not lives:
            continue
        whose = (
            "its path, and the time in each state"
            if len(lives) == 1
            else f"the path of {count(len(lives))} lives, and their time in each state, added up"
        )
        caption = element("figcaption", f"{name.capitalize()}: {whose}")
        wide = "wide" if name == "stream" else None
        figures.append(element("figure", caption, drawn(name, path_of(lives)), class_=wide))
        tables.append(_states(name, lives))
    return element(
        "section", element("h2", "The path taken"), element("div", *figures, class_="pictures"), *tables
    )


def _states(name: str, lives: Sequence[Life]) -> Element:
    operations = MACHINES[name].OPERATIONS
    rows = []
    for state, spent in seconds(lives).items():
        if state in ENDS:
            continue
        stays = [stay.seconds for life in lives for stay in life.stays if stay.state == state]
        meaning = MEANING[operations[state]] if state in operations else ""
        rows.append(
            (
                element("td", state.replace("_", " "), class_="name"),
                _number(len(stays)),
                element("td", duration(spent), class_="number"),
                element("td", duration(max(stays, default=0.0)), class_="number"),
                element("td", meaning, class_="words"),
            )
        )
    heads = ("State", "Times", "In all", "Longest", "What it asks")
    return _table(heads, rows, f"The states of the {name}'s machine that were entered.")


def _lives(run: Run) -> Element:
    lives = (_life(life, number, run.began) for number, life in enumerate(run.lives))
    return element("section", element("h2", "Transitions"), *lives)


def _life(life: Life, number: int, began: float) -> Element:
    rows = [
        (
            element("td", f"{offset(entries[0].get('at', 0.0) - began)} s", class_="number"),
            element("td", str(entries[0]["to"]).replace("_", " "), class_="name"),
            element("td", _event(entries), class_="brief"),
            element("td", _took(entries), class_="number"),
            element("td", _moved(entries), class_="number"),
            element("td", " ".join(filter(None, map(_remark, entries))), class_="words"),
        )
        for entries in together(life.entries)
    ]
    said = f"{life.outcome}, {number_of(len(life.entries), 'transition')}"
    table = _table(("Moment", "State", "After", "Took", "Rows", "Remark"), rows, "")
    summary = element("summary", printable(life.name), element("span", said, class_="soft"))
    return element("details", summary, table, id=f"life-{number}")


def _event(entries: Sequence[Entry]) -> str:
    times = f" \u00d7{len(entries)}" if len(entries) > 1 else ""
    return f"{entries[0]['event']}{times}"


def _took(entries: Sequence[Entry]) -> str:
    milliseconds = [entry["milliseconds"] for entry in entries if "milliseconds" in entry]
    return duration(sum(milliseconds) / 1000) if milliseconds else ""


def _moved(entries: Sequence[Entry]) -> str:
    moved = [entry.get("written", entry.get("rows", 0)) for entry in entries]
    return count(sum(moved)) if any(moved) else ""


def _remark(entry: Entry) -> str:
    tried = f"Attempt {entry['attempt']}." if "attempt" in entry else ""
    words = (entry.get(member) for member in ("error", "reason", "note"))
    columns = (f"{each}." for each in columns_in(altered_from_json(entry.get("altered", ()))))
    return " ".join(filter(None, (tried, *words, *columns)))


def _table(heads: Sequence[str], rows: Sequence[Sequence[Element]], caption: str) -> Element:
    """A table, whose heads stand over numbers as numbers do."""
    numbers = [(cell.get("class") or "").startswith("number") for cell in rows[0]] if rows else []
    head = [
        element("th", title, scope="col", class_="number" if number else None)
        for title, number in zip_longest(heads, numbers)
    ]
    parts: list[Child] = [element("caption", caption)] if caption else []
    body = element("tbody", *(element("tr", *cells) for cells in rows))
    table = element("table", *parts, element("thead", element("tr", *head)), body)
    return element("div", table, class_="scroll", tabindex=0)


def _outcome(outcome: Outcome) -> Element:
    return element("span", str(outcome), class_=f"outcome {outcome}")


def _footer(run: Run) -> Element:
    said = f"Made from the journal of run {run.name} by dataflow report. It holds no record's values."
    return element("footer", said)


def _script() -> Element:
    return element("script", _file("script.js"))


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
