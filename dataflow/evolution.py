"""How a table differs from what it should be. Pure: compares two schemas and says what to change."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import partial

from attrs import evolve, field, frozen

from dataflow.types import Change, ChangeKind, ChangeReason, TableName


@frozen
class ColumnType:
    """A column's type as the database spells it, normalised so that equal types have equal text."""

    type: str
    nullable: bool = True

    def __str__(self) -> str:
        return self.type if self.nullable else f"{self.type} not null"


@frozen
class TableSchema:
    """A table's columns by physical name, in their order. The metadata columns are no part of it."""

    columns: Mapping[str, ColumnType]


@frozen
class ColumnTypeChange:
    """A column whose type or nullability differs: what it is, and what it should be."""

    original: ColumnType
    new: ColumnType


@frozen(kw_only=True)
class ColumnChangeset:
    """What turns the actual table into the expected one; after it, discovering gives the expected schema."""

    add: Mapping[str, ColumnType] = field(factory=dict)
    drop: Mapping[str, ColumnType] = field(factory=dict)
    change: Mapping[str, ColumnTypeChange] = field(factory=dict)
    retain: Mapping[str, ColumnType] = field(factory=dict)

    @property
    def is_noop(self) -> bool:
        """Whether the table is already as expected."""
        return not (self.add or self.drop or self.change)


def diff(actual: TableSchema, expected: TableSchema) -> ColumnChangeset:
    """What must change for `actual` to become `expected`. Column order is no difference."""
    have, want = actual.columns, expected.columns
    return ColumnChangeset(
        add={name: kind for name, kind in want.items() if name not in have},
        drop={name: kind for name, kind in have.items() if name not in want},
        change={
            name: ColumnTypeChange(have[name], kind)
            for name, kind in want.items()
            if name in have and have[name] != kind
        },
        retain={name: kind for name, kind in want.items() if have.get(name) == kind},
    )


class How(StrEnum):
    """What was done to a column."""

    ADDED = "added"
    DROPPED = "dropped"
    RETYPED = "retyped"


@frozen(kw_only=True)
class Altered:
    """A column of a table that was altered: its type, and the one that it had before where it has another now.

    `rows` is an estimate of how many the table holds, None where the database does not know.
    """

    table: str
    column: str
    how: How
    type: str
    before: str | None = None
    rows: int | None = None


def altered(table: TableName, changeset: ColumnChangeset, rows: int | None = None) -> tuple[Altered, ...]:
    """What a changeset does to a table of `rows` rows, column by column."""
    made = partial(Altered, table=str(table), rows=rows)
    return (
        *(made(column=name, how=How.ADDED, type=str(kind)) for name, kind in changeset.add.items()),
        *(made(column=name, how=How.DROPPED, type=str(kind)) for name, kind in changeset.drop.items()),
        *(
            made(column=name, how=How.RETYPED, type=str(kind.new), before=str(kind.original))
            for name, kind in changeset.change.items()
        ),
    )


def sparing(changeset: ColumnChangeset, ours: Collection[str]) -> ColumnChangeset:
    """The changeset that drops no column but these."""
    return evolve(changeset, drop={name: kind for name, kind in changeset.drop.items() if name in ours})


def not_held(column: str) -> Change:
    """What a row notes when its value in a column was lost, because the column's new type cannot hold it."""
    return Change(column, ChangeKind.NULLED, ChangeReason.TYPECAST)
