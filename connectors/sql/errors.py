"""What a driver's errors mean, as a table that is read from top to bottom. Passes no text of the database on.

The database's own words may quote a value, so they are compared and never shown.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from attrs import frozen

from dataflow.errors import DataflowError, InternalError

ASK_FOR_HELP = "Report this, with the log of this sync."
TRY_AGAIN = "Try again."


@frozen(kw_only=True)
class Meaning:
    """An error of ours, and the errors of a driver that it stands for.

    An error fits if it is `raised_as` that class, has one of the `codes` (any, if there are none), and its text matches
    `said` from its beginning on.
    """

    means: DataflowError
    raised_as: type[Exception] = Exception
    codes: Collection[str | int] = ()
    said: str = ""

    def fits(self, error: Exception, code: str | int | None) -> bool:
        """Whether it stands for this error, whose code is `code`."""
        if not isinstance(error, self.raised_as) or (self.codes and code not in self.codes):
            return False
        return re.match(self.said, str(error)) is not None


def by_code(errors: Mapping[str, DataflowError] | Mapping[int, DataflowError]) -> tuple[Meaning, ...]:
    """A meaning for each code of a driver."""
    return tuple(Meaning(codes=(code,), means=error) for code, error in errors.items())


def meant(error: Exception, code: str | int | None, meanings: Sequence[Meaning]) -> DataflowError | None:
    """The error of ours by the first meaning that fits; None if none does."""
    return next((each.means for each in meanings if each.fits(error, code)), None)


def explained(
    error: Exception, code: str | int | None, meanings: Sequence[Meaning], unforeseen: str
) -> DataflowError:
    """The error as one of ours: as it is if it already is, by the first meaning that fits, or as `unforeseen`."""
    if isinstance(error, DataflowError):
        return error
    return meant(error, code, meanings) or InternalError(unforeseen, remedy=ASK_FOR_HELP)
