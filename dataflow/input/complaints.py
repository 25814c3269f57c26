"""What is wrong with a line, in words that quote nothing of it. Reads errors of the decoder, and no line."""

import re

import msgspec

# How the library says them.
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")
_WRONG = re.compile(r"Expected `(?P<expected>\w+)[^,]*, got `(?P<found>\w+)`")
_PATH = re.compile(r" - at `\$\.(?P<path>[\w.]+)")
_BYTE = re.compile(r"JSON is malformed: (?P<what>[\w ]+) \(byte (?P<byte>\d+)\)")
_KINDS = {"float": "a number", "int": "a number", "str": "a text", "bool": "true or false", "null": "null"}


def complaint(error: Exception) -> str:
    """Why a decoder refused a line."""
    if isinstance(error, msgspec.ValidationError):
        return _of_a_member(str(error))
    if isinstance(error, RecursionError):
        return "its JSON is nested too deeply"
    if found := _BYTE.search(str(error)):
        return f"it is not JSON from its byte {int(found['byte']) + 1} on ({found['what']})"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "its JSON is incomplete"


def _of_a_member(text: str) -> str:
    path = found["path"] if (found := _PATH.search(text)) else ""
    if found := _MISSING.search(text):
        return f"it has no `{f'{path}.' if path else ''}{found['name']}`"
    if found := _WRONG.search(text):
        expected, got = (_KINDS.get(kind, f"an {kind}") for kind in (found["expected"], found["found"]))
        return f"{f'its `{path}`' if path else 'it'} is {got} where {expected} should be"
    return f"its `{path}` is out of range" if path else "it does not follow the protocol"
