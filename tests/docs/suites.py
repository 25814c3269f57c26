"""The suites of the connectors' kit and what each defends, as rows of a table: read from their modules."""

from collections.abc import Iterator
from importlib import import_module

from attrs import fields

from connectors.testkit import Capabilities, ContractSuite


def suites() -> Iterator[tuple[str, str]]:
    """The suites that have tests, in the order in which a connector comes to pass them."""
    for suite in ContractSuite.__mro__:
        if any(name.startswith("test_") for name in vars(suite)):
            told, _, _ = (import_module(suite.__module__).__doc__ or "").partition("\n")
            yield f"`{suite.__name__}`", told.removeprefix("The suite ").partition(" ")[2]


def capabilities() -> set[str]:
    """What not every destination can."""
    return {each.name for each in fields(Capabilities)}
