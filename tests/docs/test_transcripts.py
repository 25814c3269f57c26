"""Every example in the documentation is run: the files it shows are written, its commands typed, their output compared.

In a block ```console a line that begins with `$ ` is a command, and what follows it, up to the next, its output. `$ cat
FILE` writes the file instead. Runs, moments, durations and process ids differ each time and are not compared.
GOLDEN=update writes the outputs again; read the difference as a reviewer would.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import frozen

from tests.docs.pages import ROOT, name_of, pages
from tests.starting import installed

BIN = Path(sys.executable).parent
UPDATE = os.environ.get("GOLDEN") == "update"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
# The pages whose examples need more than is here, and the tests that run them.
ELSEWHERE: Mapping[str, str] = {
    "clients.md": "tests/clients/test_documented.py",
    "packaging.md": "tests/packages/test_wheel.py",
    "watching.md": "tests/connectors/engine/commands/test_watching_page.py",
}
# What a page may take as there already.
GIVEN = (ROOT / "tests" / "crash" / "killed_and_resumed.jsonl",)
# What is different in each run, and what stands for it.
DIFFERENT = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?", "MOMENT"),
    (r"\b\d+-[0-9a-f]{8}\b", "RUN"),
    (r"\+ *\d+\.\d{3}", "SECONDS"),
    (r"\b(\d+ m )?[\d,.]+ ?(ms|s)\b", "DURATION"),
    # Columns are as wide as what is in them.
    (r"(?<=\S) {2,}", "  "),
)
TRANSCRIBED = [page for page in pages() if BLOCK.search(page.read_text()) and page.name not in ELSEWHERE]


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

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.output}"


def examples(block: str) -> list[Example]:
    parts = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    return [Example(command, output) for command, output in parts]


def alike(text: str) -> str:
    for pattern, word in DIFFERENT:
        text = re.sub(pattern, word, text)
    return text.strip()


def typed(example: Example, folder: Path) -> Example:
    """The example as it is here and now."""
    if example.file:
        (folder / example.file).write_text(example.output)
        return example
    ran = subprocess.run(
        ["bash", "-c", example.command],  # noqa: S607 - the reader's shell
        cwd=folder,
        env=installed() | {"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, f"{example.command}\n{ran.stdout}{ran.stderr}"
    return Example(example.command, ran.stdout)


@pytest.mark.parametrize("page", TRANSCRIBED, ids=name_of)
def test_each_example_prints_what_its_page_says(page: Path, tmp_path: Path) -> None:
    for given in GIVEN:
        shutil.copy(given, tmp_path)

    def again(found: re.Match[str]) -> str:
        shown = []
        for example in examples(found[1]):
            now = typed(example, tmp_path)
            if UPDATE:
                same = alike(now.output) == alike(example.output)
                shown.append(str(example if same else now))
                continue
            assert alike(now.output) == alike(example.output), example.command
        return f"```console\n{''.join(shown)}```" if UPDATE else found[0]

    text = BLOCK.sub(again, page.read_text())

    if UPDATE:
        page.write_text(text)


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_what_is_not_run_here_is_run_elsewhere(page: str, test: str) -> None:
    assert page in (ROOT / test).read_text()
    assert BLOCK.search((ROOT / "docs" / page).read_text())


def test_what_the_readme_asks_make_for_is_part_of_the_whole_check() -> None:
    wanted = re.findall(r"^make \w+", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert wanted == ["make demo", "make test"]
    assert set(wanted) <= set(re.findall(r"make \w+", (ROOT / ".ci" / "run").read_text()))
