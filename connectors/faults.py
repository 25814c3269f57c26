"""Faults on request, for who wants to see that a sync recovers. Does nothing unless a fault was asked for.

A fault is written `WHEN:OPERATION[#N]=KIND`, for example `after:swap=kill` or `before:flush#3=kill`: before or
after the N-th (the first, if not said) performance of an operation of a stream's lifecycle, or of `flush`.
Kinds: `kill` (SIGKILL to ourselves), `transient` and `permanent` (the operation's answer is that error).
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from dataflow.errors import ConfigError, InternalError, TransientError
from machines.operations import StreamOperation

# A slip of a command line in production must not kill a sync.
PERMISSION = "DATAFLOW_ALLOW_FAULTS"
FLUSH = "flush"


@frozen
class Fault:
    """One fault: where it strikes, at which performance, and how."""

    when: str
    operation: str
    number: int
    kind: str


def read_faults(texts: Sequence[str], environment: Mapping[str, str]) -> tuple[Fault, ...]:
    """The faults asked for. Raises ConfigError for one that is not understood, or not permitted."""
    if texts and environment.get(PERMISSION) != "1":
        raise ConfigError(
            "Faults were asked for and are not permitted.",
            remedy=f"Set {PERMISSION}=1 in the environment if this sync is meant to fail.",
        )
    return tuple(map(_read, texts))


def _read(text: str) -> Fault:
    known = "|".join([*StreamOperation, FLUSH])
    match = re.fullmatch(rf"(before|after):({known})(?:#([1-9]\d*))?=(kill|transient|permanent)", text)
    if match is None:
        raise ConfigError(
            f"The fault {text!r} is not understood.",
            remedy="Write WHEN:OPERATION[#N]=KIND, for example after:swap=kill. "
            f"Operations: {known.replace('|', ', ')}.",
        )
    when, operation, number, kind = match.groups()
    return Fault(when, operation, int(number or 1), kind)


class Faults:
    """Strikes where it was asked to; counts every stream's operations together."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._performed: Counter[tuple[str, str]] = Counter()

    def strike(self, when: str, operation: str) -> None:
        """Called before and after every operation."""
        if not self._faults:
            return
        self._performed[when, operation] += 1
        for fault in self._faults:
            if (fault.when, fault.operation) == (when, operation) and fault.number == self._performed[
                when, operation
            ]:
                _STRIKES[fault.kind]()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _transient() -> None:
    raise TransientError("A fault that was asked for.")


def _permanent() -> None:
    raise InternalError("A fault that was asked for.")


_STRIKES: Mapping[str, Callable[[], None]] = {"kill": _kill, "transient": _transient, "permanent": _permanent}
NO_FAULTS = Faults(())
