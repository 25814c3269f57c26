"""The commands of the installed wheel: nothing was left behind in the checkout. Whole syncs have their own tests."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from connectors import contract, sql, testkit
from tests.documented import commands, examples
from tests.environments import CHECKOUT
from tests.extras import DRIVERS, PROJECT
from tests.packages.installed import Installed
from tests.servers.address import Address
from tests.whole import messages
from tests.whole.command import blob

pytestmark = pytest.mark.elsewhere

PAGE = "docs/packaging.md"
FACES = (contract, sql, testkit)
CATALOG = messages.catalog(messages.stream("users", {"id": "integer"}))
LINES = (
    messages.record("users", {"id": 1}) + messages.state("users", "s1", count=1) + messages.complete("users")
)


def test_the_wheel_holds_the_three_packages_their_launcher_and_no_test(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    folders = {name.partition("/")[0] for name in names if "/" in name and ".dist-info/" not in name}
    assert folders == {"dataflow", "machines", "connectors"}
    assert [name for name in names if "/" not in name] == ["dataflow_destinations.py"]
    modules = {
        path.relative_to(CHECKOUT).as_posix() for each in folders for path in (CHECKOUT / each).rglob("*.py")
    }
    assert modules - set(names) == {"dataflow/native/build.py"}
    assert {f"{folder}/py.typed" for folder in folders} <= set(names)
    assert "connectors/testkit/plugin.py" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def type_checked(installed: Installed, folder: Path, *names: str) -> str:
    """What mypy says of modules in a folder, with what is installed there."""
    config = "[mypy]\nstrict = true\n[mypy-pyarrow.*]\nignore_missing_imports = true\n"
    (folder / "mypy.ini").write_text(config)
    python = str(installed.folder / "bin" / "python")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--python-executable",
        python,
        "--config-file",
        "mypy.ini",
        *names,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_a_connector_elsewhere_is_checked_against_our_types(duckdb: Installed, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    duckdb.run("dataflow", "new-connector", "lake", "--out", lake)
    faces = [f"from {face.__name__} import {name} as {name}\n" for face in FACES for name in face.__all__]
    (lake / "faces.py").write_text("".join(faces))

    found = type_checked(duckdb, lake, "destination_lake", "faces.py")

    assert found.startswith("Success: no issues found in ")


def test_a_mistake_of_a_connector_elsewhere_is_found(duckdb: Installed, tmp_path: Path) -> None:
    mistake = "from connectors.contract import LedgerEntry\n\nLedgerEntry(table='users')\n"
    (tmp_path / "mistaken.py").write_text(mistake)

    found = type_checked(duckdb, tmp_path, "mistaken.py")

    assert 'mistaken.py:3: error: Argument "table" to "LedgerEntry" has incompatible type "str"' in found


@pytest.mark.parametrize("destination", DRIVERS)
def test_spec_answers_whatever_driver_is_installed(duckdb: Installed, destination: str) -> None:
    (told,) = duckdb.messages(f"destination-{destination}", "spec")

    assert told["spec"]["supported_destination_sync_modes"] == ["overwrite", "append", "append_dedup"]


def test_duckdb_loads_and_its_journal_replays(duckdb: Installed) -> None:
    config = duckdb.file("config.json", {"destination_path": str(duckdb.folder / "it.duckdb")})
    catalog = duckdb.file("catalog.json", CATALOG)
    journal = duckdb.folder / "journal.jsonl"

    (checked,) = duckdb.messages("destination-duckdb", "check", "--config", config)
    files = ("--config", config, "--catalog", catalog, "--journal", journal)
    told = duckdb.messages("destination-duckdb", "write", *files, stdin=LINES)
    replayed = duckdb.run("dataflow", "replay", journal)

    assert checked["connectionStatus"]["status"] == "SUCCEEDED"
    assert [blob(message) for message in told if message["type"] == "STATE"] == ["s1"]
    assert "users: " in replayed
    assert replayed.endswith("ends in done\n")


def test_postgres_loads(postgres: Installed, postgres_database: Address) -> None:
    config = postgres.file("config.json", postgres_database.destination_config())
    catalog = postgres.file("catalog.json", CATALOG)

    (checked,) = postgres.messages("destination-postgres", "check", "--config", config)
    files = ("--config", config, "--catalog", catalog)
    told = postgres.messages("destination-postgres", "write", *files, stdin=LINES)

    assert checked["connectionStatus"]["status"] == "SUCCEEDED"
    assert [blob(message) for message in told if message["type"] == "STATE"] == ["s1"]


def test_a_destination_without_its_extra_says_which(duckdb: Installed, postgres_database: Address) -> None:
    config = duckdb.file("postgres.json", postgres_database.destination_config())

    told = duckdb.messages("destination-postgres", "check", "--config", config)

    assert "pip install 'dataflow-destinations[postgres]'" in told[0]["trace"]["error"]["message"]
    assert told[-1]["connectionStatus"]["status"] == "FAILED"


def test_the_machines_are_drawn_where_there_is_no_checkout(duckdb: Installed) -> None:
    assert duckdb.run("dataflow", "diagram", "stream").startswith("stateDiagram")


def test_the_version_is_the_packages(duckdb: Installed, wheel: Path) -> None:
    version = duckdb.run("destination-duckdb", "--version").strip()

    assert wheel.name.startswith(f"dataflow_destinations-{version}-")


def test_the_documented_commands_run(duckdb: Installed) -> None:
    ours = [each.split() for each in commands(PAGE) if each.startswith(("destination-", "dataflow "))]

    assert len(ours) == 5
    for program, *arguments in ours:
        assert duckdb.run(program, *arguments)


def test_the_documented_extras_exist() -> None:
    named = set(re.findall(r"dataflow-destinations\[(\w+)\]", (CHECKOUT / PAGE).read_text()))

    assert named == PROJECT["optional-dependencies"].keys()


def test_the_documented_pin_takes_this_version_and_not_the_next_minor_one() -> None:
    (example,) = examples(PAGE, "toml")
    pin, _ = map(Requirement, tomllib.loads(example)["project"]["dependencies"])

    assert PROJECT["version"] in pin.specifier
    assert "0.1.9" in pin.specifier
    assert "0.2.0" not in pin.specifier
