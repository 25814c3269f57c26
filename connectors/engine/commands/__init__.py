"""The `dataflow` command: what surrounds a sync. Finds the command asked for; each is a module of this package.

A command's module has `arguments(parser)`, which adds its arguments, and `run(given)`, which shows what others found
on `given.terminal`, with what it needs of `given.runtime`, and gives the exit code. It is imported only when it is
asked for, and imports what is slow only when it runs.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from connectors.engine.process.economy import collect_rarely, make_libraries_frugal

if TYPE_CHECKING:
    from connectors.engine.process.terminal import Terminal
    from dataflow.runtime import Runtime

COMMANDS = {
    "destinations": "list the installed destinations",
    "diagram": "draw a machine, with the path that a journal records",
    "doctor": "report what a crash left, and the step that repairs it",
    "journal": "report what syncs did: list the runs, show one, follow one",
    "load": "load files into a table, without a source",
    "new-connector": "create a connector that already passes the contract suite",
    "plan": "show what a sync would do, before it does it",
    "replay": "replay a journal on fresh machines; report where one diverges",
    "report": "write an HTML page about a sync",
    "shards": "load files step by step: open a load, write its shards, publish it",
    "simulate": "run whole syncs under a seeded scheduler, with faults and kills, and check every guarantee",
    "verify": "search all histories of crashes for one that breaks a guarantee",
}

# They move rows, as a sync does.
MOVING_ROWS = ("load", "shards")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, with the chosen command's module in `module`. Ends the process for one that is no command."""
    parser = argparse.ArgumentParser(prog="dataflow", description="Commands around a sync.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    asked = next((each for each in arguments if not each.startswith("-")), None)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does.capitalize() + ".")
        if name == asked:
            module = import_module(f"{__name__}.{name.replace('-', '_')}")
            module.arguments(command)
            command.set_defaults(module=module, terminal=_terminal(), runtime=_runtime(), requests=None)
    return parser.parse_args(arguments)


def _terminal() -> "Terminal":
    from connectors.engine.process.terminal import Terminal

    return Terminal()


def _runtime() -> "Runtime":
    from dataflow.runtime import SYSTEM  # noqa: TID251 - an entry of the process

    return SYSTEM


def _spare_memory() -> None:
    from dataflow.malloc import keep_what_is_freed

    collect_rarely()
    keep_what_is_freed()


def main() -> None:
    """The `dataflow` command."""
    make_libraries_frugal()
    given = parse(sys.argv[1:])
    from dataflow.errors import DataflowError

    if given.command in MOVING_ROWS:
        _spare_memory()
    try:
        code = given.module.run(given)
        sys.stdout.flush()
    except DataflowError as error:
        given.terminal.complain(f"dataflow {given.command}: {error}")
        code = given.requests.failure_code if given.requests is not None else 1
    except BrokenPipeError:
        # Its reader has seen enough, as `head` has. Python writes out at its end what it still holds, and that
        # would fail again; the code is that of a program which the signal had ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except Exception:  # noqa: BLE001 - the last line of defence: what Python prints by itself nobody has looked at
        given.terminal.complain(traceback.format_exc())
        code = 1
    sys.exit(code)
