"""`dataflow destinations`: what is installed to write to, and which of it this engine cannot use. Imports no driver."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.engine.process.registry import Registered


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(given: argparse.Namespace) -> int:
    """Print each destination with the package that brought it, and the error of each that cannot be used."""
    from connectors.engine.process.registry import registered

    for each in registered():
        given.terminal.show(f"{each.name} ({each.package} {each.version}){_trouble(each)}")
    return 0


def _trouble(destination: "Registered") -> str:
    from dataflow.errors import ConfigError

    try:
        destination.definition()
    except ConfigError as error:
        return f": {error}"
    return ""
