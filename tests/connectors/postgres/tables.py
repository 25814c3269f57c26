"""The tables of the documentation that Postgres alone has."""

import re
from collections.abc import Iterator

from connectors.postgres.errors import ERRORS, IN_A_FUNCTION, REFUSALS


def _sqlstates() -> Iterator[tuple[str, str, str, str]]:
    known = {f"`{state}`": each for state, each in ERRORS.items()}
    known |= {f"`{state}` in a function": each for state, each in IN_A_FUNCTION.items()}
    for state, each in sorted(known.items()):
        yield state, each.message, each.failure_type, each.remedy


def _refusals() -> Iterator[tuple[str, str]]:
    for said, remedy in REFUSALS.items():
        yield ", ".join(map(_plain, said.split("|"))), remedy


def _plain(pattern: str) -> str:
    """What a pattern finds, for a person."""
    return f"`{re.sub(r'[(][?]!.*?[)]', '', pattern).replace('.*', '…').replace(chr(92), '').strip(': ')}`"


TABLES = {
    "errors by SQLSTATE": (("SQLSTATE", "it says", "type", "what to do"), _sqlstates),
    "errors of connecting": (("the server or the driver says", "what to do"), _refusals),
}
