"""PyAirbyte's own smoke test of destinations: every scenario it has, by the command of docs/clients.md."""

import json

import pytest

from tests.clients.client import Client
from tests.documented import command
from tests.whole.command import Destination

pytestmark = pytest.mark.elsewhere

STREAMS = 22
RECORDS = 1059


def test_every_scenario_is_delivered(client: Client, destination: Destination) -> None:
    line = command("docs/clients.md", "pyab").replace("destination-duckdb", f"destination-{destination.name}")
    (client.folder / "destination.json").write_text(json.dumps(destination.config))

    told = client.shell(line)

    # It says a few words of its own before.
    result = json.loads(told[told.index("{\n") :])
    tables = destination.query(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{result['namespace']}'"
    )
    keyed = destination.query(
        f'SELECT id, updated_value FROM "{result["namespace"]}".duplicate_primary_keys ORDER BY id'
    )
    assert (result["success"], result["error"], result["preflight_passed"]) == (True, None, True)
    assert result["records_delivered"] == RECORDS
    # One for each stream, and that of the check that comes before.
    assert len(tables) == STREAMS + 1
    assert list(map(tuple, keyed)) == [(1, "third"), (2, "second"), (3, "first")]
