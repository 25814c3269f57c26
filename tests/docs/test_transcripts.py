"""Every example in the documentation is run: the files it shows are written, its commands typed, their output compared.

In a block ```console a line that begins with `$ ` is a command, and what follows it, up to the next, its output. `$ cat
FILE` writes the file instead. Runs, moments and process ids differ each time and are not compared.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.whole.command import ROOT

PAGES = ("plan.md", "doctor.md")
BIN = Path(sys.executable).parent
# What is different in each run, and what stands for it.
DIFFERENT = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "MOMENT"),
    (r"run \d+-[0-9a-f]{8}", "run RUN"),
)


@frozen
class Example:
    """A command, and what the page says that it prints."""

    command: str
    output: str

    @property
    def file(self) -> str | None:
        """The file that it shows, if that is what it does."""
        shown = re.fullmatch(r"cat (\S+)", self.command)
        return shown[1] if shown else None


def examples(page: str) -> Iterator[Example]:
    for block in re.findall(
        r"^```console\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE
    ):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Example(command, output)


def alike(text: str) -> str:
    for pattern, word in DIFFERENT:
        text = re.sub(pattern, word, text)
    return text.strip()


@pytest.mark.parametrize("page", PAGES)
def test_each_example_prints_what_its_page_says(page: str, tmp_path: Path) -> None:
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    found = list(examples(page))
    for example in found:
        if example.file:
            (tmp_path / example.file).write_text(example.output)
            continue

        ran = subprocess.run(
            ["bash", "-c", example.command],  # noqa: S607 - the reader's shell
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert alike(ran.stdout) == alike(example.output), f"{example.command}\n{ran.stderr}"
    assert sum(example.command.startswith("dataflow") for example in found) >= 2
