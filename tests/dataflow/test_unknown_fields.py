"""Counting the fields that a schema does not have: each once, and few of their names."""

from dataflow.unknown_fields import COUNTED, LONGEST, NAMED, FieldsMet


def test_a_field_that_is_met_again_is_counted_once() -> None:
    met = FieldsMet()

    met.meet(["b", "a"])
    met.meet(["a", "c"])

    assert (met.found.names, met.found.count) == (("b", "a", "c"), 3)


def test_the_first_names_are_kept_and_the_others_counted() -> None:
    met = FieldsMet()

    met.meet(f"field_{number}" for number in range(NAMED + 5))

    assert met.found.names == tuple(f"field_{number}" for number in range(NAMED))
    assert met.found.count == NAMED + 5


def test_fields_without_number_take_bounded_memory() -> None:
    met = FieldsMet()

    met.meet(f"{number}_{'x' * 10_000}" for number in range(10 * COUNTED))

    assert met.found.count == COUNTED
    assert max(map(len, met.found.names)) == LONGEST
