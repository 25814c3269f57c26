"""The options of a destination, as rows of a table: read from its specification."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.contract.options import with_options
from connectors.engine.process.registry import find

Row = tuple[str, str, str, str]
_EMPTY: Mapping[str, Any] = {"connectionSpecification": {"properties": {}}}


def options_of(name: str) -> Iterator[Row]:
    """A destination's own options."""
    spec = find(name).definition().spec()["connectionSpecification"]
    yield from _rows(spec["properties"], spec.get("required", ()))


def shared_options() -> Iterator[Row]:
    """Those of every destination."""
    yield from _rows(with_options(_EMPTY)["connectionSpecification"]["properties"], ())


def _rows(properties: Mapping[str, Mapping[str, Any]], required: Sequence[str]) -> Iterator[Row]:
    for name, said in properties.items():
        default = "required" if name in required else _shown(said.get("default"))
        yield f"`{name}`", default, _values(said), _meaning(said)
        yield from _of_variants(name, said.get("oneOf", ()))


def _of_variants(option: str, variants: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The further options that one or more choices of an object have, each once."""
    found: dict[str, tuple[Mapping[str, Any], list[str], list[str]]] = {}
    for variant in variants:
        tag, *others = variant["properties"]
        choice = f"`{variant['properties'][tag]['const']}`"
        for name in others:
            _, needed, allowed = found.setdefault(name, (variant["properties"][name], [], []))
            (needed if name in variant["required"] else allowed).append(choice)
    for name, (said, needed, allowed) in found.items():
        default = "; ".join(
            [
                *([f"required for {', '.join(needed)}"] if needed else []),
                *([_shown(said.get("default"))] if allowed else []),
            ]
        )
        where = f" Only for {', '.join([*needed, *allowed])}." if not needed else ""
        yield f"`{option}.{name}`", default, _values(said), _meaning(said) + where


def _values(said: Mapping[str, Any]) -> str:
    if "oneOf" in said:
        tag = next(iter(said["oneOf"][0]["properties"]))
        choices = (f"`{each['properties'][tag]['const']}`" for each in said["oneOf"])
        return f"an object whose `{tag}` is {', '.join(choices)}"
    if "enum" in said:
        return ", ".join(f"`{each}`" for each in said["enum"])
    if "minimum" in said:
        return f"{said['minimum']} to {said['maximum']}"
    return {"string": "text", "boolean": "`true`, `false`", "integer": "a whole number"}[said["type"]]


def _meaning(said: Mapping[str, Any]) -> str:
    text = str(said.get("description") or said["title"]).rstrip(".") + "."
    return text + (" Secret: never shown." if said.get("airbyte_secret") else "")


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
