"""A STATE is emitted as it came; errors and failed checks name their kind and quote no record."""

import json

from dataflow.errors import ConfigError
from dataflow.output_messages import connection_status_message, error_message, state_message
from dataflow.protocol import read_state
from dataflow.runtime import SYSTEM
from dataflow.types import StreamName


def test_a_state_is_emitted_as_it_came_with_our_members_added() -> None:
    text = (
        b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},'
        b'"stream_state":{"n":1.10,"big":12345678901234567890123}},"x":[1, 2]}'
    )

    line = state_message(read_state(text), {"destinationStats": {"recordCount": 2.0}})

    assert line.startswith(b'{"type":"STATE","state":')
    assert b'"n":1.10,"big":12345678901234567890123' in line
    assert b'"x":[1, 2]' in line
    assert json.loads(line)["state"]["destinationStats"] == {"recordCount": 2.0}


def test_a_trace_error_names_its_kind_and_its_stream() -> None:
    line = error_message(ConfigError("No.", remedy="Do this."), SYSTEM.clock, StreamName("n", "a"))

    error = json.loads(line)["trace"]["error"]
    assert error["failure_type"] == "config_error"
    assert error["message"] == "No. Do this."
    assert error["stream_descriptor"] == {"name": "a", "namespace": "n"}


def test_a_defect_is_reported_as_a_system_error_without_its_words() -> None:
    line = error_message(ValueError("the content of a record"), SYSTEM.clock)

    assert json.loads(line)["trace"]["error"]["failure_type"] == "system_error"
    assert b"content of a record" not in line


def test_a_failed_check_says_why() -> None:
    line = connection_status_message(ConfigError("Postgres refused the password.", remedy="Set another."))

    assert json.loads(line)["connectionStatus"] == {
        "status": "FAILED",
        "message": "Postgres refused the password. Set another.",
    }
