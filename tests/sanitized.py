"""`make sanitize`: the compiled reader under the compiler's sanitizers, over arbitrary and damaged input.

What reads beyond its memory, or does what C leaves undefined, ends the run with a report. Needs gcc and its libraries
(Debian: they come with gcc).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import dataflow.input.compiled
from dataflow.native.build import compile_reader

SANITIZERS = ("address", "undefined")
FLAGS = ("-std=c11", "-O1", "-g", "-fPIC", "-shared", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
TESTS = ("tests/dataflow/input/test_roads.py", "tests/dataflow/input/test_packer.py")
# In the process that tests: where the reader is that it is to load.
READER = "SANITIZED_READER"


def main() -> int:
    """Make the reader, then test with it in a process that has loaded the sanitizers first."""
    if (reader := os.environ.get(READER)) is not None:
        dataflow.input.compiled.LIBRARY = Path(reader)
        return pytest.main(["-q", "-p", "no:cacheprovider", *TESTS, *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "reader.so"
        compile_reader(made, [*FLAGS, *(f"-fsanitize={name}" for name in SANITIZERS)])
        environment = {
            "LD_PRELOAD": ":".join(map(_library, ("libasan.so", "libubsan.so"))),
            # Python itself never frees all it has.
            "ASAN_OPTIONS": "detect_leaks=0",
            READER: str(made),
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
