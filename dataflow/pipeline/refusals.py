"""What the pipeline raises, and why a stream ends in it: the errors in words. Decides nothing."""

from dataflow.errors import InternalError, TransientError
from dataflow.types import StreamName


def not_read_to_its_end() -> TransientError:
    """The reading of the input broke off."""
    return TransientError(
        "The input could not be read to its end.",
        remedy="All acknowledged records are safe. Run the sync again.",
    )


def came_after_complete(name: StreamName) -> InternalError:
    """The source sent a record of a stream that it had completed."""
    return InternalError(
        f"A record of stream {name} came after its COMPLETE.",
        doing="reading the input",
        remedy="The source must not send it. Report this to its author.",
    )


def ended_incomplete(name: StreamName) -> InternalError:
    """The source ended a stream, and it is not complete."""
    return InternalError(
        f"The source ended stream {name} as INCOMPLETE.",
        doing="reading the input",
        remedy="All acknowledged records are safe. Find the cause in the source's log, then run the sync again.",
    )


def not_conserved(name: StreamName, read: int, written: int) -> InternalError:
    """A completed stream has another number of durable rows than of records."""
    return InternalError(
        f"{read} records of stream {name} were read and {written} rows written.",
        doing="completing the stream",
        remedy="Report this, with the journal of this sync.",
    )
