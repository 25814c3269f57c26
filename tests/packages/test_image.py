"""The Dockerfile: what it names exists, and is what the package says. Its linter is run by `make lint`."""

import json
import re
from fnmatch import fnmatch

import pytest

from tests.environments import CHECKOUT
from tests.extras import DRIVERS, PROJECT
from tests.whole.places import NAMES

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
BUILD = (CHECKOUT / "requirements-build.lock").read_text()


def test_the_images_version_is_the_packages() -> None:
    assert f"ARG VERSION={PROJECT['version']}\n" in DOCKERFILE


def test_nothing_is_installed_whose_hash_is_not_known() -> None:
    installed = re.findall(r"pip install (.*?)(?: \\|$)", DOCKERFILE, re.MULTILINE)

    assert len(installed) == 3
    assert all("--require-hashes" in each or "--no-index" in each for each in installed)


def test_the_build_backend_is_the_locked_one() -> None:
    locked = (CHECKOUT / "requirements.lock").read_text()
    built_with = re.findall(r"^\S+==.*(?:\n    --hash=.*)+\n", BUILD, re.MULTILINE)

    assert "".join(built_with) == BUILD
    assert any(each.startswith("hatchling==") for each in built_with)
    assert all(f"\n{each}" in locked for each in built_with)


@pytest.mark.parametrize("destination", DRIVERS)
def test_what_a_destinations_extra_brings_is_locked(destination: str) -> None:
    locked = "\n" + (CHECKOUT / f"requirements-{destination}.lock").read_text()

    assert DRIVERS[destination]
    assert all(f"\n{driver}==" in locked for driver in DRIVERS[destination])


def test_one_extra_brings_every_driver() -> None:
    assert PROJECT["optional-dependencies"]["all"] == [f"{PROJECT['name']}[{','.join(DRIVERS)}]"]


@pytest.mark.parametrize("destination", NAMES)
def test_each_destination_that_outlives_its_process_has_a_command(destination: str) -> None:
    assert PROJECT["scripts"][f"destination-{destination}"] == f"dataflow_destinations:{destination}"


def test_the_platform_finds_what_it_looks_for() -> None:
    entry = ["/usr/bin/env", "--block-signal=TERM,INT", "/opt/dataflow/bin/destination"]

    assert f'ENV AIRBYTE_ENTRYPOINT="{" ".join(entry)}"\n' in DOCKERFILE
    assert f"ENTRYPOINT {json.dumps(entry)}" in DOCKERFILE
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
        assert any(fnmatch(pattern, each) for each in let_through)
        assert list(CHECKOUT.glob(pattern))
