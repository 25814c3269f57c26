"""Whether a destination was written for the contract of this engine. Refuses older and newer ones; adapts to none."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from connectors.contract import CONTRACT
from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from connectors.contract import Definition

ENGINE = "dataflow-destinations"


def expect_our_contract(definition: "Definition") -> None:
    """Raise ConfigError if the destination was written for another contract than this engine's."""
    number: object = getattr(definition, "contract", None)
    if number == CONTRACT:
        return
    package = package_of(definition)
    older = f"Install a release of {package} for contract {CONTRACT}"
    newer = f"a release of {ENGINE} that has the contract of {package}"
    raise ConfigError(
        f"The destination {definition.name} was written for {_named(number)}, but this engine, {ENGINE} "
        f"{version(ENGINE)}, has contract {CONTRACT}.",
        doing="looking for the destination",
        remedy=f"{older}, or {newer}.",
    )


def does_not_fit(definition: "Definition", error: ModuleNotFoundError) -> ConfigError:
    """What is said of a destination elsewhere that imports a module of ours which is not there."""
    return ConfigError(
        f"The destination {definition.name} does not fit this engine, {ENGINE} {version(ENGINE)}: {error}",
        doing="importing the connector",
        remedy=f"Install a release of {package_of(definition)} for this engine.",
    )


def is_ours(definition: "Definition") -> bool:
    """Whether the destination comes with the engine."""
    return package_of(definition) == "connectors"


def package_of(definition: "Definition") -> str:
    """The Python package that a destination comes from."""
    return type(definition).__module__.partition(".")[0]


def _named(number: object) -> str:
    return "a contract without a number" if number is None else f"contract {number}"
