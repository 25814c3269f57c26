"""Raw ids become the texts that Python's own UUIDs have."""

from uuid import UUID

import pyarrow as pa
import pytest

from connectors.sql.raw_id_texts import raw_id_texts

IDS = [UUID(int=number * 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10 % 2**128) for number in range(300)]


@pytest.mark.parametrize(("start", "length"), [(0, 300), (7, 100), (299, 1), (5, 0)])
def test_each_raw_id_is_the_text_of_its_uuid_also_in_a_slice(start: int, length: int) -> None:
    ids = pa.array([each.bytes for each in IDS], pa.binary(16)).slice(start, length)

    texts = raw_id_texts(ids)

    texts.validate(full=True)
    assert texts.to_pylist() == [str(each) for each in IDS[start : start + length]]
