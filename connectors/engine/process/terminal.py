"""The output of the commands around a sync: the one place that writes to a terminal for them.

Names and errors come from sources and databases. So the configuration's secrets are taken out here, and whatever a
terminal could take for a command: no caller can forget either.
"""

import sys

from connectors.engine.process.masking import Mask
from machines.formatting import plain


class Terminal:
    """Writes text to stdout, and complaints to stderr, a line each as it is given."""

    def __init__(self) -> None:
        self._mask = Mask()

    def keep_secret(self, mask: Mask) -> None:
        """From here on this is masked everywhere."""
        self._mask = mask

    def show(self, text: str, end: str = "\n") -> None:
        """Write text of one line or several. Raises OSError, as a pipe that nobody reads does."""
        sys.stdout.write(self._safe(text) + end)
        sys.stdout.flush()

    def complain(self, text: str) -> None:
        """Write what went wrong."""
        sys.stderr.write(self._safe(text) + "\n")

    def _safe(self, text: str) -> str:
        return "\n".join(map(plain, self._mask.text(text).split("\n")))
