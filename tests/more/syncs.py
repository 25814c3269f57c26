"""Journals of real syncs, for the tests that draw them. Runs the DuckDB destination as a process."""

from pathlib import Path
from typing import Any

from tests.connectors.duckdb.place import duckdb_destination
from tests.whole.messages import catalog, complete, record, state, stream

# What a page or a terminal might take for its own.
HOSTILE = '<script>document.title="taken"</script><img src=x onerror="alert(1)">'


def journal_of(folder: Path, streams: int) -> Path:
    """The journal of a sync of `streams` streams; with several, one is never completed, and one has a hostile name."""
    names = [f"stream_{number:02d}" for number in range(streams)]
    if streams > 1:
        names[1] = HOSTILE
    kinds: list[dict[str, Any]] = [
        {"mode": "append"},
        {"mode": "append_dedup", "primary_key": ["id"]},
        {"mode": "overwrite", "minimum": 1},
    ]
    wanted = catalog(*(stream(name, {"id": "integer"}, **kinds[n % 3]) for n, name in enumerate(names)))
    lines = [
        line
        for part in range(3)
        for name in names
        for line in (*(record(name, {"id": part * 20 + n}) for n in range(20)), state(name, part))
    ]
    lines += [complete(name) for number, name in enumerate(names) if streams == 1 or number != 2]
    journal = folder / f"{streams}.jsonl"
    outcome = duckdb_destination(folder).write(wanted, lines, "--journal", str(journal), "--flush-rows", "20")
    assert outcome.code == int(streams > 1)
    return journal
