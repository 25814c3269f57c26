"""Faults on request, which show that a sync recovers. Does nothing unless a fault was asked for.

A fault is written `WHEN:OPERATION[#N]=KIND`, for example `after:swap=kill` or `before:flush#3=kill`. `docs/faults.md`
says what can be asked for, and what then happens.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from dataflow.errors import ConfigError, InternalError, TransientError
from dataflow.runtime.threads import Threads
from machines.operations import StreamOperation

# A slip of a command line in production must not kill a sync.
PERMISSION = "DATAFLOW_ALLOW_FAULTS"
FLUSH = "flush"
# What a worker of a load does.
SHARD = "shard"
# The places at which a fault can strike: the operations of a stream's lifecycle, and the flushes between them.
PLACES: tuple[str, ...] = (*StreamOperation, FLUSH, SHARD)
# Before the transaction, when its work is done and not committed, and after its commit.
MOMENTS = ("before", "during", "after")
# How long `slow` takes, in seconds.
SLOW = 3.0
ASKED = "Run the sync again without the option --fault."


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
            "Faults were requested and are not permitted.",
            remedy=f"Set {PERMISSION}=1 in the environment if this sync is meant to fail.",
        )
    return tuple(map(_read, texts))


def _read(text: str) -> Fault:
    moments, places, kinds = ("|".join(each) for each in (MOMENTS, PLACES, _STRIKES))
    match = re.fullmatch(rf"({moments}):({places})(?:#([1-9]\d*))?=({kinds})", text)
    if match is None:
        raise ConfigError(
            f"The fault {text!r} is not understood.",
            remedy="Write WHEN:OPERATION[#N]=KIND, for example after:swap=kill. "
            f"When: {', '.join(MOMENTS)}. Operations: {', '.join(PLACES)}. Kinds: {', '.join(_STRIKES)}.",
        )
    when, operation, number, kind = match.groups()
    return Fault(when, operation, int(number or 1), kind)


# Called at a moment of an operation, by its name; raises, waits or kills where a fault was asked for.
Strike = Callable[[str, str], None]


def no_fault(when: str, operation: str) -> None:
    """Strikes nowhere."""


class Faults:
    """Strikes where it was asked to; counts every stream's operations together."""

    def __init__(self, faults: Sequence[Fault], threads: Threads) -> None:
        self._faults = faults
        self._threads = threads
        self._performed: Counter[tuple[str, str]] = Counter()
        self._counting = threads.lock()

    def strike(self, when: str, operation: str) -> None:
        """Called at each moment of every operation; `during` comes again when its transaction is tried again."""
        if not self._faults:
            return
        with self._counting:
            self._performed[when, operation] += 1
            number = self._performed[when, operation]
        for fault in self._faults:
            if (fault.when, fault.operation, fault.number) == (when, operation, number):
                _STRIKES[fault.kind](self._threads)


def _kill(_: Threads) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(threads: Threads) -> None:
    while True:
        threads.sleep(SLOW)


def _slow(threads: Threads) -> None:
    threads.sleep(SLOW)


def _transient(_: Threads) -> None:
    raise TransientError("A requested fault.", remedy=ASKED)


def _permanent(_: Threads) -> None:
    raise InternalError("A requested fault.", remedy=ASKED)


_STRIKES: Mapping[str, Callable[[Threads], None]] = {
    "kill": _kill,
    "hang": _hang,
    "slow": _slow,
    "transient": _transient,
    "permanent": _permanent,
}
