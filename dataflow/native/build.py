"""Compiles our libraries in C when the package is built: into a wheel, or in place for a checkout that is installed
editable. Adds a second copy of the launcher, beside the packages.

Needs a C compiler, `cc` or what CC names, and nothing of Python's: a library is loaded by the module that calls it.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

HERE = Path(__file__).parent
READER = HERE / "reader.so"
LIBRARIES = (READER, HERE.parents[1] / "connectors" / "postgres" / "native" / "encoder.so")
LAUNCHER, LAUNCHED = "connectors/launcher.py", "dataflow_destinations.py"
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared")


class NativeLibraries(BuildHookInterface[BuilderConfig]):
    """hatchling's hook."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the libraries packed into a wheel that says for which machines it is."""
        for library in LIBRARIES:
            compile_library(library, library.parent, FLAGS)
            build_data["artifacts"].append(str(library.relative_to(self.root)))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform()}"
        # A file of the checkout would be moved there. A copy from elsewhere is added.
        self._folder = Path(tempfile.mkdtemp())
        copy = shutil.copy(Path(self.root) / LAUNCHER, self._folder)
        build_data["force_include"][str(copy)] = LAUNCHED

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        shutil.rmtree(self._folder)


def compile_library(library: Path, sources: Path, flags: Sequence[str]) -> None:
    """Make the library of a folder's C. It takes the place of an older one at once, which may be in use."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    files = sorted(map(str, sources.glob("*.c")))
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        try:
            subprocess.run([*compiler, *flags, "-o", made, *files], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"Dataflow has libraries in C, and {shlex.join(compiler)} could not build {library.name}: {error}."
                " Install a C compiler (Debian and Ubuntu: apt-get install gcc libc6-dev), or set CC to yours."
            ) from error
        made.replace(library)


def _platform() -> str:
    """This machine's, as a wheel names it: the plain one, since nobody looked for which others it would do."""
    names = (tag.platform for tag in sys_tags())
    return next(name for name in names if not name.startswith(("manylinux", "musllinux")))
