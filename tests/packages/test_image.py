"""The Dockerfile: what it names exists, and is what the package says. Its linter is run by `make lint`."""

import re
import tomllib

import pytest

from tests.environments import CHECKOUT

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def test_the_images_version_is_the_packages() -> None:
    assert f"ARG VERSION={PROJECT['version']}\n" in DOCKERFILE


def test_the_build_backend_is_the_locked_one() -> None:
    (pinned,) = re.findall(r"pip install (hatchling==\S+)", DOCKERFILE)

    assert f"\n{pinned} \\\n" in (CHECKOUT / "requirements.lock").read_text()


@pytest.mark.parametrize("destination", ["duckdb", "postgres"])
def test_each_destination_has_a_lock_an_extra_and_a_command(destination: str) -> None:
    locked = "\n" + (CHECKOUT / f"requirements-{destination}.lock").read_text()
    drivers = [re.split("[<>=~]", one)[0] for one in PROJECT["optional-dependencies"][destination]]

    assert f"destination-{destination}" in PROJECT["scripts"]
    assert drivers
    assert all(f"\n{driver}==" in locked for driver in drivers)


def test_the_platform_finds_what_it_looks_for() -> None:
    entry = "/opt/dataflow/bin/destination"

    assert f"ENV AIRBYTE_ENTRYPOINT={entry}\n" in DOCKERFILE
    assert f'ENTRYPOINT ["{entry}"]' in DOCKERFILE
    assert 'io.airbyte.name="dataflow/destination-${DESTINATION}"' in DOCKERFILE
    assert 'io.airbyte.version="${VERSION}"' in DOCKERFILE
    assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)


def test_everything_copied_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    let_through = {
        line.removeprefix("!/")
        for line in (CHECKOUT / ".dockerignore").read_text().splitlines()
        if line[:1] == "!"
    }

    assert names
    for name in names:
        pattern = name.replace("${DESTINATION}", "*")
        assert pattern in let_through
        assert list(CHECKOUT.glob(pattern))
