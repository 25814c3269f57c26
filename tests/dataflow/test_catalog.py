"""What a configured catalog asks for, and which catalogs are refused before anything is touched."""

import json
from typing import Any

import pytest

from dataflow.catalog import Append, Dedupe, Overwrite, Replace, Strategy, SyncMode, read_catalog
from dataflow.errors import ConfigError, DataflowError, InternalError
from dataflow.types import StreamName


def configured(**members: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "at": {"type": "string"}}}
    entry = {"stream": {"name": "users", "json_schema": schema}, "destination_sync_mode": "append"}
    return entry | members


def catalog(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"streams": list(entries)}).encode()


@pytest.mark.parametrize(
    ("mode", "generation", "minimum", "strategy"),
    [
        ("append", 3, 0, Strategy.APPEND),
        ("overwrite", 3, 0, Strategy.APPEND),
        ("append_dedup", 3, 0, Strategy.DEDUP),
        ("append", 3, 3, Strategy.APPEND_TRUNCATE),
        ("overwrite", 3, 3, Strategy.APPEND_TRUNCATE),
        ("append_dedup", 3, 3, Strategy.DEDUP_TRUNCATE),
        ("append_dedup", 0, 0, Strategy.DEDUP),
    ],
)
def test_the_strategy_follows_from_the_import_type_and_the_generations(
    mode: str, generation: int, minimum: int, strategy: Strategy
) -> None:
    entry = configured(
        destination_sync_mode=mode,
        generation_id=generation,
        minimum_generation_id=minimum,
        primary_key=[["id"]],
    )

    (stream,) = read_catalog(catalog(entry))

    assert stream.strategy is strategy


def test_absent_and_null_counters_are_zero() -> None:
    (stream,) = read_catalog(catalog(configured(generation_id=None, sync_id=None)))

    assert (stream.generation_id, stream.minimum_generation_id, stream.sync_id) == (0, 0, 0)
    assert stream.import_type == Append()


@pytest.mark.parametrize(
    ("members", "meant"),
    [
        ({}, Replace()),
        ({"generation_id": None, "minimum_generation_id": None}, Replace()),
        ({"generation_id": 3}, Replace()),
        ({"generation_id": 0, "minimum_generation_id": 0}, Overwrite()),
        ({"generation_id": 3, "minimum_generation_id": 0}, Overwrite()),
        ({"generation_id": 3, "minimum_generation_id": 3}, Overwrite()),
        ({"minimum_generation_id": 0}, Overwrite()),
    ],
    ids=repr,
)
def test_an_overwrite_replaces_unless_the_client_says_which_generations_stay(
    members: dict[str, Any], meant: Overwrite | Replace
) -> None:
    (stream,) = read_catalog(catalog(configured(destination_sync_mode="overwrite", **members)))

    assert stream.import_type == meant
    assert stream.strategy.truncates is (meant == Replace() or stream.minimum_generation_id > 0)


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("incremental", SyncMode.INCREMENTAL),
        ("full_refresh", SyncMode.FULL_REFRESH),
        (None, SyncMode.FULL_REFRESH),
    ],
)
def test_a_stream_is_read_from_its_beginning_unless_it_is_said_to_go_on(
    said: str | None, mode: SyncMode
) -> None:
    (stream,) = read_catalog(catalog(configured(sync_mode=said)))

    assert stream.sync_mode is mode


def test_a_dedupe_stream_has_its_key_and_cursor() -> None:
    entry = configured(destination_sync_mode="append_dedup", primary_key=[["id"]], cursor_field=["at"])

    (stream,) = read_catalog(catalog(entry))

    assert stream.import_type == Dedupe(("id",), "at")
    assert stream.name == StreamName(None, "users")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "catalog cannot be read"),
        (b'{"streams": []}', "at least one stream"),
        (b'{"streams": [{"stream": {"name": 1}}]}', "catalog cannot be read"),
        (b'{"streams": [{"stream": {"name": "\\ud800"}}]}', "half of a surrogate pair"),
        (catalog(configured(), configured()), "appear more than once: users"),
        (catalog(configured(destination_sync_mode=None)), "destination sync mode"),
        (catalog(configured(sync_mode="incremetal")), "the sync mode 'incremetal' is not supported"),
        (catalog(configured(destination_sync_mode="append_dedup")), "needs a primary key"),
        (catalog(configured(destination_sync_mode="append_dedup", primary_key=[["a", "b"]])), "root level"),
        (
            catalog(configured(destination_sync_mode="append_dedup", primary_key=[["x"]])),
            "primary key's field 'x'",
        ),
        (
            catalog(
                configured(destination_sync_mode="append_dedup", primary_key=[["id"]], cursor_field=["x"])
            ),
            "cursor's field 'x'",
        ),
    ],
)
def test_a_catalog_that_cannot_be_followed_is_a_config_error(text: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_catalog(text)


def test_all_that_is_wrong_with_a_catalog_is_one_error() -> None:
    unkeyed = configured(destination_sync_mode="append_dedup", primary_key=[["x"]], cursor_field=["y"])
    unread = configured(
        stream={"name": "orders", "json_schema": {"type": "string"}}, destination_sync_mode="upsert"
    )

    with pytest.raises(ConfigError) as caught:
        read_catalog(catalog(unkeyed, unread, configured(), configured()))

    assert caught.value.message == (
        "For stream users: the schema does not have the primary key's field 'x'. "
        "For stream users: the schema does not have the cursor's field 'y'. "
        "The JSON schema of stream orders describes no object. "
        "For stream orders: the destination sync mode 'upsert' is not supported. "
        "Some streams appear more than once: users."
    )
    assert caught.value.remedy.count("Refresh the source's schema, or choose another key.") == 1


def test_a_schema_that_is_no_object_is_refused_with_the_name_of_its_stream() -> None:
    entry = configured(stream={"name": "users", "namespace": "eu", "json_schema": {"type": "string"}})

    with pytest.raises(ConfigError, match=r"stream eu\.users describes no object"):
        read_catalog(catalog(entry))


def test_a_hybrid_refresh_is_a_defect_of_the_platform() -> None:
    with pytest.raises(InternalError, match="hybrid refresh - current generation 5; minimum generation 3"):
        read_catalog(catalog(configured(generation_id=5, minimum_generation_id=3)))


def test_every_refusal_says_what_to_do() -> None:
    with pytest.raises(DataflowError) as caught:
        read_catalog(b"{}")

    assert caught.value.remedy
