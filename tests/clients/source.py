#!/usr/bin/env python3
"""A source whose records are its configuration: `{"stream": name, "records": [...]}`. Sends nothing of its own.

The stream has the key `id`, the cursor `id`, and goes on from the STATE it is given.
"""

import json
import sys
from pathlib import Path
from typing import Any

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": ["null", "integer"]}, "name": {"type": ["null", "string"]}},
}


def send(kind: str, member: str, body: Any) -> None:
    """One message."""
    sys.stdout.write(json.dumps({"type": kind, member: body}) + "\n")


def argument(name: str) -> Any:
    """The JSON of the file an option names; None without the option."""
    if name not in sys.argv:
        return None
    return json.loads(Path(sys.argv[sys.argv.index(name) + 1]).read_text())


def discover(name: str) -> None:
    """The one stream."""
    stream = {
        "name": name,
        "json_schema": SCHEMA,
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": True,
        "default_cursor_field": ["id"],
        "source_defined_primary_key": [["id"]],
    }
    send("CATALOG", "catalog", {"streams": [stream]})


def read(name: str, records: list[dict[str, Any]], seen: int) -> None:
    """The records whose id was not seen, a STATE, and the stream's end."""
    descriptor = {"name": name}
    status = {"stream_descriptor": descriptor, "status": "STARTED"}
    send("TRACE", "trace", {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": status})
    for data in records:
        if data["id"] > seen:
            send("RECORD", "record", {"stream": name, "emitted_at": 1_700_000_000_000, "data": data})
    state = {"seen": max([seen, *(data["id"] for data in records)])}
    body = {"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": state}}
    send("STATE", "state", body)
    status = {**status, "status": "COMPLETE"}
    send("TRACE", "trace", {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": status})


def main() -> None:
    """The protocol's commands."""
    config = argument("--config")
    match sys.argv[1]:
        case "spec":
            send("SPEC", "spec", {"connectionSpecification": {"type": "object", "properties": {}}})
        case "check":
            send("CONNECTION_STATUS", "connectionStatus", {"status": "SUCCEEDED"})
        case "discover":
            discover(config["stream"])
        case "read":
            states = argument("--state") or []
            seen = max((state["stream"]["stream_state"]["seen"] for state in states), default=0)
            read(config["stream"], config["records"], seen)


if __name__ == "__main__":
    main()
