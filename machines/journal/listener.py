"""Writes an entry of the journal for each transition of one machine: a listener. Records; decides nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dataflow.errors import DataflowError
from dataflow.evolution import Altered
from dataflow.flush import Flush
from dataflow.types import Change
from dataflow.unknown_fields import NO_UNKNOWN_FIELDS
from machines.journal.account import Account, ChangedValues, Taken, account_to_json, altered_to_json
from machines.journal.entries import (
    FORMAT,
    Entry,
    Line,
    facts_to_json,
    life_to_json,
    name_to_json,
    temp_to_json,
)
from machines.lifecycle import ENDS, Executor, Lifecycle, Performed, leaf
from machines.operations import Answer
from machines.stream import StreamLife

NO_TURNS = nullcontext()


class Journal:
    """A listener for one machine's life. Add it after the executor, whose answers it reads."""

    def __init__(
        self,
        run: str,
        executor: Executor,
        keep: Callable[[Entry], None],
        life: StreamLife | None = None,
        turn: AbstractContextManager[Any] = NO_TURNS,
        taken: Callable[[], Taken] = Taken,
    ) -> None:
        """`turn` is held while an entry is made and kept, so that those of several threads are kept in their order.

        `taken` is asked what was taken in, where the life ends.
        """
        self._run = run
        self._executor = executor
        self._keep = keep
        self._life = life
        self._turn = turn
        self._taken = taken
        self._source = ""
        # What its account will hold.
        self._rows = 0
        self._changed: Counter[Change] = Counter()
        self._unknown = NO_UNKNOWN_FIELDS
        self._altered: tuple[Altered, ...] = ()

    def before_transition(self, machine: Lifecycle) -> None:
        """Remember where the machine was: after an error only its compound is known."""
        self._source = leaf(machine)

    def after_transition(
        self,
        event: Any,
        machine: Lifecycle,
        flush: Flush | None = None,
        seconds: float = 0.0,
        attempts: int = 1,
        reason: DataflowError | None = None,
    ) -> None:
        """Write down the transition that has just ended, with what its event brought."""
        self._remember(flush)
        with self._turn:
            self._keep(self._line(str(event), leaf(machine), flush, seconds, attempts, reason).entry())

    def _remember(self, flush: Flush | None) -> None:
        performed = self._executor.performed
        if performed is not None and performed.answer is not None:
            self._altered += performed.answer.altered
        if flush is not None:
            self._rows += flush.rows
            self._changed.update(flush.changed)
            self._unknown = flush.unknown

    def _account(self, life: StreamLife) -> Account:
        kinds = {column.field: column.kind for column in life.tables.columns}
        taken = self._taken()
        return Account(
            read=taken.read,
            bytes=taken.bytes,
            acknowledged=taken.acknowledged,
            rows=self._rows,
            changed=tuple(
                ChangedValues(
                    field=of.field, kind=kinds[of.field], change=of.change, reason=of.reason, values=values
                )
                for of, values in self._changed.most_common()
            ),
            altered=self._altered,
            unknown=self._unknown,
        )

    def _line(
        self,
        event: str,
        target: str,
        flush: Flush | None,
        seconds: float,
        attempts: int,
        reason: DataflowError | None,
    ) -> Line:
        performed, life = self._executor.performed, self._life
        return Line(
            run=self._run,
            machine="stream" if life else "destination",
            stream=str(life.stream.name) if life else None,
            generation=life.stream.generation_id if life else None,
            sync=life.stream.sync_id if life else None,
            source=self._source,
            event=event,
            target=target,
            reason=_reason(reason) if reason else None,
            format=FORMAT if self._source == "idle" else None,
            life=life_to_json(life) if life and self._source == "idle" else None,
            account=account_to_json(self._account(life)) if life and target in ENDS else None,
            at=round(self._executor.clock.now(), 3),
            **(_of_operation(performed) if performed else {}),
            **(_of_flush(flush, seconds, attempts) if flush else {}),
        )


def _of_operation(performed: Performed) -> Mapping[str, Any]:
    """What the entered state's operation adds to a line."""
    common = {"operation": str(performed.operation), "milliseconds": round(performed.milliseconds, 3)}
    error, answer = performed.error, performed.answer or Answer()
    if error is not None:
        return common | {"error": _words(error), "attempt": _repeated(error.attempts)}
    return common | {
        "attempt": _repeated(answer.attempts),
        "rows": answer.rows,
        "note": answer.note or None,
        "altered": altered_to_json(answer.altered) or None,
        "warnings": answer.warnings or None,
        "failed_streams": answer.failed_streams or None,
        "first_failure": _words(answer.first_failure) if answer.first_failure else None,
        "started": answer.started,
        "publishing": answer.publishing,
        "temp": name_to_json(answer.temp) if answer.temp else None,
        "facts": facts_to_json(answer.facts) if answer.facts else None,
        "left": temp_to_json(answer.left) if answer.left else None,
    }


def _of_flush(flush: Flush, seconds: float, attempts: int) -> Mapping[str, Any]:
    """What a flush adds to a line. One of which the destination did not take every row is undone, and none."""
    return {
        "read": flush.rows,
        "written": flush.rows,
        "rejected": 0,
        "nulled": sum(flush.changed.values()) or None,
        "bytes": flush.size,
        "checkpoint": flush.position or None,
        "milliseconds": round(seconds * 1000, 3),
        "attempt": _repeated(attempts),
    }


def _repeated(attempts: int) -> int | None:
    return attempts if attempts > 1 else None


def _reason(error: DataflowError) -> str:
    # The attempts of the line are those of the entered state's operation.
    tried = f" It was tried {error.attempts} times." if error.attempts > 1 else ""
    return _words(error) + tried


def _words(error: DataflowError) -> str:
    return f"{error.failure_type}: {error.message}"
