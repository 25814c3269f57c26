"""Sources from PyPI, piped into each destination: every record is there, once, and the source's last STATE was emitted.

A share of the records here; all of a million by `make test-clients ARGS="-m campaign"`.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.clients.client import OURS
from tests.environments import CLIENTS, SOURCES, Environment
from tests.whole.command import Destination

pytestmark = pytest.mark.elsewhere

MILLION = 1_000_000


@frozen
class Source:
    """A source's command, and the one of its streams that is read."""

    program: str
    home: Environment
    stream: str
    # The part of its configuration beside `count`, the number of records.
    config: Mapping[str, Any] = {}

    def catalog(self, config: Path) -> dict[str, Any]:
        """Its stream, all of it, to be appended."""
        done = subprocess.run(
            [self.home.programs / self.program, "discover", "--config", config],
            capture_output=True,
            check=True,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        (found,) = [
            stream
            for message in messages
            if message["type"] == "CATALOG"
            for stream in message["catalog"]["streams"]
            if stream["name"] == self.stream
        ]
        generation = {"generation_id": 1, "minimum_generation_id": 0, "sync_id": 1}
        modes = {"sync_mode": "full_refresh", "destination_sync_mode": "append"}
        return {"streams": [{"stream": found, **modes, **generation}]}


FAKER = Source("source-faker", SOURCES, "users", {"seed": 1, "parallelism": 2, "always_updated": False})
HARDCODED = Source("source-hardcoded-records", CLIENTS, "products")


def pipe(source: Source, destination: Destination, config: str, catalog: str) -> list[dict[str, Any]]:
    """`source read ... | destination write ...`; what the destination emitted. Both must end well."""
    read: list[str | Path] = [
        source.home.programs / source.program,
        "read",
        "--config",
        config,
        "--catalog",
        catalog,
    ]
    where = destination.file("destination.json", destination.config)
    write: list[str | Path] = [
        OURS / f"destination-{destination.name}",
        "write",
        "--config",
        where,
        "--catalog",
        catalog,
    ]
    with subprocess.Popen(read, stdout=subprocess.PIPE) as reading:
        writing = subprocess.run(write, stdin=reading.stdout, stdout=subprocess.PIPE, check=False)
        assert reading.stdout is not None
        reading.stdout.close()
    assert (reading.returncode, writing.returncode) == (0, 0), writing.stdout.decode()[-2000:]
    return [json.loads(line) for line in writing.stdout.splitlines()]


@pytest.mark.usefixtures("_environments")
@pytest.mark.parametrize(
    ("source", "records"),
    [
        pytest.param(FAKER, 10_000, id="faker"),
        pytest.param(HARDCODED, 50_000, id="hardcoded"),
        pytest.param(FAKER, MILLION, id="faker-million", marks=pytest.mark.campaign),
        pytest.param(HARDCODED, MILLION, id="hardcoded-million", marks=pytest.mark.campaign),
    ],
)
def test_every_record_arrives_once(destination: Destination, source: Source, records: int) -> None:
    config = destination.file("source.json", {**source.config, "count": records})
    catalog = source.catalog(Path(config))

    told = pipe(source, destination, config, destination.file("catalog.json", catalog))

    found = destination.query(
        f'SELECT count(*), count(DISTINCT _airbyte_raw_id) FROM "{destination.namespace}"."{source.stream}"'
    )
    assert list(map(tuple, found)) == [(records, records)]
    assert [message["type"] for message in told].count("STATE") >= 1
