"""Decides which columns would lose what distinguishes rows, if they took on the types that a catalog declares. Pure.

A key's or cursor's column may become wider. It never becomes narrower: distinct keys would become one, and an older
record could win.
"""

from collections.abc import Collection, Mapping, Sequence

from dataflow.keys import Role, wider
from dataflow.types import Column, Kind, Limits

# What any value keeps all of itself in.
_HOLDS_ALL = (Kind.STRING, Kind.JSON)


def narrowed(
    columns: Sequence[Column],
    roles: Mapping[str, Role],
    held: Mapping[str, Collection[Kind]],
    limits: Limits,
) -> Mapping[str, Kind | None]:
    """The fields whose columns would become narrower, each with the kind that its column can stay.

    `held` are, by a column's name, the kinds that its type has now; none where it is no type of ours. An answer of None
    says that it has no kind which holds the values that are declared now.
    """
    found: dict[str, Kind | None] = {}
    for column in columns:
        role = roles.get(column.field, Role.DELETION)
        if role is Role.DELETION or column.name not in held or column.kind in _HOLDS_ALL:
            continue
        kinds = held[column.name]
        if column.kind in kinds or any(column.kind in wider(kind, role, limits) for kind in kinds):
            continue
        wide = wider(column.kind, role, limits)
        found[column.field] = next((kind for kind in wide if kind in kinds), None)
    return found
