"""Every destination that outlives its process is among those that whole syncs are run against."""

from tests.ours import OURS
from tests.whole.places import NAMES


def test_a_destination_without_a_place_keeps_its_tables_in_its_process() -> None:
    assert set(OURS) - set(NAMES) == {"memory"}
