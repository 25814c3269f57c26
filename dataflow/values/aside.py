"""Reads JSON text around what the decoder refuses: sets that aside under a name, and puts it back. Knows no message.

Set aside are values that are nested deeper than the decoder follows; strings that escape half of a surrogate pair,
which JSON may hold and UTF-8 cannot; and the bare NaN and Infinity that Python writes and JSON does not have. Anything
else that is no strict JSON stays where it is, for the decoder to refuse.
"""

import re
from collections.abc import Mapping

import msgspec
from attrs import field, frozen

from dataflow.values.cells import without_lone_surrogates

# How the library refuses a text.
REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
# Levels that are followed at a time: few enough for any recursion.
LEVELS = 100
# A bare NaN may stand below this many levels, where a record has its cells; above them every member has its type.
ABOVE_CELLS = 3

_PARTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]|-?(?:NaN|Infinity)', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*:")
_values = msgspec.json.Decoder(msgspec.Raw)


@frozen
class Aside:
    """A text in which names, as JSON strings, stand in place of what was set aside."""

    text: bytes = field(repr=False)
    # What each name stands for; None for what is no JSON, or holds it.
    _kept: Mapping[bytes, tuple[int, int] | None] = field(factory=dict, repr=lambda kept: f"<{len(kept)}>")
    _source: bytes = field(default=b"", repr=False)
    _names: "re.Pattern[bytes] | None" = field(default=None, repr=False)

    def restored(self, part: bytes) -> bytes | None:
        """A part of the text as it came; None if it is no JSON, for a bare NaN or Infinity in it."""
        if self._names is None:
            return part
        if any(self._kept[name] is None for name in self._names.findall(part)):
            return None
        return self._names.sub(lambda found: self._original(found[0]), part)

    def _original(self, name: bytes) -> bytes:
        begin, end = self._kept[name] or (0, 0)
        return self._source[begin:end]


def set_aside(text: bytes) -> Aside:
    """The text without what the decoder refuses. Raises msgspec's errors for what is malformed inside of that."""
    setting = _Setting(text)
    for found in _PARTS.finditer(text):
        setting.take(found[0], found.start(), found.end())
    return setting.done()


class _Piece:
    """A text within the text, up to where it was read; `broken` when it holds what is no JSON."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.parts: list[bytes] = []
        self.broken = False


class _Setting:
    """One text on its way through."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._stem = _unused(text)
        self._kept: dict[bytes, tuple[int, int] | None] = {}
        # Each within the one before it.
        self._pieces = [_Piece(0)]
        self._depth = self._read = 0

    def take(self, part: bytes, begin: int, end: int) -> None:
        match part[:1]:
            case b"{" | b"[":
                if self._depth and self._depth % LEVELS == 0:
                    self._read_to(begin)
                    self._pieces.append(_Piece(begin))
                self._depth += 1
            case b"}" | b"]":
                self._depth -= 1
                if self._depth > 0 and self._depth % LEVELS == 0 and len(self._pieces) > 1:
                    self._close(end)
            case b'"':
                if (whole := without_lone_surrogates(part)) != part:
                    _values.decode(whole)
                    self._set(begin, end, (begin, end))
            case _ if self._depth >= ABOVE_CELLS and not _COLON.match(self._text, end):
                self._set(begin, end, None)

    def done(self) -> Aside:
        self._read_to(len(self._text))
        if not self._kept or len(self._pieces) > 1:
            return Aside(self._text)
        names = re.compile(b'"' + re.escape(self._stem) + b'[0-9]+"')
        return Aside(b"".join(self._pieces[0].parts), self._kept, self._text, names)

    def _close(self, end: int) -> None:
        """The innermost piece ends: one whole value."""
        self._read_to(end)
        piece = self._pieces.pop()
        _values.decode(b"".join(piece.parts))
        self._name(end, None if piece.broken else (piece.begin, end))

    def _set(self, begin: int, end: int, stands_for: tuple[int, int] | None) -> None:
        self._read_to(begin)
        self._name(end, stands_for)

    def _name(self, end: int, stands_for: tuple[int, int] | None) -> None:
        """The next name, in place of what ends here."""
        name = b'"%s%d"' % (self._stem, len(self._kept))
        self._kept[name] = stands_for
        piece = self._pieces[-1]
        piece.parts.append(name)
        piece.broken |= stands_for is None
        self._read = end

    def _read_to(self, end: int) -> None:
        self._pieces[-1].parts.append(self._text[self._read : end])
        self._read = end


def _unused(text: bytes) -> bytes:
    """A name's beginning that the text does not hold."""
    number = 0
    while (stem := b"~%d~" % number) in text:
        number += 1
    return stem
