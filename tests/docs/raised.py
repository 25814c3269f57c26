"""The errors that the code raises, as rows of a table: read from its source. What a person fills in is an ellipsis."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen

from dataflow import errors
from tests.docs.pages import ROOT
from tests.ours import OURS

KINDS = ("ConfigError", "TransientError", "InternalError")
# The section of an error on the page, by the beginning of its module's path; the first that fits.
SECTIONS: Mapping[str, Sequence[str]] = {
    "of the configuration": (
        "connectors/contract/specification",
        "connectors/contract/options",
        "connectors/engine/process/config_url",
        "connectors/engine/process/files",
        "connectors/engine/process/open_destination",
        "connectors/engine/process/compatibility",
        "connectors/engine/process/registry",
        "connectors/engine/sync/faults",
    ),
    "of the catalog": (
        "dataflow/catalog",
        "dataflow/json_schema",
        "dataflow/ownership",
        "dataflow/table_catalog",
        "dataflow/stream_tables",
        "dataflow/adoption",
        "dataflow/names",
    ),
    "of the input": (
        "dataflow/files",
        "dataflow/frames",
        "dataflow/input",
        "dataflow/pipeline",
        "dataflow/output_messages",
        "dataflow/protocol",
        "connectors/engine/sync/sync",
        "connectors/engine/process/signals",
        "connectors/engine/process/outlet",
    ),
    "of tables and runs": (
        "machines/refusals",
        "connectors/engine/sync",
        "connectors/engine/load",
        "connectors/sql/",
        "connectors/contract",
    ),
    "of the commands": (
        "connectors/engine/journal",
        "connectors/engine/api",
        "connectors/engine/commands",
        "connectors/engine/process/load",
        "connectors/engine/process/crew",
        "connectors/engine/process/open_load",
        "connectors/engine/process/shard_task",
        "machines/journal/replay",
    ),
    **{f"of destination {name}": (f"connectors/{name}",) for name in OURS},
}
# Modules whose constants are errors that a database's page shows in a table of its own.
_MEANINGS = tuple(f"connectors/{name}/errors" for name in OURS)
_NOT_RAISED_IN_A_SYNC = (
    "connectors/testkit",
    "connectors/simulation",
    "connectors/template",
    "machines/verify",
)
UNKNOWN = "…"


@frozen
class Raised:
    """An error as the source makes it."""

    place: str
    kind: str
    message: str
    remedy: str

    @property
    def row(self) -> tuple[str, str, str]:
        """It in a table."""
        failure: type[errors.DataflowError] = getattr(errors, self.kind)
        return _once(self.message), failure.failure_type, _once(self.remedy)


def raised(section: str) -> Sequence[tuple[str, str, str]]:
    """The errors of a section, each once."""
    return list(dict.fromkeys(each.row for each in every() if section_of(each.place) == section))


def section_of(place: str) -> str:
    """The section of an error's module. StopIteration for a module that has none yet."""
    return next(name for name, begins in SECTIONS.items() if place.startswith(tuple(begins)))


@cache
def every() -> Sequence[Raised]:
    """All errors of ours that have words of their own."""
    found: list[Raised] = []
    for folder in ("dataflow", "machines", "connectors"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix().removesuffix(".py")
            if not place.startswith(_NOT_RAISED_IN_A_SYNC):
                found += _of_module(place, path)
    return found


def _of_module(place: str, path: Path) -> Iterator[Raised]:
    tree = ast.parse(path.read_text())
    if not any(isinstance(node, ast.Name) and node.id in KINDS for node in ast.walk(tree)):
        return
    module = import_module(place.replace("/", ".").removesuffix(".__init__"))
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(scope, ast.Assign | ast.AnnAssign) and place not in _MEANINGS
        ):
            yield from _of_scope(place, scope, module)


def _of_scope(place: str, scope: ast.AST, module: ModuleType) -> Iterator[Raised]:
    texts = _Texts(module, scope)
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            message = texts.of(node.args[0])
            remedies = [texts.of(each.value) for each in node.keywords if each.arg == "remedy"]
            if re.search("[a-z]", message):
                yield Raised(place, node.func.id, message, "".join(remedies))


def _once(text: str) -> str:
    """Two things side by side that a person fills in are one."""
    return re.sub(rf"{UNKNOWN}([ :/]*{UNKNOWN})+", UNKNOWN, text).replace(f"{UNKNOWN}.", UNKNOWN)


@frozen
class _Texts:
    """What an expression says, as far as the source alone shows."""

    module: ModuleType
    scope: ast.AST

    def of(self, node: ast.AST) -> str:
        match node:
            case ast.Constant(value):
                text = str(value)
            case ast.JoinedStr(values):
                text = "".join(map(self.of, values))
            case ast.FormattedValue(value):
                text = self.of(value)
            case ast.BinOp(left, ast.Add(), right):
                text = self.of(left) + self.of(right)
            case ast.Name(name):
                text = self._named(name)
            case ast.IfExp(_, body, otherwise):
                text = f"{self.of(body)} / {self.of(otherwise)}"
            case _:
                text = UNKNOWN
        return text

    def _named(self, name: str) -> str:
        assigned = [
            node.value
            for node in ast.walk(self.scope)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]
        if len(assigned) == 1:
            return self.of(assigned[0])
        value: Any = getattr(self.module, name, None)
        return str(value) if not assigned and isinstance(value, str | int) else UNKNOWN
