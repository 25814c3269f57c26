"""`dataflow destinations`: what is installed to write to. Prints what the registry found; imports none of them."""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(given: argparse.Namespace) -> int:
    """Print each destination with the package that brought it."""
    from connectors.engine.process.registry import registered

    for each in registered():
        given.terminal.show(f"{each.name} ({each.package} {each.version})")
    return 0
