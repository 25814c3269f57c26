"""Which fields a stream's records have that its schema does not: their names, never their values. Plain counting.

Names come from the input and may be without number, so few are kept, and the number of distinct ones that are counted
is limited.
"""

from collections.abc import Iterable

from attrs import define, field, frozen

# The names that are kept, and those that are counted; the reader in C counts no further either (native/strangers.h).
NAMED, COUNTED = 20, 100
# Characters of a name that is kept.
LONGEST = 100


@frozen
class UnknownFields:
    """The first names, in the order in which they were met, and how many there are: COUNTED stands for it or more."""

    names: tuple[str, ...] = ()
    count: int = 0

    def __bool__(self) -> bool:
        return self.count > 0


NO_UNKNOWN_FIELDS = UnknownFields()


@define
class FieldsMet:
    """The unknown fields of one stream, as they are met."""

    found: UnknownFields = NO_UNKNOWN_FIELDS
    _hashes: set[int] = field(factory=set, repr=False)

    def meet(self, names: Iterable[str]) -> None:
        """Take in names, some of which may have been met before."""
        for name in names:
            if len(self._hashes) == COUNTED:
                return
            self._hashes.add(hash(name))
            if len(self._hashes) == self.found.count:
                continue
            kept = self.found.names
            kept = (*kept, name[:LONGEST]) if len(kept) < NAMED else kept
            self.found = UnknownFields(kept, len(self._hashes))
