"""Inputs that are too large to keep as files, written to stdout as fast as they are taken.

python -m tests.bench.flood states 14000 200000        records, bytes of the STATE that follows each
python -m tests.bench.flood after 50000000 800000000   bytes of one record, then bytes of small ones
python -m tests.bench.flood streams 500 200 2000       streams, records of each, GLOBAL STATEs
python -m tests.bench.flood named 4000 100 20000       streams of the catalog, those in use, STREAM STATEs
    python -m tests.bench.flood wide 0 1000 200            whether other columns than before, columns, records
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SMALL = 1000


def catalog(streams: int, **more: Any) -> dict[str, Any]:
    """A configured catalog of `streams` streams."""
    schema = {
        "type": "object",
        "properties": {"id": {"type": ["null", "integer"]}, "text": {"type": ["null", "string"]}},
    }
    entry = {"sync_mode": "full_refresh", "destination_sync_mode": "append", **more}
    counted = {"generation_id": 1, "minimum_generation_id": 0, "sync_id": 1}
    return {
        "streams": [
            {"stream": {"name": name(n), "namespace": "bench", "json_schema": schema}, **entry, **counted}
            for n in range(streams)
        ]
    }


def wide_catalog(prefix: str, columns: int) -> dict[str, Any]:
    """A catalog of one stream with `columns` columns."""
    made = catalog(1)
    properties = {f"{prefix}_{n}": {"type": ["null", "integer"]} for n in range(columns)}
    made["streams"][0]["stream"]["json_schema"]["properties"] = properties
    return made


def name(stream: int) -> str:
    """What the stream of this number is called."""
    return f"stream_{stream:04}"


def line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def record(stream: int, number: int, text: str = "") -> bytes:
    body = {
        "stream": name(stream),
        "namespace": "bench",
        "emitted_at": 1,
        "data": {"id": number, "text": text},
    }
    return line({"type": "RECORD", "record": body})


def state(stream: int, number: int, size: int = 0) -> bytes:
    descriptor = {"name": name(stream), "namespace": "bench"}
    body = {"stream_descriptor": descriptor, "stream_state": {"at": number, "text": "s" * size}}
    return line({"type": "STATE", "state": {"type": "STREAM", "stream": body}})


def global_state(number: int) -> bytes:
    body = {"shared_state": {"at": number}, "stream_states": []}
    return line({"type": "STATE", "state": {"type": "GLOBAL", "global": body}})


def complete(stream: int) -> bytes:
    status = {"stream_descriptor": {"name": name(stream), "namespace": "bench"}, "status": "COMPLETE"}
    return line(
        {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": status, "emitted_at": 1}}
    )


def states(count: int, size: int) -> Iterator[bytes]:
    """Records of one stream, each followed by a STATE."""
    for number in range(count):
        yield record(0, number)
        yield state(0, number, size)
    yield complete(0)


def after(large: int, small: int) -> Iterator[bytes]:
    """A large record among small ones; none for 0."""
    yield record(0, 0)
    if large:
        yield record(0, 1, "x" * large)
    block = b"".join(record(0, number, "y" * 60) for number in range(SMALL))
    for _ in range(small // len(block)):
        yield block
    yield complete(0)


def streams(count: int, records: int, told: int) -> Iterator[bytes]:
    """Records of all streams by turns, with GLOBAL STATEs evenly among them."""
    total = count * records
    written = 0
    for number in range(total):
        yield record(number % count, number)
        while written < told * (number + 1) // total:
            written += 1
            yield global_state(written)
    yield from map(complete, range(count))


def wide(new: int, columns: int, records: int) -> Iterator[bytes]:
    """Records of many columns, which are called otherwise when they are new."""
    prefix = "new" if new else "old"
    for number in range(records):
        data = {f"{prefix}_{n}": number for n in range(columns)}
        body = {"stream": name(0), "namespace": "bench", "emitted_at": 1, "data": data}
        yield line({"type": "RECORD", "record": body})
    yield complete(0)


def named(_: int, used: int, told: int) -> Iterator[bytes]:
    """Records of a few streams, each followed by a STATE of its stream."""
    for number in range(told):
        yield record(number % used, number) * 10
        yield state(number % used, number)
    yield from map(complete, range(used))


FLOODS: Mapping[str, Callable[..., Iterator[bytes]]] = {
    "states": states,
    "after": after,
    "streams": streams,
    "named": named,
    "wide": wide,
}


def main() -> None:
    """Write what is asked for."""
    kind, *numbers = sys.argv[1:]
    for text in FLOODS[kind](*map(int, numbers)):
        sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
