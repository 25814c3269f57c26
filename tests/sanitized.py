"""`make sanitize`: the libraries in C under the compiler's sanitizers, over arbitrary and damaged input.

What reads beyond its memory, or does what C leaves undefined, ends the run with a report. Needs gcc and its libraries
(Debian: they come with gcc).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import connectors.postgres.encoding
import dataflow.input.compiled
from dataflow.native.build import LIBRARIES, compile_library

SANITIZERS = ("address", "undefined")
FLAGS = ("-std=c11", "-O1", "-g", "-fPIC", "-shared", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
TESTS = (
    "tests/dataflow/input/test_roads.py",
    "tests/dataflow/input/test_packer.py",
    "tests/connectors/postgres/test_encoding.py",
)
# In the process that tests: the folder with the libraries that it is to load.
FOLDER = "SANITIZED_LIBRARIES"


def main() -> int:
    """Make the libraries, then test with them in a process that has loaded the sanitizers first."""
    if (made := os.environ.get(FOLDER)) is not None:
        dataflow.input.compiled.LIBRARY = Path(made) / dataflow.input.compiled.LIBRARY.name
        connectors.postgres.encoding.LIBRARY = Path(made) / connectors.postgres.encoding.LIBRARY.name
        return pytest.main(["-q", "-p", "no:cacheprovider", *TESTS, *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as folder:
        for library in LIBRARIES:
            flags = [*FLAGS, *(f"-fsanitize={name}" for name in SANITIZERS)]
            compile_library(Path(folder) / library.name, library.parent, flags)
        environment = {
            "LD_PRELOAD": ":".join(map(_library, ("libasan.so", "libubsan.so"))),
            # Python itself never frees all it has.
            "ASAN_OPTIONS": "detect_leaks=0",
            FOLDER: folder,
        }
        again = [sys.executable, "-m", "tests.sanitized", *sys.argv[1:]]
        return subprocess.run(again, env={**os.environ, **environment}, check=False).returncode


def _library(name: str) -> str:
    found = subprocess.run(
        [os.environ.get("CC", "cc"), f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
