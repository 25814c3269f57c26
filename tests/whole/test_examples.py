"""The examples of loads by other schedulers: the commands that they run load each row once."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.environments import CHECKOUT
from tests.whole.command import TIMEOUT, Destination
from tests.whole.loading import dataflow, to
from tests.whole.places import place_of

EXAMPLES = CHECKOUT / "examples"
# Runs what it is given as Slurm would, at once and on this machine.
SBATCH = """#!/bin/sh
for last; do :; done
case "$*" in *--array=*) range=${*#*--array=}; range=${range%%%*};; *) range=1-1;; esac
for index in $(seq "${range%-*}" "${range#*-}"); do SLURM_ARRAY_TASK_ID=$index sh -c "$last" >&2 || exit 1; done
echo 7
"""


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A database to which several processes may write."""
    with place_of("postgres", request).empty(tmp_path) as made:
        yield made


@pytest.fixture
def into(postgres: Destination, tmp_path: Path) -> tuple[str, ...]:
    """What to load where: some shards."""
    path = tmp_path / "users.ndjson"
    path.write_text("".join(json.dumps({"id": number}) + "\n" for number in range(300)))
    return (str(path), *to(postgres), "--mode", "append", "--shard-bytes", "1KiB")


def environment(*folders: Path) -> dict[str, str]:
    path = os.pathsep.join([*map(str, folders), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def run(command: Sequence[str], env: dict[str, str]) -> None:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr


def expect_loaded(destination: Destination) -> None:
    assert [row[0] for row in destination.rows("users", ["id"])] == sorted(
        range(300), key=lambda n: repr((n,))
    )


def test_xargs(postgres: Destination, into: tuple[str, ...], tmp_path: Path) -> None:
    command = [str(EXAMPLES / "xargs/load.sh"), str(tmp_path / "plan.json"), "2", *into]

    run(command, environment())

    expect_loaded(postgres)


def test_slurm(postgres: Destination, into: tuple[str, ...], tmp_path: Path) -> None:
    sbatch = tmp_path / "bin/sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(SBATCH)
    sbatch.chmod(0o755)

    run([str(EXAMPLES / "slurm/load.sh"), str(tmp_path / "plan.json"), *into], environment(sbatch.parent))

    expect_loaded(postgres)


def test_kubernetes(postgres: Destination, into: tuple[str, ...], tmp_path: Path) -> None:
    job = yaml.safe_load((EXAMPLES / "kubernetes/load.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    places = {"/load/": f"{tmp_path}/", "/config/": f"{tmp_path}/"}
    dataflow("shards", "open", str(tmp_path / "plan.json"), *into)
    command = container["command"]
    for there, here in places.items():
        command = [part.replace(there, here) for part in command]

    for index in range(json.loads((tmp_path / "plan.json").read_text())["shards"]):
        run(command, environment() | {"JOB_COMPLETION_INDEX": str(index)})
    dataflow("shards", "publish", str(tmp_path / "plan.json"))

    expect_loaded(postgres)


def test_airflow(
    postgres: Destination, into: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_from_file_location("load_orders", EXAMPLES / "airflow/load.py")
    assert spec is not None
    assert spec.loader is not None
    example = module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setenv("PATH", environment()["PATH"])
    plan = str(tmp_path / "plan.json")

    for number in example.open_load(plan, [into[0]], list(into[1:])):
        example.write_shard(plan, number)
    example.publish(plan)

    expect_loaded(postgres)
