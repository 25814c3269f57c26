"""What became of a load, for a program and for a notebook. A value: it loads nothing and keeps nothing open."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from attrs import field, frozen

from machines.formatting import count, number_of
from machines.journal.entries import Entry

# Pixels of the report in a notebook.
HEIGHT = 480


@frozen(kw_only=True)
class LoadResult:
    """A load that succeeded.

    `read` and `written` count rows, `changed` the values that became null or were cut, and `changes` says which, a
    sentence each. `unknown` are names of fields without a column, whose values were not loaded. `holds` says what the
    table holds now, and `warnings` what a person may have meant otherwise. `schema` is the JSON schema of the rows,
    and `journal` has each transition of the load. No member holds a value of a row, or a secret.
    """

    stream: str
    read: int
    written: int
    changed: int
    changes: Sequence[str] = field(repr=False)
    unknown: Sequence[str]
    holds: str
    warnings: Sequence[str] = field(repr=False)
    schema: Mapping[str, Any] = field(repr=False)
    journal: Sequence[Entry] = field(repr=False)

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<{self.stream}: read {number_of(self.read, 'row')}, wrote {count(self.written)}, "
            f"changed {number_of(self.changed, 'value')}>"
        )

    def report(self) -> str:
        """The report of the load, as `dataflow report` makes it: a page of HTML."""
        from connectors.engine.report.page import report
        from machines.journal.history import runs

        return report(runs(self.journal)[-1])

    def _repr_html_(self) -> str:
        """The report, in a frame of its own: its styles are not the notebook's."""
        if not self.journal:
            return f"<p>{escape(repr(self))}</p><p>{escape(self.holds)}</p>"
        page = escape(self.report(), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="{escape(repr(self))}" width="100%" height="{HEIGHT}"></iframe>'
        )
