"""Reads the files that a command is given. Looks at nothing in them but whether they are JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataflow.errors import ConfigError


def read_configuration(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file. Raises ConfigError when it cannot be read or is none."""
    try:
        value = json.loads(read_file(path, "configuration"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"The configuration {str(path)!r} is not JSON (line {error.lineno}, column {error.colno}).",
            remedy="Correct it there: give a JSON object.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The configuration {str(path)!r} is not JSON: it is not encoded as UTF-8.",
            remedy="Give a JSON object, encoded as UTF-8.",
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(
            f"The configuration {str(path)!r} is not a JSON object.", remedy="Give a JSON object."
        )
    return value


def read_schema(path: Path) -> Mapping[str, Any]:
    """The JSON schema in a file. Raises ConfigError when it cannot be read or is none."""
    try:
        schema = json.loads(read_file(path, "JSON schema"))
    except ValueError as error:
        raise ConfigError(
            f"The JSON schema {str(path)!r} is not JSON.", remedy="Give the file that --schema-out writes."
        ) from error
    if not isinstance(schema, dict):
        raise ConfigError(
            f"The JSON schema {str(path)!r} is not a JSON object.",
            remedy="Give the file that --schema-out writes.",
        )
    return schema


def read_file(path: Path, what: str) -> bytes:
    """A file's content; ConfigError, which calls it `what`, when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The {what} {str(path)!r} cannot be read: {error.strerror}.",
            remedy="Check the path and its permissions.",
        ) from error
