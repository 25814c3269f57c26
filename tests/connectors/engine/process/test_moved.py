"""What an import by an old name says."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from connectors.engine.process.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_says_the_new_one_and_the_new_one_can_be_imported(old: str) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        import_module(old)

    assert str(caught.value) == f"The module {old} has moved: import from {' or '.join(MOVED[old])}."
    assert caught.value.name == old
    for new in MOVED[old]:
        import_module(new)


def test_a_name_that_was_never_ours_is_not_found_as_ever() -> None:
    assert find_spec("connectors.nothing") is None
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        import_module("connectors.nothing")
