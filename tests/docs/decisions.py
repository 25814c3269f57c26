"""The records of decisions under docs/decisions: their numbers, titles and parts. Reads them; decides nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "decisions"
PARTS = ["Context", "Decision", "Consequences"]


@frozen
class Record:
    """A decision: where it stands, its number, its title and the headings of its parts."""

    path: Path
    number: str
    title: str
    parts: list[str]


def records() -> Iterator[Record]:
    """All records, by number."""
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        text = path.read_text()
        heading = re.match(r"# (\d{4})\. (.+)\n", text)
        assert heading is not None, f"{path.name} begins with no number and title"
        yield Record(path, heading[1], heading[2], re.findall(r"^## (.+)$", text, re.MULTILINE))


def listed() -> Iterator[tuple[str, str]]:
    """The rows of the list of records."""
    for record in records():
        yield record.number, f"[{record.title}]({record.path.name})"
