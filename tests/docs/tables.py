"""Tables of the documentation that are made of the code, such as options, errors and tests. Makes text; writes no page.

A page says where one stands, by `<!-- made of WHAT -->` and `<!-- end -->`; the rest of it is written by people.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module

from tests.docs.arguments import arguments_of
from tests.docs.behaviours import behaviours
from tests.docs.decisions import listed
from tests.docs.destinations import destinations, extras
from tests.docs.options import options_of, shared_options
from tests.docs.pages import ROOT
from tests.docs.raised import SECTIONS, raised
from tests.docs.suites import suites
from tests.ours import OURS

# The head of a table, and what gives its rows.
Made = tuple[Sequence[str], Callable[[], Iterable[Sequence[str]]]]
_PLACE = re.compile(r"(<!-- made of (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def made_again(text: str) -> str:
    """A page's text with each of its tables as the code has it now. KeyError for one that nobody makes."""
    return _PLACE.sub(lambda found: f"{found[1]}\n{_MAKERS[found[2]]()}\n{found[4]}", text)


def tables() -> Sequence[str]:
    """What there is a table of."""
    return list(_MAKERS)


def tables_in(text: str) -> Sequence[str]:
    """What a page has tables of."""
    return [found[2] for found in _PLACE.finditer(text)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def _options(of: Callable[[], Iterable[Sequence[str]]]) -> Callable[[], str]:
    return lambda: table(("option", "default", "values", "meaning"), of())


def _arguments(command: str) -> Callable[[], str]:
    return lambda: table(("argument", "default", "meaning"), arguments_of(command))


def _errors(section: str) -> Callable[[], str]:
    return lambda: table(("it says", "type", "what to do"), raised(section))


def _of_destinations() -> Iterator[tuple[str, Callable[[], str]]]:
    """The tables that a destination has beside those of every one: `TABLES` of its tests' `tables.py`."""
    for name in OURS:
        if (ROOT / "tests" / "connectors" / name / "tables.py").exists():
            made: Mapping[str, Made] = import_module(f"tests.connectors.{name}.tables").TABLES
            for what, (head, rows) in made.items():
                yield what, partial(_made, head, rows)


def _made(head: Sequence[str], rows: Callable[[], Iterable[Sequence[str]]]) -> str:
    return table(head, rows())


_MAKERS: Mapping[str, Callable[[], str]] = {
    "options shared": _options(shared_options),
    **{f"options {name}": _options(partial(options_of, name)) for name in OURS},
    **{
        f"arguments {command}": _arguments(command)
        for command in (
            *(
                "destination",
                "destination check",
                "destination write",
                "load",
                *("shards open", "shards run", "shards publish", "shards status", "shards discard"),
                "plan",
                "doctor",
                "journal list",
                "journal show",
            ),
            *("journal follow", "report", "replay", "verify", "simulate", "diagram", "new-connector"),
        )
    },
    **{f"errors {section}": _errors(section) for section in SECTIONS},
    **dict(_of_destinations()),
    "destinations": lambda: table(("destination", "page"), destinations()),
    "extras": lambda: table(("to install", "brings"), extras()),
    "behaviours": behaviours,
    "decisions": lambda: table(("number", "decision"), listed()),
    "suites": lambda: table(("suite", "it is about"), suites()),
}
