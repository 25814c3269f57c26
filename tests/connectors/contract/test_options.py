"""The options that every connector has: read with the connector's own, strictly, and never quoted."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from connectors.contract.options import Options, with_options
from connectors.contract.specification import refusal
from connectors.engine.process.masking import Mask, mask_of
from connectors.engine.process.open_destination import configure
from connectors.engine.process.registry import registered
from dataflow.catalog import Append, DestinationStream, Overwrite, Replace
from dataflow.errors import ConfigError
from dataflow.output_messages import error_message, log_message
from dataflow.runtime import SYSTEM, Runtime
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


class Outside:
    """A destination of another package. `refuses` is the error that its configuration ends with."""

    name: ClassVar[str] = "outside"
    contract: ClassVar[int] = 3

    def __init__(self, refuses: ConfigError | None = None) -> None:
        self.refuses = refuses
        self.closed = 0

    def spec(self) -> Mapping[str, Any]:
        return NESTED

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> Any:
        if self.refuses is not None:
            raise self.refuses
        return self

    def close(self) -> None:
        self.closed += 1


def shared(**given: Any) -> Options:
    return configure(Outside(), given, "run", SYSTEM).options


def test_what_is_not_said_has_a_default() -> None:
    assert shared(schema="public", journal_days=None) == Options()
    assert not Options().each_overwrite_is_new


def test_each_overwrite_may_be_new() -> None:
    options = shared(each_overwrite_is_new=True, journal_days=7)

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
    ("given", "complaint"),
    [
        ({"each_overwrite_is_new": "yes"}, "must be true or false"),
        ({"each_overwrite_is_new": 1}, "must be true or false"),
        ({"journal_days": 0}, "must be 1 to 3650"),
        ({"journal_days": 1e9}, "must be a whole number"),
        ({"journal_days": True}, "must be a whole number"),
        ({"journal_days": "s3same"}, "must be a whole number"),
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_used_is_refused_by_its_key(given: dict[str, Any], complaint: str) -> None:
    outside = Outside()

    with pytest.raises(ConfigError) as caught:
        configure(outside, given, "run", SYSTEM)

    assert caught.value.complaints == (f"{next(iter(given))}: {complaint}",)
    assert caught.value.complaints[0] in caught.value.message
    assert "s3same" not in str(caught.value)
    assert caught.value.remedy
    assert outside.closed == 1


@pytest.mark.parametrize("name", [each.name for each in registered()])
def test_every_complaint_about_a_configuration_comes_at_once(name: str) -> None:
    definition = next(each for each in registered() if each.name == name).definition()
    keys = list(with_options(definition.spec())["connectionSpecification"]["properties"])

    with pytest.raises(ConfigError) as caught:
        # No option is a list; SSL must be on for its mode to be read.
        configure(definition, {key: ["s3same"] for key in keys} | {"ssl": True}, "run", SYSTEM)

    complained = [complaint.partition(":")[0] for complaint in caught.value.complaints]
    assert complained == [key for key in keys if key != "ssl"]
    assert "s3same" not in str(caught.value)


def test_a_missing_option_a_bad_one_and_a_shared_one_are_refused_together() -> None:
    given = {"journal_days": "thirty", "each_overwrite_is_new": 1, "schema": ""}
    sqlite = next(each for each in registered() if each.name == "sqlite").definition()

    with pytest.raises(ConfigError) as caught:
        configure(sqlite, given, "run", SYSTEM)

    assert caught.value.message == (
        "The configuration cannot be used: destination_path: is required; schema: may not be blank; "
        "each_overwrite_is_new: must be true or false; journal_days: must be a whole number."
    )


def test_an_outside_connectors_own_words_stand_before_the_complaints_about_shared_options() -> None:
    own = ConfigError("There is no such lake.", doing="looking for it", remedy="Dig one.")

    with pytest.raises(ConfigError) as caught:
        configure(Outside(own), {"journal_days": 0}, "run", SYSTEM)

    assert str(caught.value) == (
        "There is no such lake. The configuration cannot be used: journal_days: must be 1 to 3650. "
        "This happened while looking for it. Dig one. Correct it; `spec` lists the options."
    )


def test_an_error_of_the_connector_alone_is_passed_on_as_it_is() -> None:
    own = refusal(["lake: is dry"])

    with pytest.raises(ConfigError) as caught:
        configure(Outside(own), {}, "run", SYSTEM)

    assert caught.value is own


def test_every_specification_lists_them_after_the_connectors_own() -> None:
    spec = memory_destination().definition.spec()

    properties = with_options(spec)["connectionSpecification"]["properties"]

    assert list(properties) == [
        *spec["connectionSpecification"]["properties"],
        "each_overwrite_is_new",
        "journal_days",
    ]
    assert [each["order"] for each in properties.values()] == list(range(len(properties)))
    assert properties["journal_days"]["default"] == 30


# -- what is shown to nobody


@pytest.mark.parametrize(
    "configuration", [{"password": SECRET}, {"mode": {"key": SECRET}}], ids=["flat", "nested"]
)
def test_what_the_specification_calls_secret_is_masked(configuration: dict[str, Any]) -> None:
    mask = mask_of(NESTED, configuration)

    assert mask.text(f"It is {SECRET}.") == "It is ****."
    assert SECRET not in repr(mask)


def test_what_it_does_not_call_secret_is_shown() -> None:
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
        mask.line(each)
        for each in (error_message(ConfigError("A message."), SYSTEM.clock), log_message("WARN", "message"))
    ]

    assert [line.count(b"****") for line in lines] == [1, 1]
    assert mask.line(state) == state


def test_an_entry_is_masked_where_it_quotes() -> None:
    mask = mask_of(NESTED, {"password": SECRET})
    entry = {"run": "1", "stream": "users", "error": f"config_error: {SECRET}", "rows": 3}

    assert mask.entry(entry) == {**entry, "error": "config_error: ****"}
