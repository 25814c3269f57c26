"""The options that every connector has without work of its own: in the same configuration, told in the same spec.

A connector ignores keys that are not its own, and so do we. Decides nothing beyond what is a valid value.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import Attribute, evolve, field, fields_dict, frozen

from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from dataflow.catalog import DestinationStream

# Ten years.
LONGEST = 3650


class DeletionMode(StrEnum):
    """What a CDC record that deletes a row does to the destination's row, in the words of upstream's configuration."""

    HARD = "Hard delete"
    SOFT = "Soft delete"


def _exactly(wanted: type) -> Callable[[object, "Attribute[Any]", Any], None]:
    """Within the bounds of the option's schema, and not merely alike: true is no number."""

    def check(_: object, option: "Attribute[Any]", value: Any) -> None:
        said = option.metadata
        if type(value) is not wanted or not said.get("minimum", value) <= value <= said.get("maximum", value):
            raise ValueError

    return check


def _option(title: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"title": title, "description": description, **schema}


@frozen(kw_only=True)
class Options:
    """The shared options, by their keys."""

    each_overwrite_is_new: bool = field(
        default=False,
        validator=_exactly(bool),
        metadata=_option(
            "Each overwrite is new",
            "For clients that send the same generation with every sync, as PyAirbyte does. Every sync of a stream in "
            "the mode overwrite then replaces the table, as it does for clients that send no generations, and its "
            "STATE is not emitted: the source must begin anew each time. It has no effect on other modes.",
            type="boolean",
        ),
    )
    journal_days: int = field(
        default=30,
        validator=_exactly(int),
        metadata=_option(
            "Days of journal",
            "How long the destination's journal keeps what happened, in days.",
            type="integer",
            minimum=1,
            maximum=LONGEST,
        ),
    )

    def meant(self, streams: "Iterable[DestinationStream]") -> "tuple[DestinationStream, ...]":
        """The catalog's streams as this client means them: its generations may mean nothing."""
        from dataflow.catalog import Overwrite, Replace

        return tuple(
            evolve(stream, import_type=Replace())
            if self.each_overwrite_is_new and isinstance(stream.import_type, Overwrite)
            else stream
            for stream in streams
        )


def read_options(configuration: Mapping[str, Any]) -> Options:
    """The shared options of a configuration. ConfigError names the key that will not do, and never its value."""
    options = Options()
    for name, option in fields_dict(Options).items():
        value = configuration.get(name)
        if value is None:
            continue
        try:
            options = evolve(options, **{name: value})
        except ValueError:
            raise ConfigError(
                f"The configuration cannot be used: {name} is not a valid {option.metadata['type']}.",
                doing="reading the configuration",
                remedy="Correct it; `spec` lists the options.",
            ) from None
    return options


def with_options(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A connector's specification with the shared options in it, after its own."""
    connection = spec["connectionSpecification"]
    own = connection["properties"]
    shared = {
        name: {**option.metadata, "default": option.default, "order": len(own) + number}
        for number, (name, option) in enumerate(fields_dict(Options).items())
    }
    return {**spec, "connectionSpecification": {**connection, "properties": {**own, **shared}}}
