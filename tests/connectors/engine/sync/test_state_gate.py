"""Which STATEs leave later or never: those of streams whose table each sync replaces."""

import json
from typing import Any

from attrs import evolve

from connectors.engine.sync.state_gate import StateGate
from dataflow.catalog import Append, DestinationStream, Replace, SyncMode
from dataflow.protocol import read_state
from dataflow.types import StreamName

STATE = b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"cursor":1}}}'
USERS = StreamName(None, "users")


def gate(*streams: DestinationStream) -> tuple[StateGate, list[str]]:
    logged: list[str] = []
    return StateGate(streams, lambda level, message: logged.append(f"{level}: {message}")), logged


def replaced(mode: SyncMode = SyncMode.FULL_REFRESH) -> DestinationStream:
    return DestinationStream(name=USERS, fields=(), import_type=Replace(), sync_mode=mode)


def of_all(**position: Any) -> bytes:
    streams = [{"stream_descriptor": {"name": "users"}, "stream_state": position}]
    return json.dumps({"type": "GLOBAL", "global": {"stream_states": streams}}).encode()


def test_a_state_of_a_stream_whose_table_each_sync_replaces_is_withheld_and_the_log_says_so_once() -> None:
    states, logged = gate(replaced())

    waits = [states.waits_for(read_state(STATE)) for _ in range(2)]

    assert waits == [None, None]
    assert logged == [
        "INFO: No STATE of users is emitted: each sync replaces the table, and so needs all of its records again."
    ]


def test_a_global_state_waits_for_a_replaced_stream_and_is_withheld_if_the_stream_goes_on_from_it() -> None:
    refreshed, _ = gate(replaced())
    incremental, _ = gate(replaced(SyncMode.INCREMENTAL))
    position = read_state(of_all(cursor=1))

    assert list(refreshed.waits_for(position) or ()) == [USERS]
    assert incremental.waits_for(position) is None


def test_a_state_waits_for_no_publication_where_no_table_is_replaced() -> None:
    states, logged = gate(evolve(replaced(), import_type=Append()))

    assert states.waits_for(read_state(STATE)) == ()
    assert logged == []
