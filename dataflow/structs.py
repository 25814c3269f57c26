"""What a stream's records become, and the structs of messages that are read one by one. Decodes nothing itself."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from attrs import field, frozen

from dataflow.keys import Role
from dataflow.types import Column, Limits, StreamName

# Years 1 to 9999 in milliseconds: a source that counts nanoseconds would order its records by accident.
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999


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


class Meta(msgspec.Struct, gc=False):
    """What a source says of a record beside its data."""

    changes: msgspec.Raw = msgspec.Raw()


class AnyRecord(msgspec.Struct, gc=False):
    """A record of any stream, its cells left as they stand."""

    stream: str
    emitted_at: Annotated[float, msgspec.Meta(ge=EARLIEST, le=LATEST)]
    data: dict[str, msgspec.Raw]
    namespace: str | None = None
    meta: Meta | None = None
    partition_id: str | None = None


class Whose(msgspec.Struct):
    """Only the stream of a record."""

    stream: str
    namespace: str | None = None


class Envelope(msgspec.Struct):
    """A message of any type, its body left as it stands."""

    type: str
    record: msgspec.Raw = msgspec.Raw()
    state: msgspec.Raw = msgspec.Raw()
    trace: msgspec.Raw = msgspec.Raw()
