"""What a command says when a folder of the user's hides one of our packages."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.launcher import OURS, hidden
from tests.starting import installed

SCRIPTS = Path(sys.executable).parent


def ran(*command: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    environment: Mapping[str, str] = installed() | more
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def hides(folder: Path, name: str, kind: str) -> Path:
    """A package or a module of the user's with this name."""
    if kind == "module":
        (place := folder / f"{name}.py").touch()
    else:
        (place := folder / name).mkdir()
        (place / "__init__.py").touch()
    return place


@pytest.mark.parametrize("kind", ["package", "module"])
@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("command", ["dataflow", "destination-sqlite"])
def test_a_command_names_what_hides_our_package_on_pythons_path(
    tmp_path: Path, command: str, name: str, kind: str
) -> None:
    place = hides(tmp_path, name, kind)

    done = ran(str(SCRIPTS / command), "--help", cwd=Path("/"), PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{str(place)!r} hides the package {name} of dataflow-destinations")


@pytest.mark.parametrize("name", ["machines", "dataflow"])
def test_a_module_names_what_hides_our_package_in_the_working_directory(tmp_path: Path, name: str) -> None:
    place = hides(tmp_path, name, "package")

    done = ran(sys.executable, "-m", "connectors.sqlite", "spec", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert f"{str(place)!r} hides the package {name} of dataflow-destinations" in line


@pytest.mark.parametrize("name", OURS)
def test_a_command_is_not_kept_from_its_work_by_a_folder_in_the_working_directory(
    tmp_path: Path, name: str
) -> None:
    hides(tmp_path, name, "package")

    done = ran(str(SCRIPTS / "destination-sqlite"), "spec", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_path_cannot_give_orders_to_a_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[2J"
    folder.mkdir()
    hides(folder, "connectors", "package")

    done = ran(str(SCRIPTS / "dataflow"), cwd=Path("/"), PYTHONPATH=str(folder))

    assert "hides the package connectors" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_command_looks_once_for_each_of_our_packages() -> None:
    script = (
        "import collections, importlib.util as util, sys; asked = collections.Counter(); find = util.find_spec;"
        "util.find_spec = lambda name, *more: (asked.update([name]), find(name, *more))[1];"
        "import atexit; atexit.register(lambda: print(sorted(asked.items())));"
        "import dataflow_destinations; sys.argv = ['dataflow', '--help']; dataflow_destinations.dataflow()"
    )

    done = ran(sys.executable, "-c", script, cwd=Path("/"))

    assert done.stdout.splitlines()[-1] == str([(name, 1) for name in sorted(OURS)])


def test_the_import_of_our_packages_loads_no_engine() -> None:
    script = "import sys, connectors; print(*sorted(name for name in sys.modules if 'connectors' in name))"

    done = ran(sys.executable, "-c", script, cwd=Path("/"))

    assert done.stdout.split() == ["connectors", "connectors.launcher", "connectors.moved"]


def test_our_own_packages_hide_nothing() -> None:
    assert hidden(*OURS) == ""
