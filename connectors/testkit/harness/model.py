"""What a table should hold: the sync modes by their definition, on a list of records. Knows no other way."""

from collections.abc import Iterable, Sequence

from attrs import frozen

from connectors.testkit.harness.messages import record
from connectors.testkit.harness.rows import Row
from dataflow.catalog import Strategy
from dataflow.types import GENERATION_ID


@frozen(order=True)
class User:
    """A record of the stream `users`, with the generation of the sync that sent it."""

    id: int
    name: str
    updated: int
    generation: int = 1

    def message(self, stream: str = "users") -> bytes:
        """The record as its source sends it."""
        return record(stream, id=self.id, name=self.name, updated=self.updated)


def found(rows: Iterable[Row]) -> list[User]:
    """The users in the rows of a table, in an order of their own."""
    return sorted(User(row["id"], row["name"], row["updated"], row[GENERATION_ID]) for row in rows)


def latest(users: Iterable[User]) -> dict[int, User]:
    """The last of each id by `updated`, and of equals the one that came last."""
    kept: dict[int, User] = {}
    for user in users:
        if user.id not in kept or user.updated >= kept[user.id].updated:
            kept[user.id] = user
    return kept


def published(table: Sequence[User], strategy: Strategy, sent: Sequence[User]) -> list[User]:
    """The table after a sync that sent these records and completed."""
    match strategy:
        case Strategy.APPEND:
            return [*table, *sent]
        case Strategy.APPEND_TRUNCATE:
            return list(sent)
        case Strategy.DEDUP_TRUNCATE:
            return list(latest(sent).values())
        case Strategy.DEDUP:
            coming = latest(sent)
            late = {user.id for user in table if user.id in coming and coming[user.id].updated < user.updated}
            winners = {key: user for key, user in coming.items() if key not in late}
            return [*(user for user in table if user.id not in winners), *winners.values()]


@frozen
class Stint:
    """One sync of the stream: how, in which generation, and what it sent."""

    strategy: Strategy
    generation: int
    sent: tuple[User, ...]

    @property
    def users(self) -> list[User]:
        """What was sent, in the generation that it was sent in."""
        return [User(u.id, u.name, u.updated, self.generation) for u in self.sent]


def after_interruption(table: Sequence[User], first: Stint, covered: int, then: Stint) -> list[User]:
    """The table after `first`, of which `covered` records had a STATE when it was cut off, and a complete `then`.

    The design's rules of the start: what appends has its rows in the table already. A temp table that `then`
    continues is completed by it; an older truncate's is dropped by the next truncate; any other reaches the
    table by its own recipe, without replacing anything.
    """
    if first.strategy is Strategy.APPEND:
        return published([*table, *first.users], then.strategy, then.users)
    kept = first.users[:covered]
    both_truncate = first.strategy.truncates and then.strategy.truncates
    if first.generation == then.generation and (both_truncate or first.strategy is then.strategy):
        return published(table, then.strategy, [*kept, *then.users])
    if both_truncate:
        return published(table, then.strategy, then.users)
    absorbed = published(table, first.strategy.incremental, kept)
    return published(absorbed, then.strategy, then.users)
