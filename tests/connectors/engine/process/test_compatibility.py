"""A destination of another package that was written for another engine: refused in a sentence, wherever it is found."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.contract import CONTRACT
from connectors.engine.process.compatibility import expect_our_contract
from connectors.engine.process.registry import connector_of, find, registered
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM, Runtime
from tests.starting import installed

DATAFLOW = Path(sys.executable).with_name("dataflow")
ENGINE = f"dataflow-destinations {version('dataflow-destinations')}"


class Outside:
    """A destination of another package."""

    name: ClassVar[str] = "outside"
    contract: ClassVar[int] = CONTRACT

    def spec(self) -> Mapping[str, Any]:
        return {}

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> Any:
        raise AssertionError("it must not be asked")


class Older(Outside):
    contract: ClassVar[int] = CONTRACT - 1


class Newer(Outside):
    contract: ClassVar[int] = CONTRACT + 1


class Unnumbered:
    """One that was written before contracts had numbers."""

    name: ClassVar[str] = "outside"
    spec = Outside.spec
    connector = Outside.connector


@pytest.mark.parametrize(
    ("definition", "contract"),
    [
        (Older(), f"contract {CONTRACT - 1}"),
        (Newer(), f"contract {CONTRACT + 1}"),
        (Unnumbered(), "a contract without a number"),
    ],
)
def test_a_destination_for_another_contract_is_refused_with_both_numbers(
    definition: Any, contract: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        connector_of(definition, {}, "run", SYSTEM)

    assert caught.value.message == (
        f"The destination outside was written for {contract}, but this engine, {ENGINE}, has contract {CONTRACT}."
    )
    assert f"a release of tests for contract {CONTRACT}" in caught.value.remedy


def test_a_destination_for_this_contract_is_taken() -> None:
    expect_our_contract(Outside())


@pytest.mark.parametrize("name", [each.name for each in registered()])
def test_our_own_destinations_are_for_this_contract(name: str) -> None:
    assert find(name).definition().contract == CONTRACT


# -- as a command finds it

NEWER = f"""
class Definition:
    name, contract = "lake", {CONTRACT + 1}
DEFINITION = Definition()
"""
WITH_AN_OLD_IMPORT = "from connectors.ledger import LedgerEntry\n"
DEFECTIVE = "DEFINITION = 1 / 0\n"


def destinations(folder: Path, module: str) -> list[str]:
    """What `dataflow destinations` prints where a package `lake` consists of this module."""
    (folder / "lake.py").write_text(module)
    about = folder / "lake-2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lake\nVersion: 2.0\n")
    (about / "entry_points.txt").write_text("[dataflow.destinations]\nlake = lake:DEFINITION\n")
    done = subprocess.run(
        [DATAFLOW, "destinations"],
        env=installed() | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("module", "trouble"),
    [
        (
            NEWER,
            f"was written for contract {CONTRACT + 1}, but this engine, {ENGINE}, has contract {CONTRACT}.",
        ),
        (WITH_AN_OLD_IMPORT, "The module connectors.ledger has moved: import from connectors.contract"),
        (DEFECTIVE, "The destination lake cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_the_list_of_destinations_says_which_of_them_cannot_be_used(
    tmp_path: Path, module: str, trouble: str
) -> None:
    listed = destinations(tmp_path, module)

    (lake,) = (line for line in listed if line.startswith("lake"))
    assert lake.startswith("lake (lake 2.0): The destination lake ")
    assert trouble in lake
    assert f"sqlite (dataflow-destinations {version('dataflow-destinations')})" in listed
