"""Airbyte messages as a source writes them, and catalogs as a platform does. Makes text; sends nothing."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dataflow.catalog import Strategy

EMITTED_AT = 1_767_225_600_000
SYNC = 42
INTEGER = {"type": "integer"}
STRING = {"type": "string"}
UNKNOWN = {"type": "potato"}
DATE_TIME = {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"}
USERS = {"id": INTEGER, "name": STRING, "updated": INTEGER}


def record(
    of: str,
    /,
    *,
    at: int = EMITTED_AT,
    namespace: str | None = None,
    changes: Iterable[Mapping[str, str]] = (),
    **data: Any,
) -> bytes:
    """A RECORD of a stream; what is not named below is a field of its data."""
    body: dict[str, Any] = {"stream": of, "namespace": namespace, "emitted_at": at, "data": data}
    if changes:
        body["meta"] = {"changes": list(changes)}
    return _line({"type": "RECORD", "record": body})


def state(of: str, cursor: Any, *, namespace: str | None = None, count: int | None = None) -> bytes:
    """A STREAM state; `cursor` is what tests know it by, `count` what the source says it sent since the last."""
    described = {
        "stream_descriptor": {"name": of, "namespace": namespace},
        "stream_state": {"cursor": cursor},
    }
    return _state({"type": "STREAM", "stream": described}, count)


def global_state(cursor: Any, *streams: str, count: int | None = None) -> bytes:
    """A GLOBAL state over these streams; without any, one whose shared state is null, as a clear sends it."""
    listed = [{"stream_descriptor": {"name": name}, "stream_state": {"cursor": cursor}} for name in streams]
    shared = {"cursor": cursor} if cursor is not None else None
    return _state({"type": "GLOBAL", "global": {"shared_state": shared, "stream_states": listed}}, count)


def legacy_state(cursor: Any) -> bytes:
    """A state of the kind that came before streams had one: a blob."""
    return _state({"data": {"cursor": cursor}}, None)


def complete(of: str, namespace: str | None = None) -> bytes:
    """The source's word that a stream is complete."""
    return status(of, "COMPLETE", namespace)


def status(of: str, word: str, namespace: str | None = None) -> bytes:
    """The source's word on a stream."""
    body = {"stream_descriptor": {"name": of, "namespace": namespace}, "status": word}
    trace = {"type": "STREAM_STATUS", "emitted_at": EMITTED_AT, "stream_status": body}
    return _line({"type": "TRACE", "trace": trace})


def stream(
    name: str,
    strategy: Strategy,
    fields: Mapping[str, Any] = USERS,
    *,
    generation: int = 1,
    key: Iterable[str] = ("id",),
    cursor: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """One stream of a configured catalog, such that it gets this strategy. Members: `namespace`, `sync`."""
    schema = {"type": "object", "properties": dict(fields)}
    mode = "append_dedup" if strategy.dedupes else "overwrite" if strategy.truncates else "append"
    return {
        "stream": {"name": name, "namespace": members.get("namespace"), "json_schema": schema},
        "sync_mode": "incremental",
        "destination_sync_mode": mode,
        "primary_key": [[field] for field in key] if strategy.dedupes else [],
        "cursor_field": [cursor] if cursor else [],
        "generation_id": generation,
        "minimum_generation_id": generation if strategy.truncates else 0,
        "sync_id": members.get("sync", SYNC),
    }


def users(strategy: Strategy, generation: int = 1, name: str = "users") -> dict[str, Any]:
    """The stream that most tests sync: keyed by `id`, ordered by `updated`."""
    return stream(name, strategy, generation=generation, cursor="updated")


def catalog(*streams: Mapping[str, Any]) -> bytes:
    """A configured catalog."""
    return json.dumps({"streams": list(streams)}).encode()


def _state(body: dict[str, Any], count: int | None) -> bytes:
    stats = {"sourceStats": {"recordCount": float(count)}} if count is not None else {}
    return _line({"type": "STATE", "state": body | stats})


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
