"""A sync whose source completes every stream at once, for comparing what is sent with what was rehearsed."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract import Connector
from connectors.engine.dry_run.plan import Plan
from connectors.engine.process.outlet import ProcessOutlet
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from connectors.engine.sync.transactions import RetryPolicy
from connectors.testkit.harness.messages import catalog, complete
from dataflow.catalog import read_catalog


def sync(connector: Connector, *streams: Mapping[str, Any], sent: Sequence[bytes] = ()) -> bool:
    """Whether the sync of these streams succeeded."""
    names = [each["stream"]["name"] for each in streams]
    with tempfile.TemporaryFile() as source:
        source.writelines([*sent, *(map(complete, names) if not sent else ())])
        source.seek(0)
        return run_sync(
            Sync(
                run="real",
                connector=connector,
                streams=read_catalog(catalog(*streams)),
                source=source.fileno(),
                outlet=ProcessOutlet(io.BytesIO(), connector.runtime),
                keep=lambda _: None,
                retry=RetryPolicy(attempts=1),
            )
        )


def statements(plan: Plan) -> list[str]:
    """The texts of all statements, in their order."""
    steps = [step for stream in plan.streams for step in stream.steps]
    return [each.text for each in (*plan.set_up, *(each for step in steps for each in step.statements))]
