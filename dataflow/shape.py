"""What a stream's records become: the columns of its rows, and the numbers that each row carries. A value, no more."""

from collections.abc import Mapping

from attrs import field, frozen

from dataflow.keys import Role
from dataflow.types import Column, Limits, StreamName


@frozen(kw_only=True)
class Shape:
    """What turns a stream's records into rows: its columns, what they can hold, and the numbers each row carries.

    `roles` says of some fields what they decide when rows are merged: their cells are held as they were sent, or the
    rows are not written.
    """

    name: StreamName
    columns: tuple[Column, ...]
    limits: Limits
    generation_id: int
    sync_id: int
    roles: Mapping[str, Role] = field(factory=dict)
