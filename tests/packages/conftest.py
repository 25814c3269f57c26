"""One environment per extra, each made once."""

from pathlib import Path

import pytest

from tests.packages.installed import Installed, build, install


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def duckdb(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """`pip install dataflow-destinations[duckdb]`, and nothing else."""
    return install(wheel, "duckdb", tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="session")
def postgres(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """`pip install dataflow-destinations[postgres]`, and nothing else."""
    return install(wheel, "postgres", tmp_path_factory.mktemp("postgres"))
