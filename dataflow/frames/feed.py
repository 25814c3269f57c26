"""Pieces on their way from the thread that has the data to the one that reads them. Holds few, and changes none."""

from collections import deque
from collections.abc import Iterator

from dataflow.frames.pieces import Piece
from dataflow.runtime.threads import Threads

# Pieces that wait: the giving thread is never far ahead.
MOST = 2


class Feed:
    """A bounded way from one thread to another. Either side may leave at any time."""

    def __init__(self, threads: Threads) -> None:
        self._changed = threads.condition()
        self._waiting: deque[Piece] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody still reads."""
        return not self._closed

    def put(self, piece: Piece) -> bool:
        """Give a piece, once there is room for it; False when nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < MOST)
            if self._closed:
                return False
            self._waiting.append(piece)
            self._changed.notify_all()
            return True

    def end(self, error: BaseException | None = None) -> None:
        """There is no more; `error` is raised to the reader after what was given."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody reads any more, and what waits is dropped."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def pieces(self) -> Iterator[Piece]:
        """What is given, until it ends. Raises the error with which it ended."""
        while (piece := self._next()) is not None:
            yield piece
            del piece

    def _next(self) -> Piece | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._ended or len(self._waiting) > 0)
            if self._closed:
                return None
            if not self._waiting:
                if self._error is not None:
                    raise self._error
                return None
            piece = self._waiting.popleft()
            self._changed.notify_all()
            return piece
