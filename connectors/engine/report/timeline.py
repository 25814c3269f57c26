"""The timeline of a run: a bar for each stretch of a stream's life in a state. Makes elements; styles nothing."""

from collections.abc import Iterator, Mapping
from itertools import chain, count

from machines.diagram.xml import Element, element
from machines.formatting import HOUR, MINUTE, duration, printable
from machines.journal.history import Life, Outcome, Run, Stay
from machines.lifecycle import ENDS

# What a state is about, for its colour. A state that is not here is of the start.
KINDS: Mapping[str, str] = {
    "completing": "publish",
    "discarding": "prepare",
    "settling": "prepare",
    "resuming_temp": "prepare",
    "opening_temp": "prepare",
    "opening_final": "prepare",
    "starting_streams": "prepare",
    "writing": "writing",
    "reading": "writing",
    "merging": "publish",
    "swapping": "publish",
    "deduping_and_swapping": "publish",
    "finishing_streams": "publish",
    "abandoning": "abandon",
    "dropping_empty_temp": "abandon",
    "aborting": "abandon",
}
LEGEND = {
    "start": "start and end",
    "prepare": "open, resume, settle",
    "writing": "write",
    "publish": "merge, swap",
    "abandon": "abandon",
}
# For a life that was cut off, or goes on: from its last word to the last of the run.
UNRECORDED = {"unrecorded": "not recorded"}
# Between ticks: parts of a second, then what a clock has; beyond, days.
STEPS = (
    *(digit * 10.0**power for power in (-3, -2, -1) for digit in (1, 2, 5)),
    *(float(number * unit) for unit in (1, MINUTE) for number in (1, 2, 5, 10, 15, 30)),
    *(float(number * HOUR) for number in (1, 2, 3, 6, 12)),
)
DAY = 24.0 * HOUR
MOST_TICKS = 8
# What stands before the name of one that failed.
CROSS = "\u2715 "


def timeline(run: Run) -> Element:
    """The bars, their legend and what widens them."""
    lives = sorted(run.lives, key=lambda life: (life.stream is not None, life.began))
    whole = max(run.ended - run.began, 1e-3)
    slider = element("input", id="zoom", type="range", min=0, max=6, step=0.5, value=0)
    tracks = [element("div", *_bars(life, run, whole), class_="track") for life in lives]
    return element(
        "section",
        element("h2", "Timeline"),
        element("div", _legend(run), element("label", "Widen ", slider, hidden="hidden"), class_="tools"),
        element(
            "div",
            element("div", element("div", "from the start", class_="label axis"), *map(_label, lives)),
            element(
                "div",
                element("div", element("div", *_ticks(whole), class_="axis"), *tracks, class_="inner"),
                class_="tracks",
                tabindex=0,
                role="img",
                aria_label="What each stream was doing, and when; the table of streams has the numbers.",
            ),
            class_="timeline",
        ),
    )


def _legend(run: Run) -> Element:
    cut_off = any(life.outcome is Outcome.UNFINISHED for life in run.lives)
    kinds = LEGEND | (UNRECORDED if cut_off else {})
    return element(
        "span", *(element("span", words, class_=kind) for kind, words in kinds.items()), class_="legend"
    )


def _label(life: Life) -> Element:
    name, failed = printable(life.name), life.outcome is Outcome.FAILED
    return element(
        "div", f"{CROSS if failed else ''}{name}", class_=f"label{' failed' if failed else ''}", title=name
    )


def _bars(life: Life, run: Run, whole: float) -> Iterator[Element]:
    for stay in life.stays:
        if stay.state not in ENDS:
            title = f"{_words(stay.state)}: {duration(stay.seconds)}"
            yield _bar(stay, KINDS.get(stay.state, "start"), title, run.began, whole)
    if life.outcome is Outcome.UNFINISHED:
        # It may have waited, or been at an operation whose end nobody wrote down.
        unrecorded = Stay(state=life.state, began=life.ended, ended=run.ended)
        yield _bar(unrecorded, "unrecorded", f"after {_words(life.state)}: not recorded", run.began, whole)


def _bar(stay: Stay, kind: str, title: str, began: float, whole: float) -> Element:
    left = max(stay.began - began, 0.0) / whole * 100
    width = min(stay.seconds / whole * 100, 100 - left)
    return element(
        "div",
        class_=f"bar {kind}",
        # A bar as thin as can be still ends where its track does.
        style=f"left:min({left:.3f}%, 100% - 2px);width:{width:.3f}%",
        title=title,
    )


def _words(state: str) -> str:
    return state.replace("_", " ")


def _ticks(whole: float) -> Iterator[Element]:
    step = _step(whole)
    for number in range(int(whole / step) + 1):
        left = number * step / whole * 100
        # What would be cut off at the right end is left out.
        if left < 94:  # noqa: PLR2004 - a label takes some percent
            label = duration(number * step) if number else "0"
            yield element("div", label, class_="tick", style=f"left:{left:.3f}%")


def _step(whole: float) -> float:
    """A round time, of which the whole has a handful."""
    steps = chain(STEPS, (days * DAY for days in count(1)))
    return next(step for step in steps if whole / step <= MOST_TICKS)
