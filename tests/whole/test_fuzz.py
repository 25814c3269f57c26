"""Hostile lines at `write`: records hold whatever JSON can say, and lines need not be JSON at all."""

import io
import json
import os
import random
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.memory import DEFINITION
from connectors.memory.connector import DATABASES
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
from tests.whole.messages import catalog, complete, record, state, stream

RECORDS = 10_000
# To each seed.
BROKEN = 200
SCHEMAS: dict[str, dict[str, Any]] = {
    "i": {"type": "integer"},
    "n": {"type": "number"},
    "s": {"type": "string"},
    "b": {"type": "boolean"},
    "d": {"type": "string", "format": "date"},
    "t": {"type": "string", "format": "date-time"},
    "u": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
    "h": {"type": "string", "format": "time"},
    "k": {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
    "o": {"type": "object"},
    "a": {"type": "array"},
    "x": {"oneOf": [{"type": "string"}, {"type": "object"}]},
}
HOSTILE: list[str] = [
    *("null", "true", "false", "0", "-0", "-0.0", "1e400", "-1e-400", "1E5", "9" * 400, "0." + "1" * 400),
    *(str(2**63), str(-(2**63)), str(-(2**63) - 1), "42.0", "42.5", "1e2", "99999999999999999999999999999.5"),
    *(
        '""',
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\\\u0000"',
        '"\\ud800"',
        '"\\ud83d\\ude80"',
        '"NaN"',
        '"Infinity"',
    ),
    *('"0000-00-00"', '"0000-01-01T00:00:00Z"', '"2026-02-31"', '"9999-12-31T23:59:59.999999999+14:00"'),
    *(
        '"24:00"',
        '"23:59:60Z"',
        '"-4712-01-01T00:00:00Z"',
        '"2026-01-01 00:00:00 BC"',
        '"infinity"',
        '"12:34:56.5"',
    ),
    *(
        '"2026-1-1"',
        '"2026-01-01T00:00:00"',
        '"2026-01-01T00:00:00+02:00"',
        '"+10000-01-01"',
        '"12:00+25:00"',
    ),
    *("[]", "{}", "[[[[]]]]", '{"\\u0000": "\\u0000"}', '{"a": {"a": {"a": null}}}', "[1, 1e400, null]"),
    *(
        '"{}"',
        '"[1]"',
        '"true"',
        '"1"',
        '" 1 "',
        '"1_000"',
        '"0x10"',
        '"\u0660"',
        '"\\n\\t\\"\\\\"',
        '"\u2028"',
    ),
]


class Memory:
    """A memory destination of its own, and the lines it wrote."""

    def __init__(self, folder: Path) -> None:
        self.name = uuid.uuid4().hex
        self.out = io.BytesIO()
        self._config = folder / "config.json"
        self._config.write_text(json.dumps({"database": self.name}))
        self._catalog = folder / "catalog.json"

    def write(self, configured: dict[str, Any], text: bytes) -> int:
        self._catalog.write_text(json.dumps(configured))
        source, into = os.pipe()
        feeding = threading.Thread(target=_feed, args=(into, text), daemon=True)
        feeding.start()
        try:
            destination = Destination(DEFINITION, self.out, SYSTEM)
            return destination.guard(
                lambda: destination.write(self._config, self._catalog, source, WriteOptions())
            )
        finally:
            os.close(source)
            feeding.join()

    def errors(self) -> list[dict[str, Any]]:
        messages = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [m["trace"]["error"] for m in messages if m["type"] == "TRACE"]


def _feed(into: int, text: bytes) -> None:
    with os.fdopen(into, "wb") as file:
        try:
            file.write(text)
            file.flush()
        except BrokenPipeError:
            pass


def everything() -> dict[str, Any]:
    entry = stream("all", {})
    entry["stream"]["json_schema"] = {"type": "object", "properties": SCHEMAS}
    return catalog(entry)


def test_ten_thousand_records_of_hostile_values_are_all_there(tmp_path: Path) -> None:
    """A cell that does not fit is nulled and named; the sync goes on."""
    rng = random.Random(1)
    lines = []
    for number in range(RECORDS):
        cells = ",".join(f'"{name}":{rng.choice(HOSTILE)}' for name in rng.sample(sorted(SCHEMAS), 8))
        meta = '{"changes":[]}' if number % 7 else "null"
        lines.append(
            '{"type":"RECORD","record":{"stream":"all","emitted_at":%d,"meta":%s,"data":{%s}}}\n'  # noqa: UP031
            % (number, meta, cells)
        )
    memory = Memory(tmp_path)

    code = memory.write(everything(), "".join(lines).encode() + complete("all"))

    rows = DATABASES.pop(memory.name).content.tables[TableName("public", "all")].rows
    assert memory.errors() == []
    assert (code, len(rows)) == (0, RECORDS)
    assert all(json.loads(row["_airbyte_meta"])["changes"] is not None for row in rows)


BREAKERS: list[Callable[[random.Random, bytes], bytes]] = [
    lambda rng, line: line[: rng.randrange(len(line))],
    lambda rng, line: line.replace(b'"', b"'", rng.randrange(1, 9)),
    lambda rng, line: bytes(rng.randrange(256) for _ in range(rng.randrange(1, 60))).replace(b"\n", b" "),
    lambda rng, line: line.replace(b'"users"', b'"nobody"'),
    lambda rng, line: line.replace(b'"data"', b'"date"'),
    lambda rng, line: line.replace(b'"emitted_at"', b'"omitted_at"'),
    lambda rng, line: b"[" * rng.randrange(1, 5000),
    lambda rng, line: line + line,
    lambda rng, line: b"\xef\xbb\xbf" + line,
]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in (1, 2))])
def test_a_broken_line_ends_the_run_with_its_number_and_keeps_what_came_before(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    users = catalog(stream("users", {"id": "integer"}))
    good = record("users", {"id": 1})

    for _ in range(BROKEN):
        broken = rng.choice(BREAKERS)(rng, good.rstrip(b"\n"))
        memory = Memory(tmp_path)
        code = memory.write(users, good + state("users", 1) + broken + b"\n" + complete("users"))
        rows = DATABASES.pop(memory.name).content.tables[TableName("public", "users")].rows

        errors = memory.errors()
        ended_well = (code, errors) == (0, []) and not broken.strip()
        ended_at_the_line = code == 1 and len(errors) == 1 and errors[0]["message"].startswith("Line 3 ")
        assert ended_well or ended_at_the_line, (broken, errors)
        assert len(rows) == 1
