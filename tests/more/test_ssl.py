"""Every SSL mode against a real server with TLS: which users may connect, and which servers are trusted."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from dataflow.errors import ConfigError
from tests.more.asking import ask, reached
from tests.more.conftest import Encrypted
from tests.servers.address import Address

PASSWORD = "opens the key"


def verified(encrypted: Encrypted, *, by: trustme.CA | None = None, **more: str) -> dict[str, Any]:
    """The mode verify-full, with a client certificate of `by`, or of the authority that the server trusts."""
    certificate = (by or encrypted.authority).issue_cert(common_name="certified")
    given = {
        "mode": "verify-full",
        "ca_certificate": encrypted.certificate,
        "client_certificate": certificate.cert_chain_pems[0].bytes().decode(),
        "client_key": certificate.private_key_pem.bytes().decode(),
    }
    return {"username": "certified", "password": None, "ssl": True, "ssl_mode": given | more}


def locked(key: str) -> str:
    """The same private key, encrypted."""
    kind = BestAvailableEncryption(PASSWORD.encode())
    return (
        load_pem_private_key(key.encode(), None)
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kind)
        .decode()
    )


@pytest.mark.parametrize("mode", [None, "allow", "prefer", "require"])
def test_a_mode_without_certificates_encrypts(encrypted_database: Address, mode: str | None) -> None:
    ssl_mode = {"mode": mode} if mode else None

    answer = ask(reached(encrypted_database, ssl=True, ssl_mode=ssl_mode))

    assert answer == [(True, "TLSv1.3")]


def test_whom_the_authority_vouches_for_is_believed(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    ssl_mode = {"mode": "verify-ca", "ca_certificate": encrypted.certificate}

    answer = ask(reached(encrypted_database, host="127.0.0.1", ssl=True, ssl_mode=ssl_mode))

    assert answer == [(True, "TLSv1.3")]


def test_a_client_certificate_lets_us_in(encrypted: Encrypted, encrypted_database: Address) -> None:
    config = reached(encrypted_database, **verified(encrypted))

    answer = ask(config, "SELECT current_user::text")

    assert answer == [("certified",)]


def test_an_encrypted_client_key_is_opened_by_its_password(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    options = verified(encrypted, client_key_password=PASSWORD)
    options["ssl_mode"]["client_key"] = locked(options["ssl_mode"]["client_key"])

    answer = ask(reached(encrypted_database, **options), "SELECT current_user::text")

    assert answer == [("certified",)]


def test_connection_parameters_do_not_weaken_the_mode(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    config = reached(encrypted_database, jdbc_url_params="sslmode=disable", **verified(encrypted))

    assert ask(config) == [(True, "TLSv1.3")]


@pytest.mark.parametrize("options", [{"ssl": False, "jdbc_url_params": "sslmode=disable"}, {"ssl": True}])
def test_without_encryption_the_server_lets_nobody_in(
    encrypted_database: Address, options: dict[str, Any]
) -> None:
    if options["ssl"]:
        options["ssl_mode"] = {"mode": "disable"}

    with pytest.raises(ConfigError, match="no encryption") as refused:
        ask(reached(encrypted_database, **options))

    assert "ssl_mode" in refused.value.remedy


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_whom_another_authority_vouches_for_is_not_believed(
    encrypted: Encrypted, encrypted_database: Address, mode: str
) -> None:
    options = verified(encrypted, mode=mode, ca_certificate=trustme.CA().cert_pem.bytes().decode())

    with pytest.raises(ConfigError, match="certificate verify failed") as refused:
        ask(reached(encrypted_database, **options))

    assert "ssl_mode" in refused.value.remedy


def test_a_certificate_of_another_name_is_not_believed(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    with pytest.raises(
        ConfigError, match=r'certificate for "localhost" .*does not match host name "127\.0\.0\.1"'
    ):
        ask(reached(encrypted_database, host="127.0.0.1", **verified(encrypted)))


def test_a_client_certificate_of_another_authority_lets_nobody_in(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    with pytest.raises(ConfigError, match=r"unknown ca|certificate") as refused:
        ask(reached(encrypted_database, **verified(encrypted, by=trustme.CA())))

    assert "certificate" in refused.value.remedy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ca_certificate", "a drawing of a certificate"),
        ("client_certificate", "a drawing of a certificate"),
        ("client_key", "a drawing of a key"),
    ],
)
def test_what_is_no_certificate_is_reported(
    encrypted: Encrypted, encrypted_database: Address, field: str, value: str
) -> None:
    options = verified(encrypted)
    options["ssl_mode"][field] = value

    with pytest.raises(ConfigError) as refused:
        ask(reached(encrypted_database, **options))

    assert "Check ssl_mode" in refused.value.remedy
    assert "drawing" not in str(refused.value)


def test_a_wrong_password_of_the_key_is_reported_and_not_shown(
    encrypted: Encrypted, encrypted_database: Address
) -> None:
    options = verified(encrypted, client_key_password="hidden")
    options["ssl_mode"]["client_key"] = locked(options["ssl_mode"]["client_key"])

    with pytest.raises(ConfigError, match="private key") as refused:
        ask(reached(encrypted_database, **options))

    assert "hidden" not in str(refused.value)


def test_a_key_is_in_no_file_that_outlives_a_killed_process(
    encrypted: Encrypted, encrypted_database: Address, tmp_path: Path
) -> None:
    """It is held in memory: nothing to delete, and nothing left where nobody can delete it any more."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(reached(encrypted_database, **verified(encrypted))))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [sys.executable, "-c", CONNECT_AND_STAY, str(config)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout
    user = process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()

    assert user == "certified"
    assert list(temporary.iterdir()) == []


CONNECT_AND_STAY = """
import json, sys, time
from dataflow.runtime import SYSTEM
from connectors.postgres import DEFINITION
client = DEFINITION.connector(json.load(open(sys.argv[1])), "run", SYSTEM).client()
print(client.connection.open.execute("SELECT current_user").fetchone()[0], flush=True)
time.sleep(60)
"""


def test_a_folder_of_our_own_holds_the_key_until_closing_if_there_are_no_files_in_memory(
    encrypted: Encrypted, encrypted_database: Address, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    answer = ask(reached(encrypted_database, **verified(encrypted)), "SELECT current_user::text")

    assert answer == [("certified",)]
    assert list(tmp_path.iterdir()) == []
