"""The structs of messages that are read one by one, as far as they are decoded. Decodes nothing itself."""

from typing import Annotated

import msgspec

# Years 1 to 9999 in milliseconds: a source that counts nanoseconds would order its records by accident.
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999


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
