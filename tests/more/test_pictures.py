"""The pictures of the machines in two renderers: Chromium, and librsvg, without CSS variables and without dark styles.

The renderers differ in fonts and in the edges of shapes, so pictures are compared by the pixels of each large colour.
"""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

from machines.diagram.declared import MACHINES
from machines.diagram.svg import DARK, GROUND, PAPER, VISITED, drawn, path_of
from machines.diagram.xml import svg_text
from machines.journal.history import runs
from tests.machines.record import JOURNALS
from tests.more.browser import SCHEMES, browsed, probe_of

LARGE: tuple[str, ...] = (PAPER, GROUND, VISITED)
# Counts the pixels of each colour in each picture.
COUNT = """<script>onload = () => {
  const counted = [...document.images].map(image => {
    const size = {width: image.naturalWidth, height: image.naturalHeight};
    const canvas = Object.assign(document.createElement("canvas"), size);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data, of = {};
    for (let n = 0; n < data.length; n += 4) {
      const hex = "#" + [0, 1, 2].map(c => data[n + c].toString(16).padStart(2, "0")).join("");
      const colour = data[n + 3] === 255 ? hex : "transparent";
      of[colour] = (of[colour] || 0) + 1;
    }
    return {...size, of};
  });
  document.documentElement.dataset.probe = JSON.stringify(counted);
};</script>"""


@frozen
class Seen:
    """A picture as a renderer draws it: its size, and how much of it each colour covers."""

    size: tuple[int, int]
    shares: dict[str, float]

    def of(self, colours: tuple[str, ...]) -> list[float]:
        return [self.shares.get(colour, 0.0) for colour in colours]


def seen(scheme: str, folder: Path, *pictures: tuple[str, bytes]) -> list[Seen]:
    """How Chromium shows pictures, each with its media type."""
    images = (f'<img src="data:{kind};base64,{base64.b64encode(data).decode()}">' for kind, data in pictures)
    holder = folder / "holder.html"
    holder.write_text(
        f'<!doctype html><meta name="color-scheme" content="light dark">{"".join(images)}{COUNT}'
    )
    dom, console = browsed(holder, scheme, 1280, folder)
    assert console == []
    return [
        Seen(
            (one["width"], one["height"]), {c: n / one["width"] / one["height"] for c, n in one["of"].items()}
        )
        for one in probe_of(dom)
    ]


def plainly(picture: str) -> bytes:
    """The picture as librsvg draws it."""
    renderer = shutil.which("rsvg-convert")
    assert renderer is not None, "these tests need librsvg's rsvg-convert: apt-get install librsvg2-bin"
    return subprocess.run([renderer], input=picture.encode(), capture_output=True, check=True).stdout


def pictures() -> dict[str, str]:
    """Each machine, and a path through one."""
    (run,) = runs([json.loads(line) for line in (JOURNALS / "dedup.jsonl").read_text().splitlines()])
    walked = {"a path": svg_text(drawn("stream", path_of(run.lives)))}
    return {name: svg_text(drawn(name)) for name in MACHINES} | walked


@pytest.mark.parametrize("name", [*MACHINES, "a path"])
def test_a_plain_viewer_draws_a_picture_as_a_browser_does(name: str, tmp_path: Path) -> None:
    picture = pictures()[name]

    browser, plain = seen(
        "light", tmp_path, ("image/svg+xml", picture.encode()), ("image/png", plainly(picture))
    )

    assert plain.size == browser.size
    assert plain.of(LARGE) == pytest.approx(browser.of(LARGE), rel=0.05, abs=0.005)
    assert sum(plain.of(LARGE)) > 0.8
    assert plain.of(("#000000", "transparent")) == [0.0, 0.0]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", [*MACHINES, "a path"])
def test_a_browser_draws_a_picture_in_its_own_scheme(name: str, scheme: str, tmp_path: Path) -> None:
    own, other = LARGE, tuple(DARK[colour] for colour in LARGE)
    if scheme == "dark":
        own, other = other, own

    (shown,) = seen(scheme, tmp_path, ("image/svg+xml", pictures()[name].encode()))

    assert min(shown.size) > 300
    assert sum(shown.of(own)) > 0.8
    assert sum(shown.of(other)) < 0.001
