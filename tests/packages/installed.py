"""The wheel, built from the checkout and installed where there is nothing else: once per extra, by its lock."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.environments import CHECKOUT


@frozen
class Installed:
    """An environment that holds the wheel and what one extra brings."""

    extra: str
    folder: Path

    def run(self, command: str, *arguments: str | Path, stdin: bytes = b"", code: int = 0) -> str:
        """What one of its commands prints, run far from the checkout."""
        done = subprocess.run(
            [self.folder / "bin" / command, *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            check=False,
        )
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode()

    def messages(self, command: str, *arguments: str | Path, stdin: bytes = b"") -> list[dict[str, Any]]:
        """The Airbyte messages that one of its destinations writes."""
        return [json.loads(line) for line in self.run(command, *arguments, stdin=stdin).splitlines()]

    def file(self, name: str, content: Mapping[str, Any]) -> Path:
        """A JSON file beside it."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


def build(folder: Path) -> Path:
    """The wheel, as the build backend makes it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, extra: str, folder: Path) -> Installed:
    """An environment with the wheel, and with what the extra's lock lists."""
    venv.create(folder, symlinks=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder,
        "--disable-pip-version-check",
        "--no-input",
        "-qq",
    ]
    locked: list[str | Path] = [
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
        CHECKOUT / f"requirements-{extra}.lock",
    ]
    commands: list[list[str | Path]] = [
        [*pip, "install", "--no-compile", *locked],
        [*pip, "install", "--no-index", "--no-deps", wheel],
        # Whether what the wheel says of itself is what the lock brought.
        [*pip, "check"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return Installed(extra, folder)
