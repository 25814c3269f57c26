"""Statements are composed of literal text and of parts that say what they are, and a dialect renders them."""

import pytest
from attrs import evolve

from connectors.sql.dialect import Dialect, Parameters, Quote
from connectors.sql.text import (
    NOTHING,
    Keyword,
    Name,
    Param,
    Place,
    Sql,
    Type,
    Value,
    join,
    listed,
    names,
    sql,
    template,
)
from dataflow.evolution import ColumnType
from dataflow.types import Kind

STANDARD = Dialect(
    name="a database", parameters=Parameters.COLON, types={Kind.STRING: "varchar"}, metadata_types={}
)
DOLLARS = evolve(STANDARD, parameters=Parameters.DOLLAR)
PERCENTS = evolve(STANDARD, parameters=Parameters.PERCENT)
ESCAPES = evolve(STANDARD, escaping=" E")
BACKTICKS = evolve(STANDARD, quote=Quote("`", "`"), doubled="'\\")


def rendered(statement: Sql) -> str:
    return STANDARD.render(statement)


# -- composing


def test_each_place_takes_the_next_part() -> None:
    statement = sql("SELECT {} FROM {}", Name("id"), Name("shop", "users"))

    assert rendered(statement) == 'SELECT "id" FROM "shop"."users"'


def test_a_named_place_takes_the_part_of_its_name_as_often_as_it_occurs() -> None:
    statement = sql("{a} = {b} OR {a} IS NULL", a=Name("x"), b=Param("y"))

    assert rendered(statement) == '"x" = :y OR "x" IS NULL'


def test_a_numbered_place_takes_the_part_of_its_number() -> None:
    assert rendered(sql("{0} + {0}", Name("x"))) == '"x" + "x"'


def test_a_part_may_be_composed_itself() -> None:
    condition = sql("{} > {}", Name("age"), Param("least"))

    assert rendered(sql("DELETE FROM {} WHERE {}", Name("users"), condition)) == (
        'DELETE FROM "users" WHERE "age" > :least'
    )


def test_double_braces_are_braces() -> None:
    assert rendered(sql("SELECT {{}}, {}", Name("x"))) == 'SELECT {}, "x"'


def test_braces_of_a_part_are_no_places() -> None:
    assert rendered(sql("SELECT {}", Name("{}"))) == 'SELECT "{}"'


def test_parts_are_joined() -> None:
    assert rendered(join(" AND ", [sql("a"), sql("b"), sql("c")])) == "a AND b AND c"
    assert rendered(listed([Name("a"), Value(1)])) == '"a", 1'
    assert rendered(names(["a", "b"])) == '"a", "b"'
    assert listed([]) == NOTHING


def test_a_part_that_holds_nothing_is_not_joined() -> None:
    assert rendered(join(" AND ", [NOTHING, sql("a"), NOTHING, sql("b"), NOTHING])) == "a AND b"


def test_a_template_is_filled_later() -> None:
    same = template("{} <=> {}")

    assert rendered(same(Name("a"), Name("b"))) == '"a" <=> "b"'


def test_composing_twice_gives_equal_statements() -> None:
    assert sql("SELECT {}", Name("x")) == sql("SELECT {}", Name("x"))


def test_a_statement_knows_whether_it_takes_values() -> None:
    assert sql("SELECT {}", sql("{}", Param("x"))).has_parameters
    assert sql("VALUES ({})", Place()).has_parameters
    assert not sql("SELECT {}", Name("x")).has_parameters


# -- what is refused


def test_text_that_is_put_together_is_refused() -> None:
    table = "users; DROP TABLE users"

    with pytest.raises(ValueError, match="not a literal of the function") as refusal:
        sql(f"DELETE FROM {table}")
    with pytest.raises(ValueError, match="not a literal of the function"):
        sql("DELETE FROM " + table)
    assert "users" not in str(refusal.value)


def test_text_that_is_handed_in_is_refused() -> None:
    def composed(text: str) -> Sql:
        return sql(text)

    def separated(text: str) -> Sql:
        return join(text, [Name("a"), Name("b")])

    for compose in (composed, separated, lambda text: template(text)()):
        with pytest.raises(ValueError, match="not a literal of the function"):
            compose(" OR ")


@pytest.mark.parametrize("locked", [True, False])
def test_a_literal_may_be_chosen_or_broken_into_lines(locked: bool) -> None:
    statement = sql("SELECT * FROM users FOR UPDATE" if locked else "SELECT * FROM users")

    assert rendered(statement).endswith("FOR UPDATE") == locked


def test_a_name_quoted_by_hand_is_refused() -> None:
    with pytest.raises(ValueError, match="quoted by hand"):
        sql('SELECT "x"')
    with pytest.raises(ValueError, match="quoted by hand"):
        template("SELECT `x`")


def test_plain_text_is_no_part() -> None:
    with pytest.raises(TypeError, match="a str does not say what it is"):
        sql("SELECT {}", "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a str does not say what it is"):
        listed(["x"])  # type: ignore[list-item]


def test_parts_and_places_must_fit() -> None:
    with pytest.raises(ValueError, match=r"place \{1\} .* has no part"):
        sql("{} {}", Name("x"))
    with pytest.raises(ValueError, match=r"place \{table\} .* has no part"):
        sql("{table}")
    with pytest.raises(ValueError, match=r"no place .* has the parts 1, other"):
        sql("{}", Name("x"), Name("y"), other=Name("z"))
    with pytest.raises(ValueError, match="has no format"):
        sql("{!r}", Name("x"))


@pytest.mark.parametrize("parts", [(), ("",), ("shop", ""), ("a\0b",)])
def test_what_no_database_takes_for_a_name_is_none(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least one part"):
        Name(*parts)


@pytest.mark.parametrize(
    "spelled",
    ["bigint", "DECIMAL(38,9)", "timestamp with time zone", "JSON[]", "Nullable(DateTime64(6, 'Etc/GMT-1'))"],
)
def test_a_type_is_rendered_as_it_is_spelled(spelled: str) -> None:
    assert rendered(sql("CAST(x AS {})", Type(spelled))) == f"CAST(x AS {spelled})"


@pytest.mark.parametrize("spelled", ["", "int; DROP TABLE x", "int -- ", 'int "x"', "int ''x'; y"])
def test_what_is_not_spelled_as_a_type_is_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match="spelled in words"):
        Type(spelled)


def test_keywords_are_rendered_as_they_are_spelled() -> None:
    statement = sql("DROP {} {}", Keyword("MATERIALIZED VIEW"), Name("daily"))

    assert rendered(statement) == 'DROP MATERIALIZED VIEW "daily"'


@pytest.mark.parametrize("spelled", ["", "select", "VIEW; DROP", "VIEW  ", "A\nB", 'VIEW "x"'])
def test_what_is_not_spelled_as_a_keyword_is_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match="capital letters"):
        Keyword(spelled)


@pytest.mark.parametrize("name", ["", "a b", "a)", "a'"])
def test_a_parameter_is_named_by_a_word(name: str) -> None:
    with pytest.raises(ValueError, match="named by a word"):
        Param(name)


# -- rendering


def test_a_name_is_quoted_as_the_database_quotes() -> None:
    table = sql("{}", Name("a`b", 'c"d'))

    assert STANDARD.render(table) == '"a`b"."c""d"'
    assert BACKTICKS.render(table) == '`a``b`.`c"d`'


def test_a_value_is_written_as_the_database_reads_it() -> None:
    values = listed(map(Value, ["it's", "a\\b", 7, None, True, False]))

    assert STANDARD.render(values) == r"'it''s', 'a\b', 7, NULL, true, false"
    assert BACKTICKS.render(values) == r"'it''s', 'a\\b', 7, NULL, true, false"


def test_a_text_with_backslashes_is_marked_if_only_a_mark_makes_them_escapes() -> None:
    assert ESCAPES.render(sql("x = {}", Value("it's"))) == "x = 'it''s'"
    assert ESCAPES.render(sql("x ~ {}", Value(r"it's \d"))) == r"x ~  E'it''s \\d'"


@pytest.mark.parametrize(
    ("dialect", "text"), [(STANDARD, "x = :x, ?"), (DOLLARS, "x = $x, ?"), (PERCENTS, "x = %(x)s, %s")]
)
def test_a_parameter_is_written_in_the_drivers_style(dialect: Dialect, text: str) -> None:
    assert dialect.render(sql("x = {}, {}", Param("x"), Place())) == text


def test_percent_signs_are_doubled_where_parameters_are_written_with_them() -> None:
    with_parameter = sql("SELECT {} % {}", Name("100%"), Param("x"))
    without = sql("SELECT {} % 2", Name("100%"))

    assert PERCENTS.render(with_parameter) == 'SELECT "100%%" %% %(x)s'
    assert PERCENTS.render(without) == 'SELECT "100%" % 2'
    assert STANDARD.render(with_parameter) == 'SELECT "100%" % :x'


def test_a_dialect_has_its_own_phrases() -> None:
    other = evolve(STANDARD, same=template("{} <=> {}"), latest_first=template("{} DESC"))
    a, b = Name("a"), Name("b")

    assert rendered(STANDARD.same(a, b)) == '"a" IS NOT DISTINCT FROM "b"'
    assert rendered(STANDARD.latest_first(a)) == '"a" DESC NULLS LAST'
    assert rendered(other.same(a, b)) == '"a" <=> "b"'
    assert rendered(other.latest_first(a)) == '"a" DESC'


def test_text_in_a_key_has_a_length_where_the_database_wants_to_know_it() -> None:
    assert STANDARD.text_up_to(255) == "varchar"
    assert evolve(STANDARD, key_text="varchar({})").text_up_to(255) == "varchar(255)"


def test_a_columns_definition_says_when_it_takes_no_null() -> None:
    assert rendered(STANDARD.definition("a b", ColumnType("bigint"))) == '"a b" bigint'
    assert rendered(STANDARD.definition("x", ColumnType("bigint", nullable=False))) == '"x" bigint NOT NULL'
    assert STANDARD.column_type(Kind.STRING) == ColumnType("varchar")
