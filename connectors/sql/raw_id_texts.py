"""Raw ids as the text of a UUID, for databases that store them so. Makes no Python object per row."""

import numpy as np
import pyarrow as pa

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_LENGTH = 36
# The places of the dashes in the text of a UUID, and of its digits.
_DASHES = (8, 13, 18, 23)
_PLACES = [place for place in range(_LENGTH) if place not in _DASHES]


def raw_id_texts(ids: pa.Array) -> pa.Array:
    """The texts of an array of 16 bytes each, none of which is null."""
    first, count = ids.offset * 16, len(ids)
    octets = np.frombuffer(ids.buffers()[1], np.uint8)[first : first + count * 16].reshape(count, 16)
    texts = np.full((count, _LENGTH), ord("-"), np.uint8)
    texts[:, _PLACES[0::2]] = _DIGITS[octets >> 4]
    texts[:, _PLACES[1::2]] = _DIGITS[octets & 15]
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(_LENGTH)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])
