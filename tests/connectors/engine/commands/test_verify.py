"""`dataflow verify` refuses what it would ignore, and names what may be asked for."""

import pytest

from connectors.engine.commands import parse
from dataflow.errors import ConfigError


def run(*arguments: str) -> int:
    given = parse(["verify", *arguments])
    return int(given.module.run(given))


@pytest.mark.parametrize(
    "alone",
    [("--scenario", "append"), ("--without", "fence"), ("--limits",), ("--share", "2"), ("--seed", "7")],
    ids=lambda arguments: arguments[0],
)
def test_what_only_a_class_understands_is_refused_without_one(alone: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=f"{alone[0]} would be ignored.*--class all"):
        run("--crashes", "0", "--rivals", "0", *alone)


def test_a_scenario_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'Append'(.|\n)*append into no table(.|\n)*dedup, then another"):
        run("--class", "B", "--scenario", "Append")


def test_a_rule_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'nonsense'(.|\n)*fence: A commit is refused when"):
        run("--class", "B", "--without", "nonsense")


def test_a_rule_is_known_by_the_words_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    alone = ("--class", "B", "--scenario", "append_truncate into no table", "--jobs", "1", "--flushes", "1")

    found = run(*alone, "--without", "decide to replace")

    assert found == 1
    assert "law 1, acknowledged means durable" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argument",
    [("--share", "0"), ("--crashes", "-1"), ("--rivals", "-1"), ("--flushes", "0"), ("--jobs", "0")],
)
def test_a_number_that_makes_no_search_is_refused(argument: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        parse(["verify", *argument])


def test_a_known_limit_is_no_broken_law_and_its_history_has_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = (
        "--class",
        "B",
        "--scenario",
        "dedup into no table",
        "--jobs",
        "1",
        "--rivals",
        "0",
        "--flushes",
        "1",
    )

    found = run(*alone, "--limits")

    assert found == 0
    assert "limit (a), dedup into no table" in capsys.readouterr().out
