"""The skeletons of databases whose commits do not hold everything: written by the command, and cut anywhere."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.engine.commands import parse
from connectors.template.skeleton.test_contract import Look
from connectors.testkit import CheckSuite, CutSuite, Destination
from dataflow.errors import ConfigError
from machines.parts import Atomic


def new(*arguments: str) -> None:
    given = parse(["new-connector", *arguments])
    given.module.run(given)


class InParts(CheckSuite, CutSuite):
    atomic: ClassVar[Atomic]

    @pytest.fixture
    def destination(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Destination:
        name = f"of_{self.atomic}"
        new(name, "--atomic", str(self.atomic), "--out", str(tmp_path / "package"))
        monkeypatch.syspath_prepend(tmp_path / "package")
        for module in [each for each in sys.modules if each.partition(".")[0] == f"destination_{name}"]:
            monkeypatch.delitem(sys.modules, module)
        definition = importlib.import_module(f"destination_{name}").DEFINITION
        look = Look(tmp_path / "it.db")
        destination = Destination(
            definition=definition,
            options={"path": str(tmp_path / "it.db")},
            soft_delete={},
            read=look.read,
            tables=look.tables,
        )
        assert destination.connector().atomic is self.atomic
        return destination


class TestRows(InParts):
    atomic = Atomic.ROWS


class TestStatement(InParts):
    atomic = Atomic.STATEMENT


class TestTable(InParts):
    atomic = Atomic.TABLE


@pytest.mark.parametrize("atomic", [each for each in Atomic if each is not Atomic.EVERYTHING])
def test_the_skeletons_own_tests_pass_as_they_are_written(atomic: Atomic, tmp_path: Path) -> None:
    """As the guide for authors has them run first."""
    new("lake", "--atomic", str(atomic), "--out", str(tmp_path / "lake"))

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "check", "-p", "no:cacheprovider"],
        cwd=tmp_path / "lake",
        env={**os.environ, "PYTHONPATH": f"{tmp_path / 'lake'}{os.pathsep}{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout


def test_a_copy_of_a_connector_has_the_class_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="A connector like sqlite makes everything durable in one commit"):
        new("lake", "--like", "sqlite", "--atomic", "rows", "--out", str(tmp_path / "lake"))
