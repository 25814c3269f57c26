"""Every link of the documentation leads somewhere: to a file of the checkout, and to a heading that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, pages

PAGES = [*pages(), ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "GLOSSARY.md"]
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    """The headings' names in links, as GitHub makes them."""
    told = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in told}


def broken(page: Path) -> Iterator[str]:
    for link in _LINK.findall(page.read_text()):
        if not re.match("https?:", link):
            path, _, heading = link.partition("#")
            target = (page.parent / path) if path else page
            if not target.exists() or (heading and heading not in headings(target)):
                yield link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []
