"""Airbyte messages as a source writes them, for tests. Makes text; sends nothing."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

EMITTED_AT = 1_767_225_600_000
TYPES = {
    "integer": {"type": ["null", "integer"]},
    "string": {"type": ["null", "string"]},
    "number": {"type": ["null", "number"]},
}


def line(message: Mapping[str, Any]) -> bytes:
    """A message as a line."""
    return json.dumps(message).encode() + b"\n"


def record(stream: str, data: Mapping[str, Any], namespace: str | None = None) -> bytes:
    """A RECORD."""
    body = {"stream": stream, "namespace": namespace, "emitted_at": EMITTED_AT, "data": data}
    return line({"type": "RECORD", "record": body})


def state(stream: str, blob: Any, count: int | None = None, namespace: str | None = None) -> bytes:
    """A STATE of one stream, holding `blob`."""
    descriptor = {"name": stream, "namespace": namespace}
    body: dict[str, Any] = {
        "type": "STREAM",
        "stream": {"stream_descriptor": descriptor, "stream_state": blob},
    }
    if count is not None:
        body["sourceStats"] = {"recordCount": float(count)}
    return line({"type": "STATE", "state": body})


def complete(stream: str, namespace: str | None = None) -> bytes:
    """The COMPLETE of one stream."""
    status = {"stream_descriptor": {"name": stream, "namespace": namespace}, "status": "COMPLETE"}
    return line(
        {
            "type": "TRACE",
            "trace": {"type": "STREAM_STATUS", "emitted_at": EMITTED_AT, "stream_status": status},
        }
    )


def stream(  # noqa: PLR0913 - a catalog entry has that many members
    name: str,
    columns: Mapping[str, str],
    *,
    mode: str = "append",
    primary_key: Iterable[str] = (),
    cursor: str | None = None,
    generation: int = 1,
    minimum: int = 0,
    namespace: str | None = None,
) -> dict[str, Any]:
    """One stream of a configured catalog; `columns` maps fields to integer, string or number."""
    properties = {field: TYPES[kind] for field, kind in columns.items()}
    return {
        "stream": {
            "name": name,
            "namespace": namespace,
            "json_schema": {"type": "object", "properties": properties},
        },
        "sync_mode": "incremental",
        "destination_sync_mode": mode,
        "primary_key": [[key] for key in primary_key],
        "cursor_field": [cursor] if cursor else [],
        "generation_id": generation,
        "minimum_generation_id": minimum,
        "sync_id": 1,
    }


def catalog(*streams: Mapping[str, Any]) -> dict[str, Any]:
    """A configured catalog."""
    return {"streams": list(streams)}
