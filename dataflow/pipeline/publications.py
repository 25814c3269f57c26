"""The streams that the source completed, and their publication once all of their rows are durable. Writes no row."""

from collections import deque
from collections.abc import Callable

from dataflow.errors import DataflowError
from dataflow.pipeline.refusals import not_conserved
from dataflow.pipeline.states import States
from dataflow.pipeline.streams import Stage, Stream
from dataflow.pipeline.writers import Writers


class Publications:
    """Completed streams that are not published yet, in the order of their COMPLETEs."""

    def __init__(
        self, states: States, writers: Writers, failed: Callable[[Stream, DataflowError], None]
    ) -> None:
        """`failed` is called with a stream that cannot be published, and why."""
        self._states = states
        self._writers = writers
        self._failed = failed
        self._completed: deque[Stream] = deque()

    def completed(self, stream: Stream) -> None:
        """Nothing of the stream comes any more."""
        self._completed.append(stream)

    def publish_durable(self) -> None:
        """Publish those that are durable, in their order: keys of a table may lead to one before it."""
        while self._completed and not self._writers.has(self._completed[0].name):
            # Then rows wait for the next run.
            if self._states.none_can_be_emitted:
                return
            stream = self._completed.popleft()
            if stream.open:
                self._publish(stream)

    def _publish(self, stream: Stream) -> None:
        # STATE of durable rows is emitted before the stream is finalised: published rows must not be sent again.
        self._states.emit()
        if stream.written != stream.aggregate.read:
            self._failed(stream, not_conserved(stream.name, stream.aggregate.read, stream.written))
            return
        stream.stage = Stage.CLOSED
        error = stream.sink.complete()
        if error is not None:
            self._states.failed(stream.name, error)
            return
        self._states.published(stream.name)
