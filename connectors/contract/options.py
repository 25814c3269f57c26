"""The options that every connector has without work of its own: in the same configuration, in the same specification.

A field of `Options` is all that a further one needs: `spec`, the reading of a configuration and the documentation are
made of it. Decides nothing beyond what is a valid value.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from connectors.contract.specification import numbered, option, properties

if TYPE_CHECKING:
    from dataflow.catalog import DestinationStream

# Ten years.
LONGEST = 3650


class DeletionMode(StrEnum):
    """What a CDC record that deletes a row does to the destination's row, in the words of upstream's configuration."""

    HARD = "Hard delete"
    SOFT = "Soft delete"


@frozen(kw_only=True)
class Options:
    """The shared options, by their keys."""

    each_overwrite_is_new: bool = field(
        default=False,
        metadata=option(
            "Each overwrite is new",
            "For clients that send the same generation with every sync, as PyAirbyte does. Every sync of a stream in "
            "the mode overwrite then replaces the table, as it does for clients that send no generations, and its "
            "STATE is not emitted: the source must start over each time. It has no effect on other modes.",
        ),
    )
    journal_days: int = field(
        default=30,
        metadata=option(
            "Days of journal",
            "Days for which the destination's journal keeps entries.",
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


def with_options(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A connector's specification with the shared options in it, after its own."""
    connection = spec["connectionSpecification"]
    own = connection["properties"]
    shared = numbered(properties(Options), first=len(own))
    return {**spec, "connectionSpecification": {**connection, "properties": {**own, **shared}}}
