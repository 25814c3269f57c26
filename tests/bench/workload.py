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
        (name,) = self.streams
        return name

    @property
    def streams(self) -> list[str]:
        """The names of its streams; their namespace is `bench`."""
        entries = json.loads(self.catalog.read_text())["streams"]
        return [str(entry["stream"]["name"]) for entry in entries]

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


def interleaved(work: Workload, streams: int) -> Workload:
    """The same records, dealt out to this many streams one by one, each with a STATE and a COMPLETE at the end."""
    made = Workload(work.folder, f"{work.name}-{streams}-streams")
    if made.messages.exists():
        return made
    names = [f"{work.stream}_{number:02}" for number in range(streams)]
    (entry,) = json.loads(work.catalog.read_text())["streams"]
    entries = [{**entry, "stream": {**entry["stream"], "name": name}} for name in names]
    made.catalog.write_text(json.dumps({"streams": entries}))
    written = made.messages.with_suffix(".part")
    with work.messages.open("rb") as lines, written.open("wb") as out:
        old = work.stream.encode()
        dealt = 0
        for line in lines:
            if line.startswith(b'{"type":"RECORD"'):
                out.write(line.replace(old, names[dealt % streams].encode(), 1))
                dealt += 1
            elif b'"COMPLETE"' in line:
                for name in names:
                    out.write(line.replace(old, name.encode(), 1))
    written.rename(made.messages)
    return made
