"""The options: what is taken, what is refused, and that no refusal shows a value."""

from pathlib import Path
from typing import Any

import pytest

from connectors.contract.options import DeletionMode
from connectors.duckdb.config import Config, configure, spec
from dataflow.errors import ConfigError


def test_the_path_alone_is_enough(tmp_path: Path) -> None:
    config = configure({"destination_path": str(tmp_path / "lake.duckdb")})

    assert config == Config(destination_path=str(tmp_path / "lake.duckdb"))
    assert (config.schema, config.cdc_deletion_mode) == ("main", DeletionMode.HARD)


def test_unknown_options_are_ignored() -> None:
    assert configure({"destination_path": ":memory:", "colour": "green"}).in_memory


def test_null_is_as_good_as_absent() -> None:
    assert configure({"destination_path": ":memory:", "schema": None}) == configure(
        {"destination_path": ":memory:"}
    )


def test_a_soft_delete_is_asked_for_by_its_title() -> None:
    assert not configure({"destination_path": ":memory:", "cdc_deletion_mode": "Soft delete"}).hard_deletes


@pytest.mark.parametrize("path", ["md:", "md:lake", "motherduck:lake"])
def test_motherduck_needs_no_folder(path: str) -> None:
    config = configure({"destination_path": path, "motherduck_api_key": "open sesame"})

    assert config.on_motherduck
    assert config.database == path


def test_a_token_in_the_path_is_refused_and_not_shown() -> None:
    """Paths are quoted in errors."""
    with pytest.raises(ConfigError, match="motherduck_api_key") as caught:
        configure({"destination_path": "md:lake?motherduck_token=sesame"})

    assert "sesame" not in str(caught.value)


def test_two_ways_to_one_file_are_one_database(tmp_path: Path) -> None:
    straight = configure({"destination_path": str(tmp_path / "lake.duckdb")})
    around = configure({"destination_path": str(tmp_path / ".." / tmp_path.name / "lake.duckdb")})

    assert straight.database == around.database


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "destination_path: is required"),
        ({"destination_path": 5}, "destination_path: must be a text"),
        ({"destination_path": " "}, "destination_path: may not be blank"),
        ({"destination_path": ":memory:", "schema": ""}, "schema: may not be blank"),
        ({"destination_path": ":memory:", "schema": ["main"]}, "schema: must be a text"),
        (
            {"destination_path": ":memory:", "cdc_deletion_mode": "Explode"},
            "cdc_deletion_mode: must be one of Hard delete, Soft delete",
        ),
        ({"destination_path": "md:", "motherduck_api_key": 5}, "motherduck_api_key: must be a text"),
    ],
)
def test_what_cannot_be_used_is_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        configure(options)


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        configure({"schema": 1, "cdc_deletion_mode": 2})

    assert all(key in str(caught.value) for key in ("destination_path", "schema", "cdc_deletion_mode"))


def test_a_refusal_does_not_show_the_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        configure({"destination_path": "md:", "motherduck_api_key": ["open sesame"]})

    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_secret_is_not_in_the_repr() -> None:
    config = configure({"destination_path": "md:", "motherduck_api_key": "open sesame"})

    assert "sesame" not in repr(config)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        configure({"destination_path": str(tmp_path / "nowhere" / "lake.duckdb")})


def test_a_folder_that_does_not_exist_is_named_with_what_else_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configure({"destination_path": str(tmp_path / "nowhere" / "lake.duckdb"), "schema": ""})

    assert caught.value.complaints == (
        f"destination_path: there is no folder {tmp_path / 'nowhere'}",
        "schema: may not be blank",
    )


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        configure({"destination_path": str(tmp_path)})


def test_the_specification_shows_every_option_in_order() -> None:
    shown = spec()["connectionSpecification"]

    assert shown["required"] == ["destination_path"]
    assert [shown["properties"][name]["order"] for name in shown["properties"]] == [0, 1, 2, 3]
    assert all(option["title"] and option["description"] for option in shown["properties"].values())


def test_the_specification_marks_the_secret_and_no_other_option() -> None:
    properties = spec()["connectionSpecification"]["properties"]

    assert [name for name, option in properties.items() if option.get("airbyte_secret")] == [
        "motherduck_api_key"
    ]


def test_the_specification_gives_defaults_and_choices() -> None:
    properties = spec()["connectionSpecification"]["properties"]

    assert properties["schema"]["default"] == "main"
    assert properties["cdc_deletion_mode"]["enum"] == ["Hard delete", "Soft delete"]
    assert properties["cdc_deletion_mode"]["default"] == "Hard delete"


def test_the_specification_names_the_sync_modes() -> None:
    told = spec()

    assert told["supportsIncremental"] is True
    assert told["supported_destination_sync_modes"] == ["overwrite", "append", "append_dedup"]
