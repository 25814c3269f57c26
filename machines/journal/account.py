"""What a sync did to a stream's values and columns, as it is reported at the stream's end: names and counts, no value.

The journal's last entry of a stream holds it; the words for people are made of it here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import cattrs
from attrs import frozen
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from dataflow.evolution import Altered, How
from dataflow.types import ChangeKind, ChangeReason, Kind
from dataflow.unknown_fields import COUNTED, NO_UNKNOWN_FIELDS, UnknownFields
from machines.formatting import count, number_of

# This many of each are named, and the others counted.
NAMED = 20


@frozen(kw_only=True)
class ChangedValues:
    """How many values of a field were nulled or cut, and why. `kind` is that of its column."""

    field: str
    kind: Kind
    change: ChangeKind
    reason: ChangeReason
    values: int


@frozen(kw_only=True)
class Taken:
    """What was read of a stream: records, bytes of their lines, and how many records an emitted STATE covers."""

    read: int = 0
    bytes: int = 0
    acknowledged: int = 0


@frozen(kw_only=True)
class Account:
    """What became of a stream's input. `read` counts records and `bytes` their lines, also those that were not written.

    `acknowledged`: how many of its records an emitted STATE covers. `rows` are durable.
    """

    read: int = 0
    bytes: int = 0
    acknowledged: int = 0
    rows: int = 0
    changed: tuple[ChangedValues, ...] = ()
    altered: tuple[Altered, ...] = ()
    unknown: UnknownFields = NO_UNKNOWN_FIELDS


_JSON = cattrs.Converter(omit_if_default=True)
# The name in journals of every version.
_ACKNOWLEDGED = override(rename="told")
# Made when they are first needed: making them takes a start a millisecond or two.
_JSON.register_unstructure_hook_factory(
    lambda of: of is Account,
    lambda of: make_dict_unstructure_fn(of, _JSON, _cattrs_omit_if_default=True, acknowledged=_ACKNOWLEDGED),
)
_JSON.register_structure_hook_factory(
    lambda of: of is Account, lambda of: make_dict_structure_fn(of, _JSON, acknowledged=_ACKNOWLEDGED)
)


def account_to_json(account: Account) -> Mapping[str, Any]:
    """The account as the journal holds it; what is not there is nothing or none."""
    made: Mapping[str, Any] = _JSON.unstructure(account)
    return made


def account_from_json(value: object) -> Account | None:
    """The account that was written down; None for what is none, or is one that another version understands."""
    if not isinstance(value, Mapping):
        return None
    try:
        return _JSON.structure(value, Account)
    except Exception:  # noqa: BLE001 - cattrs raises what the value makes it raise
        return None


def altered_to_json(altered: tuple[Altered, ...]) -> list[Mapping[str, Any]]:
    """Columns that were altered, as the journal holds them."""
    return [_JSON.unstructure(each) for each in altered]


def altered_from_json(value: object) -> tuple[Altered, ...]:
    """The columns that were written down; none for what another version understands."""
    try:
        return _JSON.structure(value, tuple[Altered, ...])
    except Exception:  # noqa: BLE001 - as above
        return ()


def changes_in(account: Account) -> list[str]:
    """What was changed, for a person: one sentence for each kind of change, without its full stop."""
    return [
        *_named(list(map(_values(account.rows), account.changed)), "field"),
        *columns_in(account.altered),
        *_unknown(account.unknown),
    ]


def columns_in(altered: tuple[Altered, ...]) -> list[str]:
    """Which columns were altered, for a person."""
    return _named(list(map(_column, altered)), "column")


def _named(words: list[str], thing: str) -> list[str]:
    rest = len(words) - NAMED
    return words if rest <= 0 else [*words[:NAMED], f"and {number_of(rest, f'other {thing}')}"]


def _values(rows: int) -> Any:
    def words(of: ChangedValues) -> str:
        became = "became null" if of.change is ChangeKind.NULLED else "were cut"
        return f"{of.field}: {count(of.values)} of {number_of(rows, 'value')} {became} ({_why(of)})"

    return words


def _why(of: ChangedValues) -> str:
    if of.change is ChangeKind.TRUNCATED:
        return "more digits after the point than the column holds"
    if of.reason is ChangeReason.SERIALIZATION:
        return f"not {_A_VALUE[of.kind]}"
    return "more than the column holds"


_A_VALUE: Mapping[Kind, str] = {
    Kind.STRING: "a text",
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.DATE: "a date",
    Kind.TIME_WITH_TIMEZONE: "a time with a zone",
    Kind.TIME_WITHOUT_TIMEZONE: "a time",
    Kind.TIMESTAMP_WITH_TIMEZONE: "a date and time",
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: "a date and time",
    Kind.JSON: "JSON of the schema's form",
}


def _column(of: Altered) -> str:
    match of.how:
        case How.ADDED:
            return f"column {of.column} ({of.type}) of {of.table} was added"
        case How.DROPPED:
            rows = f", {number_of(of.rows, 'row')}" if of.rows is not None else ""
            return f"column {of.column} ({of.type}) of {of.table} was dropped{rows}"
        case How.RETYPED:
            return (
                f"column {of.column} of {of.table} was changed from {of.before} to {of.type}, and its values that "
                "do not fit became null, as _airbyte_meta notes"
            )


def _unknown(of: UnknownFields) -> Iterator[str]:
    if not of.count:
        return
    many = f"{COUNTED} fields or more" if of.count >= COUNTED else number_of(of.count, "field")
    rest = of.count - len(of.names)
    more = " and others" if of.count >= COUNTED else f" and {count(rest)} more" if rest else ""
    are = "is" if of.count == 1 else "are"
    yield f"{many} of the records {are} not in the schema: {', '.join(of.names)}{more}"
