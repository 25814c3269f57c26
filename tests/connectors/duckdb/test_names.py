"""The connector and the library it is made for share a name; each import must find its own."""

import subprocess
import sys
from pathlib import Path

import duckdb

import connectors.duckdb
from tests.starting import installed


def test_the_library_and_the_connector_are_distinguished() -> None:
    assert Path(duckdb.__file__).parent.name == "duckdb"
    assert connectors.duckdb.__file__ != duckdb.__file__
    assert not hasattr(duckdb, "DEFINITION")


def test_the_connector_runs_as_a_module() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "connectors.duckdb", "spec"],
        capture_output=True,
        text=True,
        check=True,
        env=installed(),
        cwd=Path(__file__).parents[3],
    )

    assert '"destination_path"' in found.stdout
