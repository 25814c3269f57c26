"""Drives a destination with PyAirbyte, as its documentation says: the program that runs in PyAirbyte's environment.

Reads jobs, one a line of JSON, each a write of a source's records into a destination; answers each with a line.
"""

import json
import sys
from pathlib import Path
from typing import Any

import airbyte as ab
from airbyte.strategies import WriteStrategy

SOURCE = Path(__file__).with_name("source.py")


def write(job: dict[str, Any]) -> int:
    """How many records PyAirbyte says it wrote."""
    source = ab.get_source("source-of-ours", local_executable=SOURCE, config=job["source"], streams="*")
    destination = ab.get_destination(
        job["destination"], local_executable=Path(job["executable"]), config=job["config"]
    )
    destination.check()
    store = ab.DuckDBCache(db_path=job["states"]) if "states" in job else False
    result = destination.write(
        source, cache=False, state_cache=store, write_strategy=WriteStrategy(job["strategy"])
    )
    return int(result.processed_records)


if __name__ == "__main__":
    answers = [write(json.loads(line)) for line in sys.stdin]
    Path(sys.argv[1]).write_text(json.dumps(answers))
