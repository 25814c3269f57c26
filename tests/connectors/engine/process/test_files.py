"""What is said of a configuration that cannot be read: where it is wrong, and nothing that stands in it."""

from pathlib import Path

import pytest

from connectors.engine.process.files import read_configuration
from dataflow.errors import ConfigError


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"password": "secret"', "is not JSON (line 1, column 22)."),
        (b'{\n  "password": "secret"\n  "port": 1\n}', "is not JSON (line 3, column 3)."),
        (b"secret", "is not JSON (line 1, column 1)."),
        (b'{"password": "secret\xff"}', "is not JSON: it is not encoded as UTF-8."),
        (b'["secret"]', "is not a JSON object."),
    ],
)
def test_a_configuration_that_is_no_json_object_is_refused_with_the_place(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as refused:
        read_configuration(path)

    assert str(refused.value).startswith(f"The configuration {str(path)!r} {says}")
    assert "secret" not in str(refused.value)
