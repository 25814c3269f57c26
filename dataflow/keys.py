"""Which misfits matter to a column that decides about rows, and which column would hold them. Alters no column.

Everywhere else a cell that does not fit is nulled or cut, and its row says so. In a column that decides which rows are
the same, or which of them is the latest, that would make distinct rows one: there it is a misfit, and its stream fails.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from dataflow.misfits import INTEGER_DIGITS, Misfit, misfit
from dataflow.types import AirbyteType, Kind, Limits, Scalar, Widened


class Role(StrEnum):
    """What a column decides when rows are merged."""

    KEY = "primary key"
    # Which row of a key is the latest: the cursor, and where a CDC record stands in its log.
    ORDER = "cursor"
    KEY_AND_ORDER = "primary key and cursor"
    # Whether a row is there at all.
    DELETION = "deletion mark"

    @property
    def orders(self) -> bool:
        """Whether values are compared for which is the greater."""
        return self in (Role.ORDER, Role.KEY_AND_ORDER)


@frozen
class Unfit:
    """A field whose column does not hold all of its values.

    `misfits` are theirs, each once, in the order of the enumeration. `needed` is the kind of column that would hold
    them all and keep what the column is there for; None where there is none.
    """

    field: str
    kind: Kind
    role: Role
    misfits: tuple[Misfit, ...]
    needed: Kind | None

    def joined(self, other: "Unfit") -> "Unfit":
        """The same of this field's values and the other's."""
        found = {*self.misfits, *other.misfits}
        return Unfit(
            self.field,
            self.kind,
            self.role,
            tuple(each for each in Misfit if each in found),
            join(self.needed, other.needed, self.role),
        )


# What a role does not need: that a mark of a deletion is there says all of it; and the last digits are cut from all
# values of a cursor, which does not change their order. If it makes two of them equal, arrival decides, as usual.
_UNNEEDED: Mapping[Role, tuple[Misfit, ...]] = {
    Role.DELETION: (
        Misfit.DIGITS,
        Misfit.FINER,
        Misfit.LEAP,
        Misfit.CLOCK,
        Misfit.ZONE,
        Misfit.NUL,
        Misfit.BROKEN,
    ),
    Role.ORDER: (Misfit.DIGITS, Misfit.FINER, Misfit.LEAP),
}
# What a kind's values are held in when its own column does not do, from the nearest on.
_WIDER: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.BOOLEAN: (Kind.STRING,),
    Kind.INTEGER: (Kind.NUMBER, Kind.STRING),
    Kind.DATE: (Kind.TIMESTAMP_WITH_TIMEZONE,),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: (Kind.TIMESTAMP_WITH_TIMEZONE,),
}


def unfit(field: str, type_: AirbyteType, role: Role, token: bytes | None, limits: Limits) -> Unfit | None:
    """What a column of this type does not hold of a token, if it is anything that its role needs. None is no JSON."""
    if token is None:
        return Unfit(field, type_.kind, role, (Misfit.NO_JSON,), None)
    if role is Role.DELETION and token.strip() == b'""':
        # It says no more than null does.
        return None
    found = misfit(type_, token, limits)
    if found is None or found in _UNNEEDED.get(role, ()):
        return None
    fitting = (
        kind for kind in wider(type_.kind, role, limits) if misfit(Scalar(kind), token, limits) is None
    )
    return Unfit(field, type_.kind, role, (found,), next(fitting, None))


def wider(kind: Kind, role: Role, limits: Limits) -> tuple[Kind, ...]:
    """The kinds that hold all values of this one and more, from the nearest on, with equal values and their order kept.

    As texts, numbers have another order: a column that orders rows never becomes one. A decimal, a date and a moment
    have more than one text, so that a value sent again would not be found again: they become none either.
    """
    return tuple(
        each
        for each in _WIDER.get(kind, ())
        if not (each is Kind.STRING and role.orders)
        and not (each is Kind.NUMBER and not _holds_integers(limits))
    )


def stays(widened: Kind, declared: Kind) -> bool:
    """Whether a column that was widened to one kind stays so for a field that is now declared as another.

    A column of texts holds whatever is declared. Any other does only if it holds all values of the declared kind.
    """
    return widened is Kind.STRING or widened is declared or widened in _WIDER.get(declared, ())


def disordered(type_: AirbyteType, role: Role) -> bool:
    """Whether a column became one of texts whose order is not that of the values, and is now to order rows."""
    return role.orders and isinstance(type_, Widened) and type_.kind is Kind.STRING


def join(one: Kind | None, other: Kind | None, role: Role) -> Kind | None:
    """The kind that holds what each of two holds, both of them wider than one third; None where there is none."""
    if one is other:
        return one
    if one is None or other is None:
        return None
    order = [Kind.NUMBER, Kind.STRING]
    if role.orders or one not in order or other not in order:
        return None
    return Kind.STRING


def _holds_integers(limits: Limits) -> bool:
    return limits.number is None or limits.number[0] - limits.number[1] >= INTEGER_DIGITS
