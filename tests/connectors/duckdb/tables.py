"""The tables of the documentation that DuckDB alone has."""

import re
from collections.abc import Iterator

from connectors.duckdb.errors import MEANINGS


def _answers() -> Iterator[tuple[str, str, str]]:
    for each in MEANINGS:
        yield re.sub(r"\{\w+\}", "…", each.means.message), each.means.failure_type, each.means.remedy


TABLES = {"errors of DuckDB": (("it says", "type", "what to do"), _answers)}
