"""What is seen of a history from outside of its processes, and who is asked about it: the model of each stream.

A law is asked on whatever thread its occasion comes. The first that is broken is kept, and ends the history.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connectors.simulation.model import TEMP_MARK, BrokenLawError, Known
from connectors.simulation.plan import Asked
from connectors.simulation.source import Message, record_of


class Witness:
    """Hears what sources and runs say, and looks at what is committed."""

    def __init__(self, keys: int, ended: Callable[[], None]) -> None:
        """`ended` is called once a law is broken."""
        self.broken: BrokenLawError | None = None
        # The place in each log of each stream up to which the platform has received STATEs.
        self.heard: dict[tuple[str, int], int] = {}
        self._known: dict[str, Known] = {}
        self._asked: dict[str, Asked] = {}
        self._keys = keys
        self._ended = ended

    def begin(self, asked: Sequence[Asked]) -> None:
        """A run of a sync is about to start."""
        for each in asked:
            self._asked[each.stream] = each
            self._known.setdefault(each.stream, Known(each.stream)).begin(each)

    def sent(self, messages: Iterable[Message]) -> None:
        """A source has sent these."""
        for each in messages:
            if each.record is not None:
                self._known[each.stream].send(each.record)
            for stream in each.covers:
                self._known[stream].cover()
            if each.completes:
                self._known[each.stream].complete(self._asked[each.stream])

    def hear(self, line: bytes) -> None:
        """A run has written a line: if it is a STATE, its records need not be sent again."""
        if not line.startswith(b'{"type":"STATE"'):
            return
        state = json.loads(line)["state"]
        listed = state["global"]["stream_states"] if "global" in state else [state["stream"]]
        for each in listed:
            stream, body = each["stream_descriptor"]["name"], each["stream_state"]
            lineage, at = body["lineage"], body["at"]
            before = self.heard.get((stream, lineage), 0)
            self.heard[stream, lineage] = at
            covered = (record_of(stream, lineage, place, self._keys) for place in range(before, at))
            self._known[stream].acknowledge(covered)
            self._ask(self._known[stream].durable)

    def committed(self, run: str, content: Any) -> None:
        """A run has committed a transaction."""
        entries = {str(entry.stream): entry for entry in content.ledger.values()}
        for stream, known in self._known.items():
            entry = entries.get(stream)
            if entry is not None:
                final, temp = content.tables.get(entry.table), content.tables.get(entry.temp)
                self._look(
                    known,
                    final.rows if final else None,
                    temp.rows if temp else (),
                    (run, entry.owner),
                )

    def _look(self, known: Known, final: Any, temp: Any, runs: tuple[str, str]) -> None:
        if final is known.final and temp is known.temp:
            return
        by, owner = runs
        known.temp = temp
        self._ask(lambda: known.one_writer(by, owner))
        self._ask(lambda: known.old_or_new(final))
        self._ask(known.durable)

    def succeeded(self, asked: Sequence[Asked], content: Any, owners: Any) -> None:
        """A run has succeeded. Raises BrokenLawError."""
        for each in asked:
            self._known[each.stream].result(each)
        left = [f"table {table}" for table in content.tables if TEMP_MARK in table.name]
        left += [f"entry of {each.temp}" for each in content.ledger.values() if each.temp is not None]
        left += [f"lock of {table}" for table in owners]
        if left:
            raise BrokenLawError(f"law 4: the {left[0]} is left")

    def _ask(self, law: Callable[[], None]) -> None:
        if self.broken is not None:
            return
        try:
            law()
        except BrokenLawError as broken:
            self.broken = broken
            self._ended()
