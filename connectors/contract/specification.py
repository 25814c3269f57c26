"""Options as an attrs class: the specification is made of it, and configurations are read by it. Decides nothing else.

Each field says in its metadata what the specification says of it (`option`), and values are held to just that. A
complaint names the key and what is wanted there; it shows no value, which may be a secret. A connector declares its
options in this way, and `connectors.contract.options` those that all connectors share.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import NoneType
from typing import Any, TypeVar, get_args

import attrs
from attrs import AttrsInstance, define, field, frozen

from dataflow.errors import ConfigError

T = TypeVar("T", bound=AttrsInstance)
Check = Callable[[Any], Iterable[str]]

# The types an option may have: what JSON schema calls them, and what a person does.
_TYPES: Mapping[type, tuple[str, str]] = {
    str: ("string", "a text"),
    int: ("integer", "a whole number"),
    bool: ("boolean", "true or false"),
}


@frozen
class Variant:
    """One choice of an option that is an object: its title, and which further fields it needs or may have."""

    title: str
    needs: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All further fields."""
        return self.needs + self.may_have


@frozen(kw_only=True)
class _Said:
    """What the metadata of a field holds."""

    schema: Mapping[str, Any]
    variants: Mapping[StrEnum, Variant]
    check: Check


def option(
    title: str,
    description: str,
    *,
    variants: Mapping[StrEnum, Variant] | None = None,
    check: Check = lambda _: (),
    **schema: Any,
) -> dict[str, Any]:
    """The metadata of an option. `schema` is more of JSON schema's words.

    `check` gives complaints about a value of the right type. `variants` are for an option whose class is an attrs
    class: its first field chooses one.
    """
    said = _Said(
        schema={"title": title, "description": description, **schema}, variants=variants or {}, check=check
    )
    return {"said": said}


# -- the specification


def secret(title: str, description: str, **more: Any) -> Any:
    """An option that may be missing, and whose value is never shown."""
    said = option(title, description, airbyte_secret=True, **more)
    return field(default=None, repr=False, metadata=said)


def specification(
    options: type[AttrsInstance], title: str, *, groups: Mapping[str, str], documentation: str | None = None
) -> dict[str, Any]:
    """The protocol's ConnectorSpecification. `groups` are the titles of the groups that options name.

    `documentation` is the address of a page about the destination, if there is one.
    """
    documented = {"documentationUrl": documentation} if documentation is not None else {}
    return {
        **documented,
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": title,
            "additionalProperties": True,
            "groups": [{"id": group, "title": title} for group, title in groups.items()],
            "type": "object",
            "required": _required(options),
            "properties": numbered(properties(options)),
        },
        "supportsIncremental": True,
        "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
    }


def properties(options: type[AttrsInstance]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each option, by its key."""
    return {each.name: _property(each) for each in attrs.fields(options)}


def numbered(properties: Mapping[str, Mapping[str, Any]], first: int = 0) -> dict[str, dict[str, Any]]:
    """The same with the order in which they are shown, from `first` on."""
    return {
        name: {**schema, "order": order} for order, (name, schema) in enumerate(properties.items(), first)
    }


def _property(declared: "attrs.Attribute[Any]") -> dict[str, Any]:
    said, kind = _said(declared), _kind(declared)
    schema = dict(said.schema)
    if declared.default is not attrs.NOTHING and declared.default is not None:
        schema["default"] = declared.default
    if attrs.has(kind):
        return schema | {"type": "object", "oneOf": [_variant(kind, *each) for each in said.variants.items()]}
    if issubclass(kind, StrEnum):
        return schema | {"type": "string", "enum": [str(each) for each in kind]}
    return schema | {"type": _TYPES[kind][0]}


def _variant(options: type[AttrsInstance], choice: StrEnum, variant: Variant) -> dict[str, Any]:
    tag, *others = attrs.fields(options)
    properties: dict[str, dict[str, Any]] = {tag.name: {"type": "string", "const": str(choice)}}
    properties |= {each.name: _property(each) for each in others if each.name in variant.fields}
    for name in variant.needs:
        # The class must have one, for the choices without this field.
        properties[name].pop("default", None)
    return {
        "title": variant.title,
        "type": "object",
        "required": [tag.name, *variant.needs],
        "properties": numbered(properties),
    }


# -- a configuration


def read(
    options: type[T],
    configuration: Mapping[str, Any],
    *,
    together: Callable[[Mapping[str, Any]], Iterable[str]] = lambda _: (),
) -> T:
    """The options that a configuration gives. Unknown keys are ignored, and null is as good as absent.

    `together` gives complaints about options that do not go together. Its argument holds the options that were given
    and are valid by themselves.

    Raises ConfigError with every complaint at once.
    """
    reading = _Reading()
    values = reading.values(attrs.fields(options), configuration, _required(options), "")
    if complaints := [*reading.complaints, *together(values)]:
        raise refusal(complaints)
    return options(**values)


def refusal(complaints: Sequence[str]) -> ConfigError:
    """The error for a configuration that cannot be used."""
    return ConfigError(
        f"The configuration cannot be used: {'; '.join(complaints)}.",
        complaints=tuple(complaints),
        doing="reading the configuration",
        remedy="Correct it; `spec` lists the options.",
    )


@define
class _Reading:
    """Reads values, and gathers what is wrong with them: a person wants to hear all of it at once."""

    complaints: list[str] = field(factory=list)

    def values(
        self,
        declared: Iterable["attrs.Attribute[Any]"],
        given: Mapping[str, Any],
        needed: Sequence[str],
        path: str,
    ) -> dict[str, Any]:
        """The valid values, by name."""
        found = {}
        for each in declared:
            value = given.get(each.name)
            if value is not None:
                before = len(self.complaints)
                read = self._value(each, value, path + each.name)
                if len(self.complaints) == before:
                    found[each.name] = read
            elif each.name in needed:
                self.complaints.append(f"{path}{each.name}: is required")
        return found

    def _value(self, declared: "attrs.Attribute[Any]", value: Any, path: str) -> Any:
        said, kind = _said(declared), _kind(declared)
        if attrs.has(kind):
            return self._choice(kind, said.variants, value, path)
        if issubclass(kind, StrEnum):
            return self._one_of(kind, value, path)
        wrong = _wrong_type(kind, value) or _out_of_bounds(said.schema, value) or list(said.check(value))
        self.complaints += [f"{path}: {complaint}" for complaint in wrong]
        return value

    def _choice(
        self, kind: type[AttrsInstance], variants: Mapping[StrEnum, Variant], value: Any, path: str
    ) -> Any:
        if not isinstance(value, Mapping):
            self.complaints.append(f"{path}: must be an object")
            return None
        before = len(self.complaints)
        tag, *others = attrs.fields(kind)
        values = self.values([tag], value, [tag.name], f"{path}.")
        if len(self.complaints) == before:
            variant = variants[values[tag.name]]
            further = [each for each in others if each.name in variant.fields]
            values |= self.values(further, value, variant.needs, f"{path}.")
        return kind(**values) if len(self.complaints) == before else None

    def _one_of(self, kind: type[StrEnum], value: Any, path: str) -> Any:
        if value in list(kind):
            return kind(value)
        self.complaints.append(f"{path}: must be one of {', '.join(kind)}")
        return None


def _wrong_type(kind: type, value: Any) -> list[str]:
    # Exactly of the type: true is no number, and the text "false" no truth.
    return [] if type(value) is kind else [f"must be {_TYPES[kind][1]}"]


def _out_of_bounds(schema: Mapping[str, Any], value: Any) -> list[str]:
    if "minLength" in schema and not value.strip():
        return ["may not be blank"]
    if "minimum" in schema and not schema["minimum"] <= value <= schema["maximum"]:
        return [f"must be {schema['minimum']} to {schema['maximum']}"]
    return []


def _required(options: type[AttrsInstance]) -> list[str]:
    return [each.name for each in attrs.fields(options) if each.default is attrs.NOTHING]


def _said(declared: "attrs.Attribute[Any]") -> _Said:
    said: _Said = declared.metadata["said"]
    return said


def _kind(declared: "attrs.Attribute[Any]") -> Any:
    """The declared type, without the None that an option may be."""
    return next((each for each in get_args(declared.type) if each is not NoneType), declared.type)
