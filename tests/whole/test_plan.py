"""`dataflow plan` as a deployment asks it: exit codes, JSON, and nothing changed."""

import pytest

from dataflow.errors import ConfigError
from tests.whole.command import Destination
from tests.whole.dataflow import about, dataflow
from tests.whole.messages import catalog, complete, record, stream

COLUMNS = {"id": "integer", "name": "string"}


def synced(destination: Destination, generation: int = 1) -> None:
    wanted = catalog(stream("users", COLUMNS, generation=generation))
    sent = [record("users", {"id": 1, "name": "a"}), complete("users")]
    assert destination.write(wanted, sent).code == 0


def test_a_sync_that_only_adds_may_go(destination: Destination) -> None:
    synced(destination)
    adds = catalog(stream("users", {**COLUMNS, "more": "integer"}, generation=2))

    said = about(destination, "plan", "--json", "--catalog", destination.file("c.json", adds))

    (planned,) = said.json["streams"]
    deeds = [effect["deed"] for step in planned["steps"] for effect in step["effects"]]
    assert said.code == 0
    assert deeds == ["add column", "fill"]
    assert planned["final"]["exists"]


@pytest.mark.parametrize(
    ("wanted", "deed"),
    [
        (stream("users", COLUMNS, generation=2, minimum=2), "replace"),
        (stream("users", {"id": "integer"}, generation=2), "drop column"),
        (stream("users", {**COLUMNS, "name": "integer"}, generation=2), "change column"),
    ],
    ids=["replace", "drop column", "change column"],
)
def test_what_takes_something_away_is_an_exit_code_of_its_own(
    destination: Destination, wanted: dict[str, object], deed: str
) -> None:
    synced(destination)
    path = destination.file("c.json", catalog(wanted))

    said = about(destination, "plan", "--json", "--catalog", path)
    text = about(destination, "plan", "--catalog", path)

    assert (said.code, text.code) == (2, 2)
    assert [effect["deed"] for effect in said.json["destructive"]] == [deed]
    assert "DESTRUCTIVE: " in text.text
    assert destination.rows("users", ["id", "name"]) == [(1, "a")]


def test_a_stream_that_would_fail_is_an_exit_code_of_its_own(destination: Destination) -> None:
    synced(destination)
    destination.execute(f'CREATE TABLE "{destination.namespace}"."others" (whatever varchar(9))')
    others = destination.file("c.json", catalog(stream("others", COLUMNS)))

    said = about(destination, "plan", "--catalog", others)

    assert said.code == 1
    assert "It would fail: " in said.text


def test_a_destination_that_is_not_installed_is_named(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match=r"destination oracle is not installed here, only .*postgres"):
        dataflow("plan", "--connector", "oracle", "--config", "c", "--catalog", "k")
