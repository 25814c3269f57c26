"""Syncs of users that are cut off, and what comes before and after: the raw material of recovery. Asserts nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.messages import catalog, complete, state
from connectors.testkit.harness.model import User
from connectors.testkit.harness.rows import Row
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from machines.parts import Atomic

# All but what appends, which goes through a temp table in one class of databases only.
TO_TEMP = [strategy for strategy in Strategy if strategy is not Strategy.APPEND]


def goes_straight(strategy: Strategy, atomic: Atomic) -> bool:
    """Whether a sync's rows are in the final table as they are flushed, and not once the stream is complete."""
    return strategy is Strategy.APPEND and atomic is not Atomic.STATEMENT


PRIOR = (User(1, "old", 10), User(2, "old", 10), User(9, "old", 10))
# What the first sync sends before it is cut off; a STATE covers the first `TOLD` of it.
CUT_OFF = (
    User(1, "cut", 20),
    User(2, "late", 5),
    User(3, "cut", 20),
    User(3, "cut again", 20),
    User(6, "cut", 20),
    User(4, "untold", 20),
)
COVERED = 5
# What the next one sends: the record without STATE again, and more. (Nothing that is late for a key of which the table
# has several rows, as an append leaves them: whether the older of those rows stay is the connector's to say.)
THEN = (User(4, "untold", 20), User(1, "then", 25), User(5, "then", 1), User(6, "late", 15))


def sync_users(
    warehouse: Warehouse, *streams: Mapping[str, Any], sent: Sequence[User], script: Script | None = None
) -> Outcome:
    """A complete sync of the streams, each of which sends this and a STATE that counts it."""
    names = [each["stream"]["name"] for each in streams]
    return warehouse.sync(
        catalog(*streams),
        *(user.message(name) for name in names for user in sent),
        *(state(name, len(sent)) for name in names),
        *map(complete, names),
        script=script,
    )


def cut_off(warehouse: Warehouse, *streams: Mapping[str, Any]) -> Outcome:
    """A sync whose input ends before the streams are complete, some records after the last STATE."""
    names = [each["stream"]["name"] for each in streams]
    return warehouse.sync(
        catalog(*streams),
        *(user.message(name) for name in names for user in CUT_OFF[:COVERED]),
        *(state(name, COVERED) for name in names),
        *(user.message(name) for name in names for user in CUT_OFF[COVERED:]),
    )


def names_found(rows: Iterable[Row]) -> list[str]:
    """The names in rows, in their order."""
    return [row["name"] for row in rows]


def names_sent(users: Iterable[User]) -> list[str]:
    """The names of users, in their order."""
    return [user.name for user in users]
