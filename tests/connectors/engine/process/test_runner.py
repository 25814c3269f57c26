"""What a destination's process does with its standard output."""

import json
import os
import subprocess
import sys

import pytest

# Two threads write lines longer than a pipe takes at once.
TWO_THREADS = """
import os, sys, threading
from connectors.engine.process.runner import Destination, standard_output
from dataflow.runtime import SYSTEM

class Long:
    name = "long"

    def spec(self):
        words = threading.current_thread().name * 100_000
        return {"words": words, "connectionSpecification": {"properties": {}}}

os.set_blocking(1, sys.argv[1] == "blocking")
destination = Destination(Long(), standard_output(), SYSTEM)
threads = [threading.Thread(target=lambda: [destination.spec() for _ in range(10)], name=name) for name in "ab"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("stdout", ["blocking", "nonblocking"])
def test_lines_of_two_threads_stay_whole(stdout: str) -> None:
    """The writer's thread warns of a retry while the owner emits a long STATE; a parent may share its own stdout."""
    with subprocess.Popen([sys.executable, "-c", TWO_THREADS, stdout], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        output = process.stdout
        lines = b"".join(iter(lambda: os.read(output.fileno(), 4096), b"")).splitlines()

    assert process.returncode == 0
    assert sorted(json.loads(line)["spec"]["words"] for line in lines) == [
        name * 100_000 for name in "ab" for _ in range(10)
    ]
