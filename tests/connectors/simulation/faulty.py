"""Faults of the engine, planted one at a time: a simulation that does not find them proves nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from connectors.engine.sync.operations import StreamOperations
from dataflow.pipeline.inbox import Inbox


@frozen
class Planted:
    """What takes the place of an attribute, made from what was there."""

    owner: Any
    name: str
    make: Callable[[Any], Any]

    @contextmanager
    def active(self) -> Iterator[None]:
        """While the engine has the fault."""
        sound = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.make(sound))
        try:
            yield
        finally:
            setattr(self.owner, self.name, sound)


def _without_the_cut(resume: Any) -> Any:
    def resumed(self: StreamOperations, life: Any) -> Any:
        client, self._client = self._client, _Uncut(self._client)
        try:
            return resume(self, life)
        finally:
            self._client = client

    return resumed


class _Uncut:
    """A client that trims nothing."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def trim_table(self, table: Any, after: Any) -> int:
        return 0


def _no_wake_up(_: Any) -> Any:
    def put_written(self: Inbox, event: Any) -> None:
        with self._changed:
            self._written.append(event)

    return put_written


FAULTS: Mapping[str, Planted] = {
    "a_temp_table_is_resumed_without_the_cut": Planted(StreamOperations, "_resume_temp", _without_the_cut),
    "the_end_of_a_flush_wakes_nobody": Planted(Inbox, "put_written", _no_wake_up),
}
