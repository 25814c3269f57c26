"""A connector outside of this repository: written by the command, installed, found, held to the kit."""

import json
import re
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from attrs import frozen
from packaging.requirements import Requirement
from packaging.version import Version

from connectors.engine.commands import parse
from connectors.engine.process.registry import find, registered
from connectors.testkit.harness.messages import catalog, complete, record, state, users
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from tests.starting import installed

TIMEOUT = 300
# Every kind of test in the kit, few of each: the whole of it runs on the original.
SOME = "read_back or upsert or leaves_the_latest or after_a_changeset or resumes or held_as_it_was_saved or clear"


@frozen
class Model:
    """What a generated connector is made from: how that is asked for, and what is then there."""

    like: tuple[str, ...]
    modules: set[str]
    option: str
    users: str


SKELETON = Model((), {"client", "config", "connector", "dialect"}, "path", "public.users")
SQLITE = Model(
    ("--like", "sqlite"),
    {"client", "columns", "config", "connection", "connector", "sql"},
    "destination_path",
    "users",
)


@frozen
class Installed:
    """A generated connector, installed beside the engine and not into it."""

    model: Model
    folder: Path
    site: Path

    def run(self, *command: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """A command that finds it."""
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            cwd=self.folder,
            env=installed() | {"PYTHONPATH": str(self.site)},
            timeout=TIMEOUT,
            check=False,
        )

    @property
    def script(self) -> str:
        return str(self.site / "bin" / "destination-blue_lake")


def new(*arguments: str) -> int:
    given = parse(["new-connector", *arguments])
    code: int = given.module.run(given)
    return code


@pytest.fixture(scope="module", params=[SKELETON, SQLITE], ids=["skeleton", "like sqlite"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    model: Model = request.param
    folder = tmp_path_factory.mktemp("new") / "lake"
    site = folder.parent / "site"
    assert new("blue_lake", "--out", str(folder), *model.like) == 0
    # No network: what it needs is here.
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", str(site), str(folder)], check=True, timeout=TIMEOUT)
    return Installed(model, folder, site)


def test_it_is_a_package_of_these_modules_and_registers_itself(lake: Installed) -> None:
    modules = {path.stem for path in (lake.folder / "destination_blue_lake").glob("*.py")}

    listed = lake.run(str(Path(sys.executable).with_name("dataflow")), "destinations")

    assert modules == {"__init__", "__main__", *lake.model.modules}
    assert b"blue_lake (destination-blue_lake 0.1.0)" in listed.stdout


def test_it_pins_the_engine_to_the_versions_of_one_contract(lake: Installed) -> None:
    engine = Version(version("dataflow-destinations"))
    project = tomllib.loads((lake.folder / "pyproject.toml").read_text())["project"]

    (wanted,) = map(Requirement, project["dependencies"])

    assert wanted.name == "dataflow-destinations"
    assert wanted.specifier.contains(f"{engine}")
    assert wanted.specifier.contains(f"{engine.major}.{engine.minor}.{engine.micro + 1}")
    assert not wanted.specifier.contains(f"{engine.major}.{engine.minor + 1}.0")


def test_it_names_no_model_no_product_and_no_page_of_ours(lake: Installed) -> None:
    """Nobody publishes a destination with another's title, or with an address that is not there."""
    spec = json.loads(lake.run(lake.script, "spec").stdout)["spec"]
    texts = [path.read_text() for path in lake.folder.rglob("*") if path.suffix in (".py", ".md", ".toml")]

    assert spec["connectionSpecification"]["title"] == "BlueLake Destination Spec"
    assert "documentationUrl" not in spec
    assert [
        text for text in texts if re.search(r"https?:|skeleton|connectors\.template", text, re.IGNORECASE)
    ] == []


def test_it_passes_the_kit(lake: Installed) -> None:
    ran = lake.run(sys.executable, "-m", "pytest", "-q", "-k", SOME, "-p", "no:cacheprovider")

    assert b" passed" in ran.stdout, ran.stdout.decode()
    assert ran.returncode == 0, ran.stdout.decode()


def test_it_writes_for_real(lake: Installed, tmp_path: Path) -> None:
    file = tmp_path / "it.db"
    (tmp_path / "config.json").write_text(json.dumps({lake.model.option: str(file)}))
    (tmp_path / "catalog.json").write_bytes(catalog(users(Strategy.DEDUP_TRUNCATE)))
    sent = [record("users", id=1, name="old"), record("users", id=1, name="new"), state("users", 2)]

    said = lake.run(lake.script, "--version")
    ran = lake.run(
        lake.script,
        *("write", "--config", str(tmp_path / "config.json"), "--catalog", str(tmp_path / "catalog.json")),
        given=b"".join([*sent, complete("users")]),
    )

    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(f'SELECT id, name FROM "{lake.model.users}"').fetchall()
    assert said.stdout.strip() == b"0.1.0"
    assert (ran.returncode, rows) == (0, [(1, "new")])
    assert b'"STATE"' in ran.stdout


def test_its_plan_passes_over_what_is_sqlites_own(lake: Installed, tmp_path: Path) -> None:
    """SQLite keeps its name where a table of its own is meant, here the one that counts for AUTOINCREMENT."""
    with closing(sqlite3.connect(tmp_path / "it.db")) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    (tmp_path / "config.json").write_text(json.dumps({lake.model.option: str(tmp_path / "it.db")}))
    (tmp_path / "catalog.json").write_bytes(catalog(users(Strategy.APPEND)))

    planned = lake.run(
        *(str(Path(sys.executable).with_name("dataflow")), "plan", "--connector", "blue_lake"),
        *("--config", str(tmp_path / "config.json"), "--catalog", str(tmp_path / "catalog.json")),
    )

    assert (planned.returncode, planned.stderr) == (0, b"")
    assert b"Nothing was changed by this plan." in planned.stdout


@pytest.mark.parametrize("name", ["Lake", "7lake", "la-ke", "", "class", "../lake"])
def test_a_name_that_cannot_be_a_packages_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        new(name, "--out", str(tmp_path / "out"))

    assert not (tmp_path / "out").exists()


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sqlite is already installed"):
        new("sqlite", "--out", str(tmp_path / "out"))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    with pytest.raises(ConfigError, match="not empty"):
        new("lake", "--out", str(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("below", [(), ("lake",)], ids=["the file", "below it"])
def test_a_file_where_the_folder_should_be_is_left_alone(tmp_path: Path, below: tuple[str, ...]) -> None:
    file = tmp_path / "mine"
    file.write_text("mine")

    with pytest.raises(ConfigError, match="cannot be created: Not a directory"):
        new("lake", "--out", str(file.joinpath(*below)))

    assert file.read_text() == "mine"


def test_our_own_connectors_are_registered_in_the_same_way() -> None:
    assert {each.name for each in registered()} >= {"duckdb", "memory", "postgres", "sqlite"}
    assert find("sqlite").definition().name == "sqlite"


def test_a_destination_that_is_not_installed_is_reported_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"destination lake is not installed here, only .*sqlite"):
        find("lake")
