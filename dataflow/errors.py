"""The three errors a sync can end with, as the Airbyte protocol names them. Nothing here logs or prints."""

from typing import ClassVar

from attrs import field, frozen


@frozen
class DataflowError(Exception):
    """Something a person will read at night: what happened, what we were doing, what can be done.

    Never holds a secret nor the content of a record. Raise one of the three subclasses.
    """

    failure_type: ClassVar[str] = "system_error"

    message: str
    doing: str = field(default="", kw_only=True)
    remedy: str = field(default="", kw_only=True)
    # How often it was tried, the last time in vain.
    attempts: int = field(default=1, kw_only=True)

    def __str__(self) -> str:
        parts = [self.message]
        if self.doing:
            parts.append(f"This happened while {self.doing}.")
        if self.attempts > 1:
            parts.append(f"It was tried {self.attempts} times.")
        if self.remedy:
            parts.append(self.remedy)
        return " ".join(parts)


@frozen
class ConfigError(DataflowError):
    """A person must change the configuration, the catalog or the destination; repeating is of no use."""

    failure_type = "config_error"

    # What is wrong with each option, for an error about options; its message joins them.
    complaints: tuple[str, ...] = field(default=(), kw_only=True)


class TransientError(DataflowError):
    """The same sync may well succeed when it is tried again."""

    failure_type = "transient_error"


class InternalError(DataflowError):
    """A defect, ours or of a message we were given."""

    failure_type = "system_error"
