"""The tables of the documentation that DuckDB alone has."""

import re
from collections.abc import Iterator

from connectors.duckdb.connector import _MEANINGS


def _answers() -> Iterator[tuple[str, str, str]]:
    for each in _MEANINGS:
        yield re.sub(r"\{\w+\}", "…", each.message), each.failure.failure_type, each.remedy


TABLES = {"errors of DuckDB": (("it says", "type", "what to do"), _answers)}
