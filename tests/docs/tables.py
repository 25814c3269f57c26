"""Tables of the documentation that are made of the code, such as options, errors and tests. Makes text; writes no page.

A page says where one stands, by `<!-- made of WHAT -->` and `<!-- end -->`; the rest of it is written by people.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from connectors.duckdb.connector import _MEANINGS as _DUCKDB
from connectors.postgres.connector import IN_A_FUNCTION, MEANINGS, REFUSALS
from tests.docs.arguments import arguments_of
from tests.docs.behaviours import behaviours
from tests.docs.decisions import listed
from tests.docs.options import options_of, shared_options
from tests.docs.raised import SECTIONS, raised
from tests.docs.suites import suites
from tests.ours import OURS

_PLACE = re.compile(r"(<!-- made of (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def made_anew(text: str) -> str:
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


def _sqlstates() -> str:
    known = {f"`{state}`": each for state, each in MEANINGS.items()}
    known |= {f"`{state}` in a function": each for state, each in IN_A_FUNCTION.items()}
    rows = (
        (
            state,
            each.says,
            each.error.failure_type,
            each.remedy or "the GRANT that is missing, in the message",
        )
        for state, each in sorted(known.items())
    )
    return table(("SQLSTATE", "it says", "type", "what to do"), rows)


def _refusals() -> str:
    rows = ((", ".join(map(_plain, said.split("|"))), do) for said, do in REFUSALS.items())
    return table(("the server or the driver says", "what to do"), rows)


def _plain(pattern: str) -> str:
    """What a pattern finds, for a person."""
    return f"`{re.sub(r'[(][?]!.*?[)]', '', pattern).replace('.*', '…').replace(chr(92), '').strip(': ')}`"


def _duckdb() -> str:
    rows = [
        (re.sub(r"\{\w+\}", "…", each.message), each.failure.failure_type, each.remedy) for each in _DUCKDB
    ]
    return table(("it says", "type", "what to do"), rows)


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
                "plan",
                "doctor",
                "journal list",
                "journal show",
            ),
            *("journal follow", "report", "replay", "verify", "simulate", "diagram", "new-connector"),
        )
    },
    **{f"errors {section}": _errors(section) for section in SECTIONS},
    "errors by SQLSTATE": _sqlstates,
    "errors of connecting": _refusals,
    "errors of DuckDB": _duckdb,
    "behaviours": behaviours,
    "decisions": lambda: table(("number", "decision"), listed()),
    "suites": lambda: table(("suite", "it is about"), suites()),
}
