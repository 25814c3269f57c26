"""The folders of the kit's tests, for databases that are files. They are in memory, like the tests' servers."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connectors.testkit.harness.destination import Suite
from tests.servers.embedded import ENOUGH, MEMORY


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of the test's own. The kit's is in memory: no test of the kit cuts a machine's power."""
    if request.cls is not None and issubclass(request.cls, Suite):
        return Path(request.getfixturevalue("fast_folder"))
    return tmp_path


@pytest.fixture
def fast_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the test's own. In memory, if there is enough; a commit need not wait for a disk there."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ENOUGH:
        yield tmp_path_factory.mktemp("kit")
        return
    with TemporaryDirectory(prefix="kit_", dir=MEMORY) as folder:
        yield Path(folder)
