"""What a driver's errors mean, as a table that is read from top to bottom. Passes no text of the database on.

The database's own words may quote a value, so they are compared and never shown, but for what a meaning names.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from attrs import evolve, frozen

from dataflow.errors import DataflowError, InternalError

ASK_FOR_HELP = "Report this, with the log of this sync."
TRY_AGAIN = "Try again."


@frozen(kw_only=True)
class Meaning:
    """An error of ours, and the errors of a driver that it stands for.

    An error fits if it is `raised_as` that class, has one of the `codes` (any, if there are none), and the pattern
    `said` is found in its text. The message may hold the pattern's named groups, as `{file}`: name a group only if it
    never holds a value.
    """

    means: DataflowError
    raised_as: type[Exception] = Exception
    codes: Collection[str | int] = ()
    said: str = ""

    def of(self, error: Exception, code: str | int | None) -> DataflowError | None:
        """What this error means, whose code is `code`; None if it does not fit."""
        if not isinstance(error, self.raised_as) or (self.codes and code not in self.codes):
            return None
        found = re.search(self.said, str(error))
        if found is None:
            return None
        named = found.groupdict()
        return evolve(self.means, message=self.means.message.format(**named)) if named else self.means


def by_code(errors: Mapping[str, DataflowError] | Mapping[int, DataflowError]) -> tuple[Meaning, ...]:
    """A meaning for each code of a driver."""
    return tuple(Meaning(codes=(code,), means=error) for code, error in errors.items())


def meant(error: Exception, code: str | int | None, meanings: Sequence[Meaning]) -> DataflowError | None:
    """The error of ours by the first meaning that fits; None if none does."""
    return next(filter(None, (each.of(error, code) for each in meanings)), None)


def explained(
    error: Exception, code: str | int | None, meanings: Sequence[Meaning], unforeseen: str
) -> DataflowError:
    """The error as one of ours: as it is if it already is, by the first meaning that fits, or as `unforeseen`."""
    if isinstance(error, DataflowError):
        return error
    return meant(error, code, meanings) or InternalError(unforeseen, remedy=ASK_FOR_HELP)
