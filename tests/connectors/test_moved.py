"""What an import by an old name says."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from connectors.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_says_the_new_one_and_the_new_one_can_be_imported(old: str) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        import_module(old)

    assert str(caught.value) == f"The module {old} has moved: import from {' or '.join(MOVED[old])}."
    assert caught.value.name == old
    for new in MOVED[old]:
        import_module(new)


@pytest.mark.parametrize("old", MOVED)
def test_a_search_for_an_old_name_finds_nothing_and_raises_nothing(old: str) -> None:
    assert find_spec(old) is None


def test_a_module_in_a_package_that_moved_says_where_the_package_is() -> None:
    with pytest.raises(
        ModuleNotFoundError, match=r"connectors\.commands has moved: import from connectors\.engine"
    ):
        import_module("connectors.commands.plan")


def test_a_name_that_was_never_ours_is_not_found_as_ever() -> None:
    assert find_spec("connectors.nothing") is None
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        import_module("connectors.nothing")
