"""The report in a real Chromium: its DOM after its script ran, in light and dark, with 1 and with 50 streams."""

import re
from pathlib import Path
from typing import Any

import pytest

from connectors.engine.commands import parse
from dataflow.types import StreamName
from tests.more.browser import SCHEMES, browsed, probe_of
from tests.more.syncs import HOSTILE, journal_of

# How many streams, and how much of the journal there is: 1 is all of it.
SYNCS = {"1 stream": (1, 1.0), "50 streams": (50, 1.0), "50 streams, cut off": (50, 0.7)}
# What each count of a journal is multiplied by: figures are as wide as those of a large sync.
GROWN = 10_000_000
WIDTHS = (640, 1280)

# Installed before anything else of the page.
LISTEN = "<script>window.wrong = []; addEventListener('error', e => wrong.push(e.message));\
addEventListener('securitypolicyviolation', e => wrong.push(e.violatedDirective));</script>"
# Run when the page has: it widens the timeline, opens every part, measures, and leaves its findings in the DOM.
PROBE = """<script>
const channel = c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
const light = rgb => rgb.match(/[\\d.]+/g).slice(0, 3).map(Number).map(channel)
  .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + .05) / (low + .05);
};
const ground = getComputedStyle(document.body).backgroundColor;
const before = document.querySelector(".inner").getBoundingClientRect().width;
const slider = document.getElementById("zoom");
slider.value = "2";
slider.dispatchEvent(new Event("input"));
const after = document.querySelector(".inner").getBoundingClientRect().width;
document.querySelectorAll("details").forEach(part => part.open = true);
const shown = [...document.querySelectorAll("p, th, td, dt, dd, li, a, .tick, .label, .outcome, caption, footer")];
const out = {
  wrong, ground, widened: after / before,
  sliderShown: slider.getBoundingClientRect().width > 0,
  resources: performance.getEntriesByType("resource").map(entry => entry.name),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  least: Math.min(...shown.map(e => contrast(getComputedStyle(e).color, ground))),
  tracks: document.querySelectorAll(".track").length,
  outside: [...document.querySelectorAll(".track")].filter(track => [...track.children].some(bar =>
    bar.getBoundingClientRect().right > track.getBoundingClientRect().right + .5)).length,
  cut: [...document.querySelectorAll("svg .state")].filter(state =>
    state.querySelector("text").getBBox().width > state.querySelector("rect").getBBox().width).length,
  figuresCut: [...document.querySelectorAll("dd")].filter(dd => dd.scrollWidth > dd.clientWidth).length,
  headsAside: [...document.querySelectorAll("table")].filter(table => [...table.querySelectorAll("th")].some((th, n) =>
    getComputedStyle(th).textAlign !== getComputedStyle(table.querySelectorAll("tbody td")[n]).textAlign)).length,
  unrecorded: document.querySelectorAll(".bar.unrecorded").length,
  deadLinks: [...document.querySelectorAll("a")].filter(a => !document.querySelector(a.hash)).length,
  images: document.querySelectorAll("img").length,
  title: document.title,
  names: [...document.querySelectorAll("section:nth-of-type(n) td.name")].map(cell => cell.title),
  captions: document.querySelectorAll("table caption").length,
};
document.documentElement.dataset.probe = JSON.stringify(out);
</script>"""


@pytest.fixture(scope="module", params=SYNCS)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What sync it was, and its page."""
    streams, part = SYNCS[request.param]
    folder = tmp_path_factory.mktemp("report")
    journal = journal_of(folder, streams)
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(map(grown, lines[: int(len(lines) * part)])))
    made = folder / "report.html"
    given = parse(["report", str(journal), "-o", str(made)])
    assert given.module.run(given) == 0
    return request.param, made


def grown(line: str) -> str:
    """A journal's line with its counts multiplied."""
    return re.sub(
        r'"(read|written|checkpoint|bytes)":(\d+)', lambda of: f'"{of[1]}":{int(of[2]) * GROWN}', line
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_whole_in_a_browser(
    page: tuple[str, Path], scheme: str, width: int, tmp_path: Path
) -> None:
    sync, path = page

    found, console = probed(path, scheme, width, tmp_path)

    assert (found["wrong"], console, found["resources"]) == ([], [], [])
    assert (found["overflow"], found["outside"], found["cut"]) == (0, 0, 0)
    assert (found["figuresCut"], found["headsAside"], found["deadLinks"]) == (0, 0, 0)
    assert found["tracks"] == SYNCS[sync][0] + 1
    assert (found["unrecorded"] > 0) is ("cut off" in sync)
    assert found["captions"] == 4
    assert (found["sliderShown"], found["widened"]) == (True, 4)
    assert found["least"] >= 4.5
    assert (found["ground"] == "rgb(255, 255, 255)") is (scheme == "light")


def test_a_streams_name_is_a_name_and_no_markup(page: tuple[str, Path], tmp_path: Path) -> None:
    sync, path = page

    found, _ = probed(path, "light", 1280, tmp_path)

    assert found["title"].startswith("Sync ")
    assert found["images"] == 0
    assert (str(StreamName(None, HOSTILE)) in found["names"]) is (SYNCS[sync][0] > 1)


def probed(page: Path, scheme: str, width: int, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What the probe found in the page, and what the browser's console said."""
    text = page.read_text(encoding="utf-8")
    watched = folder / "watched.html"
    with_ears = text.replace("<head>", f"<head>{LISTEN}", 1)
    watched.write_text(with_ears.replace("</body>", f"{PROBE}</body>", 1), encoding="utf-8")
    dom, console = browsed(watched, scheme, width, folder)
    return probe_of(dom), console
