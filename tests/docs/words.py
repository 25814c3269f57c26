"""Words that mislead a reader, and what to write for them; and the texts of a file that are held to it.

Reads source and pages; changes none. A word is here because it stood for several things, or because a native reader
stops at it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tests.docs.pages import ROOT

# Each is looked for in text as it stands: a capital in the pattern is a capital in the text.
WORDS: Mapping[str, str] = {
    r"\b[Tt]old\b|\buntold\b|\btellable\b": (
        "emitted (STATE), acknowledged (records), logged, reported, recorded, distinguished"
    ),
    r"\b[Tt]ell(?:s|ing)?\b": "says, records, reports, shows, distinguishes",
    r"\b[Aa]new\b": "again",
    r"\b[Ss]o many\b": "the number, or: the first N rows",
    r"\bwill not do\b": "is not enough",
    r"\bto be had\b": "available",
    r"\bcomes by\b": "gets, reaches",
    r"\b[Hh]ears? (?:of|no more)\b|\bheard (?:of|no more)\b": "learns of, receives",
    r"\b[Ww]hosever\b|\b[Ww]hosesoever\b": "whatever its owner",
    r"\b[Ww]hoever\b": "the user, the caller, the process that",
    r"\b(?:to|for|of|by|from|than) who\b|(?:^|[.;:!] )[Ww]ho\b(?![^.]*[?])": (
        "a person that, the caller, the run: who is a question"
    ),
    r"(?:^|[.:;!?] )Of (?!course\b)": "a sentence that begins with its subject",
    r"(?:^|[.:;!?] )Where\b(?![^.]*[?])": "if, when: a sentence that begins with its subject",
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix, repair, correct",
}
# What a person writes here is not ours to word: code and quotations in a page.
_TITLES = re.compile(r"<(?:title|text|desc)[^>]*>([^<]*)<")
_BLOCKS = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_OTHERS = (".svg", ".css", ".c", ".h")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@frozen
class Misworded:
    """A word of the list, where it stands, and what to write for it."""

    place: str
    word: str
    instead: str


def misworded(place: str, text: str) -> Iterator[Misworded]:
    """The words of the list in a text, each with its place."""
    for pattern, instead in WORDS.items():
        for found in re.finditer(pattern, text):
            yield Misworded(place, found[0].strip(" .:;!?"), instead)


def misworded_in(path: Path) -> Iterator[Misworded]:
    """In a page without its code, in a drawing's titles, in comments; in a module also in docstrings and in texts of
    several words. In tests, what stands in texts may be what is tested: names, docstrings and comments count.
    """
    for number, text in texts_of(path, path.read_text()):
        yield from misworded(f"{path.relative_to(ROOT).as_posix()}:{number}", text)


def texts_of(path: Path, source: str) -> Iterator[tuple[int, str]]:
    """The texts of a file that are held to the list, each with the number of its line."""
    match path.suffix:
        case ".md":
            return _lines(source)
        case ".py":
            return _of_test(source) if ROOT / "tests" in path.parents else _texts(source)
        case ".svg":
            return _found(_TITLES, source)
        case ".c" | ".h" | ".css":
            return _found(_BLOCKS, source)
    return _hashed(source)


def prose() -> Sequence[Path]:
    """All pages of ours: those at the top, the documentation's, and the drawings'."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "diagrams").glob("*.md")),
    ]


def modules() -> Sequence[Path]:
    """The modules of ours that an installation has."""
    found = (path for room in ("dataflow", "machines", "connectors") for path in (ROOT / room).rglob("*.py"))
    return sorted(found)


def suites() -> Sequence[Path]:
    """The tests, but for those of this list, which quote its words."""
    ours = {ROOT / "tests/docs/words.py", ROOT / "tests/docs/test_words.py"}
    return sorted(path for path in (ROOT / "tests").rglob("*.py") if path not in ours)


def others() -> Sequence[Path]:
    """What else of ours has words: the reader in C, drawings, styles, and how all of it is built and checked."""
    rooms = ("dataflow", "machines", "connectors", "diagrams", "docs")
    found = (path for room in rooms for suffix in _OTHERS for path in (ROOT / room).rglob(f"*{suffix}"))
    return [
        *sorted(found),
        *(ROOT / name for name in ("Makefile", "Dockerfile", "pyproject.toml", ".ci/run")),
    ]


def _found(pattern: re.Pattern[str], source: str) -> Iterator[tuple[int, str]]:
    for found in pattern.finditer(source):
        yield source.count("\n", 0, found.start()) + 1, " ".join(found[1].replace("*", " ").split())


def _hashed(source: str) -> Iterator[tuple[int, str]]:
    """Comments that begin with a number sign, those on lines that follow each other as one."""
    block = re.compile(r"(?:^|(?<=\s))#((?:.*\n[ \t]*#)*.*)", re.MULTILINE)
    for found in block.finditer(source):
        yield source.count("\n", 0, found.start()) + 1, " ".join(found[1].replace("#", " ").split())


def _of_test(source: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name.removeprefix("test_").replace("_", " ")
    yield from _docstrings(tree)
    yield from _comments(source)


def _lines(page: str) -> Iterator[tuple[int, str]]:
    prose = _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), page)
    for number, line in enumerate(prose.split("\n"), 1):
        yield number, line.strip(" |*#>-")


def _texts(source: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(source)
    yield from _literals(tree)
    yield from _docstrings(tree)
    yield from _comments(source)


def _literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    passed = {id(node) for node in _docstring_nodes(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(each) for each in node.values}
            yield node.lineno, "".join(_part(each) for each in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in passed and " " in str(node.value):
            yield node.lineno, str(node.value)


def _part(of: ast.expr) -> str:
    return str(of.value) if isinstance(of, ast.Constant) else "…"


def _docstring_nodes(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as constant), *_]:
                    yield constant


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in _docstring_nodes(tree):
        yield node.lineno, " ".join(str(node.value).split())


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Comments, those on lines that follow each other as one."""
    begun, lines, last = 0, list[str](), -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if line != last + 1:
            if lines:
                yield begun, " ".join(lines)
            begun, lines = line, []
        lines.append(token.string.lstrip("# "))
        last = line
    if lines:
        yield begun, " ".join(lines)
