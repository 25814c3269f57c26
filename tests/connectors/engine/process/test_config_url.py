"""A URL in place of a configuration: what it means for a destination, and errors that show no value of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.options import with_options
from connectors.engine.process.config_url import configuration_of, is_url
from connectors.engine.process.open_destination import configuration_in
from connectors.engine.process.registry import find
from dataflow.errors import ConfigError


def meant(name: str, url: str) -> Mapping[str, Any]:
    return configuration_of(url, name, with_options(find(name).definition().spec()))


@pytest.mark.parametrize(
    ("name", "url", "configuration"),
    [
        (
            "postgres",
            "postgresql://ada:p%40ss%2Fword@db.example:5433/shop?schema=crm&ssl=true&lock_timeout=5",
            {
                "host": "db.example",
                "port": 5433,
                "database": "shop",
                "username": "ada",
                "password": "p@ss/word",
                "schema": "crm",
                "ssl": True,
                "lock_timeout": 5,
            },
        ),
        (
            "postgres",
            "postgres:///shop?host=/run/postgresql",
            {"database": "shop", "host": "/run/postgresql"},
        ),
        (
            "postgres",
            "postgresql://[::1]/shop?ssl_mode=require&connect_timeout=5&application_name=a%26b",
            {
                "host": "::1",
                "database": "shop",
                "ssl_mode": {"mode": "require"},
                "jdbc_url_params": "connect_timeout=5&application_name=a%26b",
            },
        ),
        (
            "mysql",
            "mysql://root@db.example/shop",
            {"host": "db.example", "database": "shop", "username": "root"},
        ),
        ("duckdb", "duckdb:shop.duckdb?schema=crm", {"destination_path": "shop.duckdb", "schema": "crm"}),
        ("duckdb", "duckdb:///data/a%20b.duckdb", {"destination_path": "/data/a b.duckdb"}),
        ("duckdb", "duckdb:md:shop", {"destination_path": "md:shop"}),
        ("sqlite", "sqlite:shop.db", {"destination_path": "shop.db"}),
    ],
)
def test_a_url_means_the_options_that_a_file_would_have(
    name: str, url: str, configuration: Mapping[str, Any]
) -> None:
    assert is_url(url, name)
    assert meant(name, url) == configuration


@pytest.mark.parametrize(
    ("name", "url", "complaint"),
    [
        ("mysql", "mariadb://ada:secret@db.example/shop", "not one for the destination mysql"),
        (
            "postgres",
            "postgresql://ada:secret@db.example:secret/shop",
            "no host, port and path that can be read",
        ),
        ("postgres", "postgresql://ada:se/secret@db.example/shop", "percent-encode"),
        ("postgres", "postgresql://ada:a?secret=x@db.example/shop", "percent-encode"),
        ("postgres", "postgresql://ada:secret#@db.example/shop", "percent-encode"),
        ("sqlite", "sqlite:shop.db?password=secret", "password: the destination has no such option"),
        (
            "sqlite",
            "sqlite://ada:secret@db.example/shop.db?host=secret",
            "host: the destination has no such option",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_a_value_of_it(
    name: str, url: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint) as refused:
        configuration_in(url, find(name).definition())

    assert "secret" not in str(refused.value)
    assert refused.value.remedy


def test_a_path_is_no_url_and_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b.json").write_text('{"destination_path": "shop.db"}')

    configuration = configuration_in("a:b.json", find("sqlite").definition())

    assert configuration == {"destination_path": "shop.db"}
