"""Runs the programs of the clients' environment: offline, untracked, and with all they leave behind in one folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.environments import CLIENTS

DRIVER = Path(__file__).with_name("drive.py")
# The folder of our own commands.
OURS = Path(sys.executable).parent
# Nobody listens there: what would leave the machine all the same is refused at once.
NOBODY = "http://127.0.0.1:9"


@frozen
class Client:
    """PyAirbyte, with a folder that is its home."""

    folder: Path

    def settings(self) -> dict[str, str]:
        """The environment it runs in. The first two are what docs/clients.md asks everybody to set."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRBYTE_", "PYTHON"))
        }
        return kept | {
            "AIRBYTE_OFFLINE_MODE": "1",
            "DO_NOT_TRACK": "1",
            "AIRBYTE_PROJECT_DIR": str(self.folder),
            "AIRBYTE_LOGGING_ROOT": str(self.folder / "logs"),
            "HOME": str(self.folder),
            "HTTP_PROXY": NOBODY,
            "HTTPS_PROXY": NOBODY,
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(CLIENTS.programs), str(OURS), os.environ.get("PATH", os.defpath)]),
        }

    def run(self, *command: str | Path, stdin: str = "") -> str:
        """What a command prints; AssertionError, with its words, when it fails."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.settings(),
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def write(self, jobs: Sequence[Mapping[str, Any]]) -> list[int]:
        """Have it write each job's records (tests/clients/drive.py); how many it says it wrote."""
        answers = self.folder / "answers.json"
        lines = "".join(f"{json.dumps(job)}\n" for job in jobs)
        self.run(CLIENTS.programs / "python", DRIVER, answers, stdin=lines)
        told: list[int] = json.loads(answers.read_text())
        return told

    def shell(self, line: str) -> str:
        """What a line prints that a person could type."""
        return self.run("sh", "-ec", line)
