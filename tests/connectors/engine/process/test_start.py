"""How a command starts: what it imports, which is where its time goes, and what it says of a missing driver."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.extras import modules
from tests.ours import OURS
from tests.starting import installed
from tests.whole import messages

DRIVERS = modules() | {"psycopg_binary", "sqlite3"}
# By the drivers and the libraries that compute: none is needed to say what can be configured.
HEAVY = {
    *DRIVERS,
    "asyncio",
    "numpy",
    "pyarrow",
    "rich",
    "statemachine",
    "tenacity",
}
DESTINATION = (
    "import sys; from connectors.engine.process.cli import main_for; "
    "main_for(name := sys.argv.pop(1), f'connectors.{name}')"
)
DATAFLOW = (
    "import sys; from connectors.engine.commands import main; sys.argv = ['dataflow', '--help']; main()"
)


def imported(*arguments: str, stdin: bytes = b"") -> set[str]:
    """The modules that a run of Python imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env=installed(),
    )
    lines = done.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def without(module: str, destination: str, *arguments: str) -> list[dict[str, Any]]:
    """What a destination's command says if a module is not installed."""
    run = f"import sys; sys.modules[sys.argv.pop(1)] = None; {DESTINATION}"
    done = subprocess.run(
        [sys.executable, "-c", run, module, destination, *arguments],
        capture_output=True,
        check=True,
        env=installed(),
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_help_imports_nothing_but_the_parser() -> None:
    used = imported("-c", DATAFLOW)

    assert "argparse" in used
    assert used & (HEAVY | {"attr", "cattrs", "msgspec"}) == set()


@pytest.mark.parametrize("destination", OURS)
def test_spec_imports_no_driver_and_nothing_that_computes(destination: str) -> None:
    used = imported("-c", DESTINATION, destination, "spec")

    assert f"connectors.{destination}.config" in used
    assert used & HEAVY == set()


@pytest.mark.parametrize(("destination", "driver"), [("duckdb", "duckdb"), ("sqlite", "sqlite3")])
def test_a_sync_imports_only_what_it_uses(tmp_path: Path, destination: str, driver: str) -> None:
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({"destination_path": str(tmp_path / "it")}))
    catalog.write_text(json.dumps(messages.catalog(messages.stream("users", {"id": "integer"}))))
    lines = [messages.record("users", {"id": 1}), messages.complete("users")]

    used = imported(
        "-m",
        f"connectors.{destination}",
        *("write", "--config", str(config), "--catalog", str(catalog)),
        stdin=b"".join(lines),
    )

    assert used & (DRIVERS | {"numpy.ma", "rich"}) == {driver}


@pytest.mark.parametrize(
    ("destination", "driver", "config"),
    [
        ("duckdb", "duckdb", {"destination_path": ":memory:"}),
        ("postgres", "psycopg", {"host": "localhost", "database": "it", "username": "loader"}),
    ],
)
def test_a_missing_driver_is_reported_with_the_extra_that_brings_it(
    tmp_path: Path, destination: str, driver: str, config: dict[str, Any]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))

    told = without(driver, destination, "check", "--config", str(path))

    error = next(message["trace"]["error"] for message in told if message["type"] == "TRACE")
    assert error["failure_type"] == "config_error"
    assert f"needs the Python package {driver}, which is not installed" in error["message"]
    assert f"pip install 'dataflow-destinations[{destination}]'" in error["message"]
    assert told[-1]["connectionStatus"]["status"] == "FAILED"


def test_spec_needs_no_driver() -> None:
    (told,) = without("duckdb", "duckdb", "spec")

    assert told["type"] == "SPEC"
