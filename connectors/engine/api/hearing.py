"""The messages of a load that no terminal shows: warnings and errors, without secrets, for its caller."""

from typing import TYPE_CHECKING

from attrs import evolve

from connectors.engine.process.masking import Mask
from dataflow.errors import ConfigError, DataflowError

if TYPE_CHECKING:
    from dataflow.pipeline.checkpoints import Checkpoint
    from dataflow.types import StreamName


class Heard:
    """The outlet of a load."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.warnings: list[str] = []
        self.errors: list[BaseException] = []

    def emit(self, checkpoint: "Checkpoint") -> None:
        """A load has no STATE."""

    def log(self, level: str, message: str) -> None:
        """Keep what a person may have to act on."""
        if level == "WARN":
            self.warnings.append(self.mask.text(message))

    def report(self, error: BaseException, stream: "StreamName | None" = None) -> None:
        """Keep why the load failed."""
        self.errors.append(error)

    def masked(self, error: DataflowError) -> DataflowError:
        """The error itself, unless a text in it, or in what caused it, has a secret: then one without either."""
        if all(self.mask.text(text) == text for text in _texts(error)):
            return error
        text = self.mask.text
        safe = evolve(error, message=text(error.message), doing=text(error.doing), remedy=text(error.remedy))
        if isinstance(safe, ConfigError):
            safe = evolve(safe, complaints=tuple(map(text, safe.complaints)))
        for note in getattr(error, "__notes__", ()):
            safe.add_note(text(note))
        return safe


def _texts(error: BaseException | None) -> list[str]:
    texts: list[str] = []
    while error is not None:
        texts += [str(error), *getattr(error, "__notes__", ())]
        error = error.__cause__ or error.__context__
    return texts
