"""The lines that a destination writes: STATE, LOG, TRACE, CONNECTION_STATUS and SPEC. Decides nothing about them.

What it reads is `dataflow.protocol`.
"""

import re
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from dataflow.errors import DataflowError, InternalError
from dataflow.protocol import State
from dataflow.runtime.clock import Clock, milliseconds
from dataflow.types import StreamName
from dataflow.values.aside import REFUSED, set_aside

# The levels of LOG messages, the gravest first.
LEVELS = ("FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode
# DEL, and the controls of eight bits: of the others JSON escapes all.
_CONTROLS = re.compile("[\x7f-\x9f]")


def state_message(state: State, added: Mapping[str, Any]) -> bytes:
    """The line that emits a STATE: the source's object as it arrived, with our members added."""
    try:
        return _with_added(state.text, added)
    except REFUSED:
        readable = set_aside(state.text)
        return readable.restored(_with_added(readable.text, added)) or b""


def _with_added(state: bytes, added: Mapping[str, Any]) -> bytes:
    members: dict[str, Any] = dict(_members.decode(state))
    return _line({"type": "STATE", "state": members | dict(added)})


def log_message(level: str, message: str) -> bytes:
    """The line of a LOG message; `level` is one of LEVELS."""
    return _line({"type": "LOG", "log": {"level": level, "message": _harmless(message)}})


def error_message(error: BaseException, clock: Clock, stream: StreamName | None = None) -> bytes:
    """The line of a TRACE ERROR. The stack trace holds places and no messages: a cause may quote a record."""
    ours = error if isinstance(error, DataflowError) else _unexpected(error)
    trace: dict[str, Any] = {
        "message": _harmless(str(ours)),
        "internal_message": " caused by ".join(_names(error)),
        "stack_trace": "".join(traceback.format_tb(error.__traceback__) + _cause(error)),
        "failure_type": ours.failure_type,
    }
    if stream is not None:
        trace["stream_descriptor"] = {"name": stream.name, "namespace": stream.namespace}
    body = {"type": "ERROR", "emitted_at": milliseconds(clock), "error": trace}
    return _line({"type": "TRACE", "trace": body})


def _unexpected(error: BaseException) -> InternalError:
    return InternalError(
        f"Unexpected {type(error).__name__}.",
        remedy="All acknowledged records are safe. Report this, with the log of this sync.",
    )


def _names(error: BaseException) -> list[str]:
    return [type(each).__name__ for each in (error, error.__cause__) if each is not None]


def _cause(error: BaseException) -> list[str]:
    cause = error.__cause__
    if cause is None:
        return []
    return [
        f"caused by {type(cause).__name__} at\n",
        *traceback.format_tb(cause.__traceback__),
        *_cause(cause),
    ]


def connection_status_message(error: BaseException | None) -> bytes:
    """The line of a CONNECTION_STATUS: SUCCEEDED without an error, FAILED with its message."""
    if error is None:
        return _line({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}})
    status = {"status": "FAILED", "message": _harmless(str(error))}
    return _line({"type": "CONNECTION_STATUS", "connectionStatus": status})


def spec_message(spec: Mapping[str, Any]) -> bytes:
    """The line of a SPEC."""
    return _line({"type": "SPEC", "spec": dict(spec)})


def _harmless(text: str) -> str:
    """What JSON does not escape, and a terminal that the line is shown on takes for a command, as a question mark."""
    return _CONTROLS.sub("?", text)


def _line(message: Mapping[str, Any]) -> bytes:
    return _encode(message) + b"\n"
