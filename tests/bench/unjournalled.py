"""A destination that keeps no journal anywhere: the difference to one that does is what the journal costs.

Run as `python -m tests.bench.unjournalled postgres write --config ... --catalog ...`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from connectors.engine.journal import writer as journal_keeper
from connectors.engine.process.cli import main_for
from machines.journal.entries import Entry


@contextmanager
def keep_nothing(*_: object) -> Iterator[Callable[[Entry], None]]:
    """In the place of `journal_keeper`."""
    yield lambda entry: None


if __name__ == "__main__":
    connector = sys.argv.pop(1)
    with patch.object(journal_keeper, "journal_keeper", keep_nothing):
        main_for(connector, f"connectors.{connector}")
