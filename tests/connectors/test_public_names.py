"""The public face: what the documentation calls public is there, and is all that a connector needs."""

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module

import pytest

from connectors.engine.commands.new_connector import SKELETON, SQLITE, Model, package
from tests.environments import CHECKOUT

FACES = ("connectors.contract", "connectors.sql", "connectors.testkit")


def public() -> Mapping[str, str]:
    """Each public module, with the column that says which of its names are public."""
    page = (CHECKOUT / "docs" / "connector-authors.md").read_text()
    table = page.partition("| module | its public names |")[2].partition("\n\n")[0]
    listed = {}
    for row in table.splitlines()[2:]:
        modules, names = row.split("|")[1:3]
        for module in re.findall("`([a-z._]+)`", modules):
            listed[module] = names.strip()
            if "and the modules in it" in modules:
                listed[f"{module}.*"] = names.strip()
    return listed


def imports(text: str) -> Iterator[tuple[str, str]]:
    """The names that a module imports, each with where it is from."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)


def is_public(module: str, name: str) -> bool:
    listed = public()
    names = listed.get(module) or listed.get(f"{module.rpartition('.')[0]}.*")
    match names:
        case None:
            return False
        case "all":
            return not name.startswith("_")
        case "those in `__all__`":
            return name in import_module(module).__all__
        case _:
            return name in re.findall("`(.+?)`", names)


@pytest.mark.parametrize("face", FACES)
def test_each_name_of_a_face_is_there(face: str) -> None:
    module = import_module(face)

    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


def test_each_public_module_is_there() -> None:
    modules = public()

    assert set(FACES) < modules.keys()
    for module in modules:
        import_module(module.removesuffix(".*"))


@pytest.mark.parametrize("model", [SKELETON, SQLITE], ids=["skeleton", "like sqlite"])
def test_a_new_connector_uses_public_names_alone(model: Model) -> None:
    used = {
        (place, *each)
        for place, text in package("lake", model).items()
        if place.endswith(".py")
        for each in imports(text)
        if each[0].partition(".")[0] in {"connectors", "machines", "dataflow"}
    }

    assert used
    assert {each for each in used if not is_public(*each[1:])} == set()
