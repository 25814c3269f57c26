"""Which behaviour is tested where: the suites of the kit and the test modules, with their tests as sentences.

Reads the modules' source; imports and runs none of them.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from tests.docs.destinations import title
from tests.docs.pages import ROOT
from tests.whole.places import NAMES

SUITES = ROOT / "connectors" / "testkit" / "suites"
TESTS = ROOT / "tests"
# Words that a name spells in small letters.
SPELLED = {
    **{word: word.upper() for word in ("cdc", "ddl", "json", "sql", "ssh", "svg", "tls", "utc", "uuid")},
    "airbyte": "Airbyte",
    **{name: title(name) for name in NAMES},
}


@frozen
class Module:
    """A module of tests: its path in the checkout, what it is about, and its tests as sentences."""

    path: str
    about: str
    behaviours: Sequence[str]

    @property
    def room(self) -> str:
        """The folder that it is in."""
        return self.path.rpartition("/")[0]


def modules() -> Iterator[Module]:
    """The kit's suites, then the test modules, in the order of their paths."""
    found = [*sorted(SUITES.glob("*.py")), *sorted(TESTS.rglob("test_*.py"), key=lambda path: path.parts)]
    for path in found:
        tree = ast.parse(path.read_text())
        tests = tuple(sentence(name) for name in _tests(tree))
        if tests:
            yield Module(path.relative_to(ROOT).as_posix(), _about(tree), tests)


def sentence(name: str) -> str:
    """A test's name as a sentence."""
    words = " ".join(SPELLED.get(word, word) for word in name.removeprefix("test_").split("_"))
    return f"{words[0].upper()}{words[1:]}."


def behaviours() -> str:
    """The text of the page: a heading for each room, and in it each module with its tests."""
    parts, room = list[str](), ""
    for module in modules():
        if module.room != room:
            room = module.room
            parts.append(f"## {room}\n")
        name = module.path.rpartition("/")[2]
        parts.append(f"[{name}](../{module.path}): {module.about}\n")
        parts.append("".join(f"* {_plain(each)}\n" for each in module.behaviours))
    return "\n".join(parts)


def _tests(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def _about(tree: ast.Module) -> str:
    """The first paragraph of the module's docstring, on one line."""
    first, _, _ = (ast.get_docstring(tree) or "").partition("\n\n")
    return _plain(" ".join(first.split()))


def _plain(text: str) -> str:
    """The text such that Markdown shows it as it stands."""
    return re.sub(r"([<>*_\[\]|])(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\\1", text)
