"""No statement without a golden file, and no value in one: for every connector that has a generator of statements."""

import ast
import runpy
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from connectors.duckdb.sql import SqlGenerator as DuckDbSql
from connectors.postgres.sql import PostgresSql
from connectors.sqlite.sql import SqlGenerator as SqliteSql

HERE = Path(__file__).parent
CONNECTORS = HERE.parents[1] / "connectors"
GENERATORS = {"duckdb": DuckDbSql, "postgres": PostgresSql, "sqlite": SqliteSql}


@pytest.mark.parametrize("name", GENERATORS)
def test_every_method_of_a_generator_has_a_golden_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that compares them is run anew, and we look which methods made its statements."""
    generator: type = GENERATORS[name]
    methods = {n for n, each in vars(generator).items() if callable(each) and not n.startswith("_")}
    called: set[str] = set()

    def noting(method: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(real)
        def note(*of: Any, **named: Any) -> Any:
            called.add(method)
            return real(*of, **named)

        return note

    for method in methods:
        monkeypatch.setattr(generator, method, noting(method, getattr(generator, method)))
    runpy.run_path(str(HERE / name / "test_sql.py"))

    assert methods - called == set()


def formatted(path: Path) -> Iterator[str]:
    """Where a module makes SQL of a text that it puts together, and not of composables."""
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
