"""Takes the configuration's secrets out of every text that a person sees. The last line of defence: no text is trusted.

A secret is what the specification calls `airbyte_secret`. Stars replace it in a text, as it is or escaped. STATE and
records are the source's own and pass unseen.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import field, frozen

if TYPE_CHECKING:
    from machines.journal.entries import Entry

STARS = "****"
# Protocol lines that are words of ours, and their members that may quote a driver's.
_OURS = (b'{"type":"LOG"', b'{"type":"TRACE"', b'{"type":"CONNECTION_STATUS"')
_WORDS = (
    "message",
    "internal_message",
    "stack_trace",
    "reason",
    "error",
    "first_failure",
    "note",
    "warnings",
)


@frozen
class Mask:
    """What must not be shown."""

    _secrets: tuple[str, ...] = field(default=(), repr=False)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return text

    def line(self, line: bytes) -> bytes:
        """A protocol line without secrets."""
        if not self._secrets or not line.startswith(_OURS):
            return line
        return json.dumps(self._words(json.loads(line)), separators=(",", ":")).encode() + b"\n"

    def entry(self, entry: "Entry") -> "Entry":
        """A journal's entry without secrets."""
        if not self._secrets:
            return entry
        masked: Entry = self._words(entry)
        return masked

    def _words(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            name: self._text_of(each) if name in _WORDS else self._words(each) for name, each in value.items()
        }

    def _text_of(self, value: Any) -> Any:
        """A text, or each of several."""
        if isinstance(value, str):
            return self.text(value)
        return [*map(self.text, value)] if isinstance(value, list | tuple) else self._words(value)


def mask_of(spec: Mapping[str, Any], configuration: Mapping[str, Any]) -> Mask:
    """The mask for a configuration, by what its specification calls secret."""
    found = {secret for secret in _secrets(spec["connectionSpecification"], configuration) if secret.strip()}
    spelled = {way for secret in found for way in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])}
    # The longest first: one secret may be a part of another.
    return Mask(tuple(sorted(spelled, key=len, reverse=True)))


def _secrets(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if schema.get("airbyte_secret") and isinstance(value, str):
        yield value
    for variant in schema.get("oneOf", ()):
        yield from _secrets(variant, value)
    if isinstance(value, Mapping):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _secrets(inner, value[name])
