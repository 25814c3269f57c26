"""The tables of the documentation are what the code says, and none is missing."""

import re
from pathlib import Path

import pytest

from connectors.engine.commands import COMMANDS
from tests.docs.pages import name_of, pages
from tests.docs.raised import every
from tests.docs.suites import capabilities
from tests.docs.tables import made_again, tables, tables_in


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_the_tables_of_a_page_are_what_the_code_says_now(page: Path) -> None:
    """Rewrite them with `make docs`."""
    text = page.read_text()

    assert made_again(text) == text


def test_each_table_stands_on_one_page() -> None:
    found = [table for page in pages() for table in tables_in(page.read_text())]

    assert sorted(found) == sorted(tables())


def test_there_is_a_table_for_each_command_that_takes_arguments() -> None:
    told = {table.split()[1] for table in tables() if table.startswith("arguments ")}

    assert told == {*COMMANDS, "destination"} - {"destinations"}


def test_each_capability_is_documented_for_authors() -> None:
    (page,) = (page for page in pages() if page.name == "connector-authors.md")

    assert set(re.findall(r"^\| `(\w+)=", page.read_text(), re.MULTILINE)) == capabilities()


def test_each_error_says_what_to_do() -> None:
    assert [error for error in every() if not error.remedy] == []
