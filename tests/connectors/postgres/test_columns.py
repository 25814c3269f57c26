"""How columns look in Postgres: types as the server spells them, names it can hold."""

import pytest

from connectors.postgres.columns import NAMING, PostgresColumns
from dataflow.names import physical_name
from dataflow.types import Kind


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_nullable_type(kind: Kind) -> None:
    assert PostgresColumns().column_type(kind).nullable


def test_numbers_are_bounded_unless_the_option_says_otherwise() -> None:
    bounded, unbounded = PostgresColumns(), PostgresColumns(unconstrained=True)

    assert bounded.column_type(Kind.NUMBER).type == "numeric(38,9)"
    assert bounded.limits.number == (38, 9)
    assert unbounded.column_type(Kind.NUMBER).type == "numeric"
    assert unbounded.limits.number is None


def test_text_holds_no_nul() -> None:
    assert not PostgresColumns().limits.nul


@pytest.mark.parametrize("name", ["ctid", "xmin", "tableoid"])
def test_a_name_that_postgres_keeps_for_itself_gets_a_suffix(name: str) -> None:
    assert physical_name(name, NAMING).startswith(f"{name}_")


@pytest.mark.parametrize(
    ("name", "physical"),
    [
        ("table", "table"),
        ("1foo", "_1foo"),
        ("Émile Zola", "Emile_Zola"),
        ("users", "users"),
        ("Users", "Users"),
    ],
)
def test_names_are_plain_and_keep_their_case(name: str, physical: str) -> None:
    assert physical_name(name, NAMING) == physical
