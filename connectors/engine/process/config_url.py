"""A URL in place of a configuration: `postgresql://user@host/shop`, `duckdb:shop.duckdb`. Reads the destination's
specification, and knows no database. An error names options and shows no value.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from connectors.contract.specification import refusal
from dataflow.errors import ConfigError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
FILE = "destination_path"
# An option for what the destination's driver takes itself.
OTHERS = "jdbc_url_params"
UNREADABLE = "the URL has no host, port and path that can be read: percent-encode the user, the password and all values"
_WORDS = {"true": True, "false": False}


def is_url(config: str, name: str) -> bool:
    """Whether the value of --config is a URL for the destination of this name, and no path."""
    scheme = _SCHEME.match(config)
    return "://" in config or (scheme is not None and scheme[1].lower().startswith(name))


def configuration_of(url: str, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration that a URL means. `spec` is the specification, with the options that all destinations have.

    Its scheme begins with the destination's name, so that `postgresql` is one for `postgres`. The parameters of its
    query are options. Raises ConfigError with all complaints, which name options and show no value.
    """
    scheme = _SCHEME.match(url)
    if scheme is None or not scheme[1].lower().startswith(name):
        raise ConfigError(
            f"The URL of the configuration is not one for the destination {name}.",
            doing="reading the configuration",
            remedy=f"Begin it with {name}: or give the path of a JSON file.",
        )
    options = spec["connectionSpecification"]["properties"]
    try:
        parts = urlsplit(url)
        made = _of_file(url[scheme.end() :]) if FILE in options else _of_server(parts)
    except ValueError as error:
        raise refusal([UNREADABLE]) from error
    complaints = [f"{key}: the destination has no such option" for key in made if key not in options]
    others: list[tuple[str, str]] = []
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key in options:
            _put(made, complaints, key, value, options[key])
        elif OTHERS in options:
            others.append((key, value))
        else:
            complaints.append(f"{key}: the destination has no such option")
    if others:
        made[OTHERS] = urlencode(others)
    if complaints:
        raise refusal(complaints)
    return made


def _of_file(rest: str) -> dict[str, Any]:
    path = unquote(rest.partition("?")[0])
    # Two slashes begin a host, of which a file has none.
    return {FILE: path.removeprefix("//")} if path else {}


def _of_server(parts: SplitResult) -> dict[str, Any]:
    """The options of a server. Raises ValueError for a port that is no number, and for a password that was cut."""
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ValueError
    found = {
        "host": parts.hostname,
        "port": parts.port,
        "database": unquote(parts.path.removeprefix("/")) or None,
        "username": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
    }
    return {key: value for key, value in found.items() if value is not None}


def _put(made: dict[str, Any], complaints: list[str], key: str, text: str, schema: Mapping[str, Any]) -> None:
    """The value of an option that a text says."""
    match schema.get("type"):
        case "boolean" if text in _WORDS:
            made[key] = _WORDS[text]
        case "integer" if re.fullmatch("-?[0-9]{1,18}", text):
            made[key] = int(text)
        case "object" if (tag := _tag(schema)) is not None:
            made[key] = {tag: text}
        case "object":
            complaints.append(f"{key}: is an object, which only a JSON file can hold")
        case _:
            # What it must be is said by the reading of all options.
            made[key] = text


def _tag(schema: Mapping[str, Any]) -> str | None:
    """The member by which one form of an object is chosen."""
    forms = [
        [key for key, member in form["properties"].items() if "const" in member]
        for form in schema.get("oneOf", ())
    ]
    return forms[0][0] if forms and all(form == forms[0] and len(form) == 1 for form in forms) else None
