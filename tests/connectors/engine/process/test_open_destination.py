"""What a destination's commands say of a configuration that can be used, and that may be meant otherwise."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.engine.process.open_destination import configure
from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.memory import DEFINITION
from connectors.postgres import DEFINITION as POSTGRES
from dataflow.runtime import SYSTEM
from tests.whole.messages import catalog, complete, stream

KNOWN = {"database": "warned", "schema": "public", "journal_days": 3}


def warnings(verb: str, folder: Path, configuration: Mapping[str, Any]) -> list[str]:
    out = io.BytesIO()
    destination = Destination(DEFINITION, out, SYSTEM)
    config, selected, sent = (folder / name for name in ("config.json", "catalog.json", "input.jsonl"))
    config.write_text(json.dumps(configuration))
    selected.write_text(json.dumps(catalog(stream("users", {"id": "integer"}))))
    sent.write_bytes(complete("users"))
    if verb == "check":
        code = destination.check(config)
    else:
        with sent.open("rb") as source:
            code = destination.write(config, selected, os.dup(source.fileno()), WriteOptions())
    assert code == 0
    logged = [json.loads(line).get("log", {}) for line in out.getvalue().splitlines()]
    return [log["message"] for log in logged if log.get("level") == "WARN"]


@pytest.mark.parametrize("verb", ["check", "write"])
def test_a_key_that_is_no_option_is_named_without_its_value(tmp_path: Path, verb: str) -> None:
    (warning,) = warnings(verb, tmp_path, {**KNOWN, "shema": "crm", "jurnal_days": 4})

    assert warning == (
        "The configuration has keys that the destination memory does not know: shema, jurnal_days. "
        "They have no effect; `spec` lists the options."
    )


@pytest.mark.parametrize("verb", ["check", "write"])
def test_options_of_the_destination_and_of_every_destination_are_known(tmp_path: Path, verb: str) -> None:
    assert warnings(verb, tmp_path, KNOWN) == []


@pytest.mark.parametrize(
    ("choice", "unknown"),
    [
        ({"mode": "require"}, ""),
        ({"mode": "verify-ca", "ca_certificate": "-----BEGIN", "client_kee": "x"}, "ssl_mode.client_kee"),
        # Another choice has it.
        ({"mode": "require", "ca_certificate": "-----BEGIN"}, "ssl_mode.ca_certificate"),
    ],
)
def test_a_key_within_an_option_is_named_where_the_choice_has_no_such_option(
    choice: Mapping[str, str], unknown: str
) -> None:
    needed = {"host": "db", "port": 5432, "database": "crm", "username": "airbyte", "schema": "public"}

    configured = configure(POSTGRES, {**needed, "ssl": True, "ssl_mode": choice}, "run", SYSTEM)
    configured.connector.close()

    assert configured.ignored == ([unknown] if unknown else [])


class Nested:
    """The memory destination, whose specification has an object, and a choice between objects."""

    name: ClassVar[str] = "memory"
    contract: ClassVar[int] = DEFINITION.contract
    connector = staticmethod(DEFINITION.connector)

    def spec(self) -> Mapping[str, Any]:
        spec = DEFINITION.spec()
        schema = spec["connectionSpecification"]
        tunnel = {"kind": {"type": "string", "const": "ssh"}, "port": {"type": "integer"}}
        objects = {
            "proxy": {"type": "object", "properties": {"host": {"type": "string"}}},
            "headers": {"type": "object"},
            "tunnel": {
                "type": "object",
                "oneOf": [
                    {"type": "object", "title": "None"},
                    {"type": "object", "title": "SSH", "properties": tunnel},
                ],
            },
        }
        return {**spec, "connectionSpecification": {**schema, "properties": schema["properties"] | objects}}


@pytest.mark.parametrize(
    ("given", "ignored"),
    [
        ({"proxy": {"host": "a", "hots": "b"}}, ["proxy.hots"]),
        ({"headers": {"anything": "b"}}, []),
        ({"tunnel": {"kind": "ssh", "port": 22, "prot": 22}}, ["tunnel.prot"]),
        ({"tunnel": {}}, []),
        ({"tunnel": {"port": 22}}, []),
        ({"tunnel": {"kind": "none", "prot": 22}}, []),
    ],
    ids=["object", "any object", "choice", "choice without options", "no tag", "unknown tag"],
)
def test_a_key_within_an_object_is_named_where_the_specification_says_which_keys_there_are(
    given: Mapping[str, Any], ignored: list[str]
) -> None:
    configured = configure(Nested(), {**KNOWN, **given}, "run", SYSTEM)
    configured.connector.close()

    assert configured.ignored == ignored
