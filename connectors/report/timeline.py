"""The timeline of a run: a bar for each stretch of a stream's life in a state. Makes elements; styles nothing."""

from collections.abc import Iterator, Mapping

from machines.chronicle import Life, Run, Stay
from machines.lifecycle import DONE, FAILED
from machines.markup import Element, element
from machines.telling import duration, printable

# What a state is about, for its colour. A state that is not here is of the start.
KINDS: Mapping[str, str] = {
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
    "aborting": "abandon",
}
LEGEND = {
    "start": "start and end",
    "prepare": "open, resume, settle",
    "writing": "write",
    "publish": "merge, swap",
    "abandon": "abandon",
}
STEPS = (1, 2, 5)
MOST_TICKS = 8


def timeline(run: Run) -> Element:
    """The bars, their legend and what widens them."""
    lives = sorted(run.lives, key=lambda life: (life.stream is not None, life.began))
    whole = max(run.ended - run.began, 1e-3)
    legend = element("span", *(element("span", words, class_=kind) for kind, words in LEGEND.items()))
    legend.set("class", "legend")
    slider = element("input", id="zoom", type="range", min=0, max=6, step=0.5, value=0)
    names = [
        element("div", printable(life.name), class_="label", title=printable(life.name)) for life in lives
    ]
    tracks = [element("div", *_bars(life, run.began, whole), class_="track") for life in lives]
    return element(
        "section",
        element("h2", "Timeline"),
        element("div", legend, element("label", "Widen ", slider, hidden="hidden"), class_="tools"),
        element(
            "div",
            element("div", element("div", "from the start", class_="label axis"), *names),
            element(
                "div",
                element("div", element("div", *_ticks(whole), class_="axis"), *tracks, class_="inner"),
                class_="tracks",
                tabindex=0,
                role="img",
                aria_label="What each stream was at, and when; the table of streams has it in numbers.",
            ),
            class_="timeline",
        ),
    )


def _bars(life: Life, began: float, whole: float) -> Iterator[Element]:
    for stay in life.stays:
        if stay.state not in (DONE, FAILED):
            yield _bar(stay, began, whole)


def _bar(stay: Stay, began: float, whole: float) -> Element:
    left = max(stay.began - began, 0.0) / whole * 100
    width = min(stay.seconds / whole * 100, 100 - left)
    return element(
        "div",
        class_=f"bar {KINDS.get(stay.state, 'start')}",
        # A bar as thin as can be still ends where its track does.
        style=f"left:min({left:.3f}%, 100% - 2px);width:{width:.3f}%",
        title=f"{stay.state.replace('_', ' ')}: {duration(stay.seconds)}",
    )


def _ticks(whole: float) -> Iterator[Element]:
    step = _step(whole)
    for number in range(int(whole / step) + 1):
        left = number * step / whole * 100
        # What would be cut off at the right end is left out.
        if left < 94:  # noqa: PLR2004 - a label takes some percent
            label = duration(number * step) if number else "0"
            yield element("div", label, class_="tick", style=f"left:{left:.3f}%")


def _step(whole: float) -> float:
    """A round number of seconds, of which the whole has a handful."""
    power = -3
    while True:
        for digit in STEPS:
            step = digit * 10.0**power
            if whole / step <= MOST_TICKS:
                return step
        power += 1
