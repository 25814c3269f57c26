"""A workload of the generator, made once per checkout and kept under .bench/. Runs nothing against a database."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".bench"


@frozen
class Workload:
    """A generated load: its messages, its catalog and what a correct load of it holds."""

    folder: Path
    name: str

    @property
    def messages(self) -> Path:
        """Airbyte messages, one per line."""
        return self.folder / f"{self.name}.airbyte.ndjson"

    @property
    def catalog(self) -> Path:
        """The configured catalog."""
        return self.folder / f"{self.name}.catalog.json"

    @property
    def stream(self) -> str:
        """The name of its one stream; its namespace is `bench`."""
        return str(self._manifest["stream"])

    @property
    def expected(self) -> dict[str, int]:
        """Rows, distinct ids and sums of a correct load."""
        return dict(self._manifest["expected"])

    @property
    def _manifest(self) -> dict[str, dict[str, int]]:
        text = (self.folder / f"{self.name}.manifest.json").read_text()
        return dict(json.loads(text))


def workload(schema: str, mode: str, records: int, *options: str) -> Workload:
    """The workload, made now if it was not made before. `options` are the generator's, such as --dirty."""
    folder = KEPT / "-".join(["workload", *options]).replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    made = Workload(folder, f"{schema}-{mode}-{records}")
    # Two test workers may want the same one.
    with (folder / f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / f"{made.name}.manifest.json").exists():
            arguments = ["--n", str(records), "--schema", schema, "--mode", mode, "--out", str(folder)]
            subprocess.run(
                [
                    sys.executable,
                    str(Path(__file__).with_name("gen.py")),
                    *arguments,
                    "--formats",
                    "airbyte",
                    *options,
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
    return made
