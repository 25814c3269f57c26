"""The options that every connector has: read strictly, told in every specification, and never quoted."""

from typing import Any

import pytest

from connectors.masking import Mask, mask_of
from connectors.options import Options, read_options, with_options
from dataflow.catalog import Append, DestinationStream, Overwrite, Replace
from dataflow.errors import ConfigError
from dataflow.protocol import error_message, log_message
from dataflow.types import StreamName
from tests.connectors.memory import memory_destination

SECRET = "open-s3same"
NESTED = {
    "connectionSpecification": {
        "properties": {
            "password": {"type": "string", "airbyte_secret": True},
            "mode": {
                "oneOf": [{"properties": {"key": {"airbyte_secret": True}}}, {"properties": {"name": {}}}]
            },
        }
    }
}


def test_what_is_not_said_has_a_default() -> None:
    assert read_options({"schema": "public", "journal_days": None}) == Options()
    assert not Options().each_overwrite_is_new


def test_each_overwrite_may_be_new() -> None:
    options = read_options({"each_overwrite_is_new": True, "journal_days": 7})

    assert (options.each_overwrite_is_new, options.journal_days) == (True, 7)


@pytest.mark.parametrize(
    ("options", "meant"),
    [(Options(), Overwrite()), (Options(each_overwrite_is_new=True), Replace())],
    ids=["by the catalog", "each is new"],
)
def test_an_overwrite_is_what_the_client_means_by_it(options: Options, meant: Overwrite | Replace) -> None:
    streams = [
        DestinationStream(name=StreamName(None, "users"), fields=(), import_type=of)
        for of in (Overwrite(), Append())
    ]

    assert [stream.import_type for stream in options.meant(streams)] == [meant, Append()]


@pytest.mark.parametrize(
    "given",
    [
        {"each_overwrite_is_new": "yes"},
        {"each_overwrite_is_new": 1},
        {"journal_days": 0},
        {"journal_days": 1e9},
        {"journal_days": True},
        {"journal_days": "s3same"},
    ],
    ids=repr,
)
def test_a_value_that_will_not_do_is_refused_by_its_key(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(given)

    assert next(iter(given)) in caught.value.message
    assert "s3same" not in str(caught.value)
    assert caught.value.remedy


def test_every_specification_tells_of_them_after_the_connectors_own() -> None:
    spec = memory_destination().definition.spec()

    properties = with_options(spec)["connectionSpecification"]["properties"]

    assert list(properties) == [
        *spec["connectionSpecification"]["properties"],
        "each_overwrite_is_new",
        "journal_days",
    ]
    assert [each["order"] for each in properties.values()] == list(range(len(properties)))
    assert properties["journal_days"]["default"] == 30


# -- what is told to nobody


@pytest.mark.parametrize(
    "configuration", [{"password": SECRET}, {"mode": {"key": SECRET}}], ids=["flat", "nested"]
)
def test_what_the_specification_calls_secret_is_masked(configuration: dict[str, Any]) -> None:
    mask = mask_of(NESTED, configuration)

    assert mask.text(f"It is {SECRET}.") == "It is ****."
    assert SECRET not in repr(mask)


def test_what_it_does_not_call_secret_is_told() -> None:
    assert mask_of(NESTED, {"user": SECRET, "mode": {"name": SECRET}}).text(SECRET) == SECRET


@pytest.mark.parametrize("spelled", ['s3s"me', "s3s%22me", 's3s\\"me'])
def test_a_secret_is_masked_however_it_is_spelled(spelled: str) -> None:
    assert mask_of(NESTED, {"password": 's3s"me'}).text(spelled) == "****"


def test_the_longer_of_two_secrets_is_masked_as_a_whole() -> None:
    mask = mask_of(NESTED, {"password": "open", "mode": {"key": SECRET}})

    assert mask.text(f"{SECRET} open") == "**** ****"


def test_an_empty_secret_masks_nothing() -> None:
    assert mask_of(NESTED, {"password": ""}) == Mask()


def test_errors_and_logs_are_masked_and_what_is_the_sources_is_not() -> None:
    mask = mask_of(NESTED, {"password": "message"})
    state = b'{"type":"STATE","state":{"data":{"message":"message"}}}\n'

    lines = [
        mask.line(each) for each in (error_message(ConfigError("A message.")), log_message("WARN", "message"))
    ]

    assert [line.count(b"****") for line in lines] == [1, 1]
    assert mask.line(state) == state


def test_an_entry_is_masked_where_it_quotes() -> None:
    mask = mask_of(NESTED, {"password": SECRET})
    entry = {"run": "1", "stream": "users", "error": f"config_error: {SECRET}", "rows": 3}

    assert mask.entry(entry) == {**entry, "error": "config_error: ****"}
