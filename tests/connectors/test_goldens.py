"""No statement without a golden file, and no value in one: for every connector that has a generator of statements."""

import ast
import re
import runpy
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from tests.ours import OURS

HERE = Path(__file__).parent
CONNECTORS = HERE.parents[1] / "connectors"
# Their modules that hold no whole statements: types with their expressions, ways to quote.
EXPRESSIONS = ("columns", "quoting")
# The destinations that compose SQL.
SQL = [
    name
    for name in OURS
    if any(re.search(r"\b(Composed|Sql)\b", path.read_text()) for path in (CONNECTORS / name).glob("*.py"))
]


def statements(name: str) -> Iterator[tuple[Any, str]]:
    """What gives statements in a connector's modules: functions, and methods of classes, by their owner."""
    package = import_module(f"connectors.{name}")
    for found in iter_modules(package.__path__):
        if found.name in (*EXPRESSIONS, "__main__"):
            continue
        module = import_module(f"{package.__name__}.{found.name}")
        own = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
        for holder in (module, *filter(isclass, own)):
            for attribute, each in vars(holder).items():
                gives = str(getattr(each, "__annotations__", {}).get("return"))
                ours = getattr(each, "__module__", "") == module.__name__
                if (
                    ours
                    and isfunction(each)
                    and re.search(r"\b(Composed|Sql)\b", gives)
                    and not attribute.startswith("_")
                ):
                    yield holder, attribute


@pytest.mark.parametrize("name", SQL)
def test_whatever_gives_a_statement_has_a_golden_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that compares them is run again, and we look what made its statements."""
    expected = {(str(holder), attribute) for holder, attribute in statements(name)}
    called: set[tuple[str, str]] = set()

    def noting(who: tuple[str, str], real: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(real)
        def note(*of: Any, **named: Any) -> Any:
            called.add(who)
            return real(*of, **named)

        return note

    for holder, attribute in statements(name):
        who = (str(holder), attribute)
        monkeypatch.setattr(holder, attribute, noting(who, getattr(holder, attribute)))
    runpy.run_path(str(HERE / name / "test_sql.py"))

    assert len(expected) > 5
    assert expected - called == set()


def formatted(path: Path) -> Iterator[str]:
    """The places at which a module makes SQL of a text that it puts together, and not of composables."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if called in ("SQL", "execute", "executemany", "sql") and _is_put_together(node.args[0]):
            yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"


def _is_put_together(text: ast.expr) -> bool:
    return (
        isinstance(text, ast.JoinedStr)
        or (isinstance(text, ast.BinOp) and isinstance(text.op, ast.Mod))
        or (
            isinstance(text, ast.Call)
            and isinstance(text.func, ast.Attribute)
            and text.func.attr == "format"
            and isinstance(text.func.value, ast.Constant)
        )
    )


def test_nothing_is_formatted_into_sql() -> None:
    assert [found for path in sorted(CONNECTORS.rglob("*.py")) for found in formatted(path)] == []


def test_what_is_formatted_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "bad.py"
    module.write_text(
        'SQL(f"DROP {x}")\nSQL("{}").format(x)\ncursor.execute("DROP %s" % x)\nsql("{}".format(x))\n'
    )

    assert [each.split(":")[1] for each in formatted(module)] == ["1", "3", "4"]
