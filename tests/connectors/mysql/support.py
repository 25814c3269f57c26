"""Syncs of users into a server whose settings a test changes, and what became of them. Asserts nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from connectors.testkit.harness.messages import catalog, complete, record, state, users
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy


@contextmanager
def setting(server: Any, **values: Any) -> Iterator[None]:
    """Global variables of the server, as long as this lasts."""
    before = {}
    for name, value in values.items():
        with server.cursor() as cursor:
            cursor.execute(f"SELECT @@GLOBAL.{name}")
            ((before[name],),) = cursor.fetchall()
            cursor.execute(f"SET GLOBAL {name} = %s", [value])
    try:
        yield
    finally:
        with server.cursor() as cursor:
            for name, value in before.items():
                cursor.execute(f"SET GLOBAL {name} = %s", [value])


def send(warehouse: Warehouse, strategy: Strategy, *names: str, generation: int = 1) -> Outcome:
    """A sync of users with these names, and a STATE."""
    sent = [record("users", id=n, name=name, updated=n) for n, name in enumerate(names, start=1)]
    return warehouse.sync(
        catalog(users(strategy, generation)), *sent, state("users", "s1"), complete("users")
    )


def refused(outcome: Outcome, says: str) -> bool:
    """Whether no STATE was emitted, and a config_error of the stream's says this."""
    return (
        outcome.states == []
        and "config_error" in outcome.failed.values()
        and "system_error" not in outcome.failed.values()
        and any(says in each["message"] for each in outcome.errors)
    )


@define
class Statements:
    """A listener that keeps what a client sends."""

    sent: list[str] = field(factory=list)

    def sending(self, what: str) -> None:
        self.sent.append(what)

    def answered(self, what: str) -> None:
        """Nothing is kept of it."""
