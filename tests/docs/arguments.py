"""The arguments of a command, as rows of a table: read from the parser that reads them."""

import argparse
import re
from collections.abc import Iterator
from importlib import import_module

from connectors.engine.process.cli import destination_parser

_DEFAULT = re.compile(r"\s*\(?default(?P<here> here)?: (?P<value>[^)]*)\)?$")


def arguments_of(command: str) -> Iterator[tuple[str, str, str]]:
    """The arguments of `write` and its like (`destination write`), or of a command of `dataflow`."""
    name, *below = command.split()
    if name == "destination":
        parser = destination_parser("NAME")
    else:
        parser = argparse.ArgumentParser()
        import_module(f"connectors.engine.commands.{name.replace('-', '_')}").arguments(parser)
    for each in below:
        (choices,) = (a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = choices[each]
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            yield _row(parser, action)


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str, str]:
    text = parser._get_formatter()._expand_help(action)
    said = _DEFAULT.search(text)
    meaning = text[: said.start()] if said else text
    if action.choices:
        meaning = f"{meaning or 'one'}: {', '.join(f'`{each}`' for each in action.choices)}".lstrip(": ")
    return _name(action), _default(action, said), meaning


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest.upper()}`"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return f"`{', '.join(action.option_strings)}{value}`"


def _default(action: argparse.Action, said: "re.Match[str] | None") -> str:
    if action.required and action.nargs != "?":
        return "required"
    if said is None:
        return "none" if action.nargs != 0 else "off"
    # What depends on the machine must not depend on the one that makes the page.
    return "by the machine" if said["here"] else f"`{said['value']}`"
