"""The `dataflow` command, run in this process. Makes no destination."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from attrs import frozen

from connectors.engine.commands import parse
from tests.whole.command import Destination


@frozen
class Said:
    """What a command printed, and its exit code."""

    code: int
    text: str

    @property
    def json(self) -> Any:
        """The same, read."""
        return json.loads(self.text)


def dataflow(*arguments: str | Path) -> Said:
    """Run `dataflow` with these arguments."""
    given = parse(list(map(str, arguments)))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code: int = given.module.run(given)
    return Said(code, printed.getvalue())


def about(destination: Destination, command: str, *arguments: str | Path) -> Said:
    """Run `plan` or `doctor` on a destination."""
    config = destination.file("config.json", destination.config)
    return dataflow(command, "--connector", destination.name, "--config", config, *arguments)
