"""The map of the code and the records of decisions name what is there, and leave no room out."""

import re
from pathlib import Path

import pytest

from tests.docs.behaviours import modules, sentence
from tests.docs.decisions import PARTS, records
from tests.docs.pages import ROOT, name_of
from tests.ours import OURS

MAP = ROOT / "ARCHITECTURE.md"
MAPS = [MAP, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
_PATH = re.compile(r"`((?:connectors|dataflow|machines|tests|docs|diagrams)/[\w./-]*)[:`]")


@pytest.mark.parametrize("page", MAPS, ids=name_of)
def test_every_path_that_a_map_names_is_there(page: Path) -> None:
    assert [path for path in _PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []


def test_the_map_names_every_room() -> None:
    named = set(_PATH.findall(MAP.read_text()))
    # A database is known by its entry point, so that a new one changes no map.
    databases = {f"connectors/{name}/" for name in OURS}

    rooms = {
        f"{folder.parent.relative_to(ROOT).as_posix()}/"
        for storey in ("connectors", "dataflow", "machines")
        for folder in (
            *(ROOT / storey).glob("*/__init__.py"),
            *(ROOT / storey / "engine").glob("*/__init__.py"),
        )
    }
    assert len(rooms) > 20
    assert rooms - databases - named == set()


def test_records_of_decisions_are_numbered_without_a_gap_and_have_all_parts() -> None:
    found = list(records())

    assert [record.number for record in found] == [f"{n:04d}" for n in range(1, len(found) + 1)]
    assert [record.path.name for record in found if record.parts != PARTS] == []
    assert [record.path.name for record in found if not record.path.name.startswith(record.number)] == []


def test_every_module_of_tests_says_what_it_is_about() -> None:
    assert [module.path for module in modules() if not module.about.endswith((".", ":"))] == []


def test_a_tests_name_is_read_as_a_sentence() -> None:
    assert sentence("test_a_json_column_stays") == "A JSON column stays."
