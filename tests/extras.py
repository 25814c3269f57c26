"""What the package's extras bring, by pyproject.toml. As a command it prints which of them `make lock` locks."""

import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions

from tests.environments import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
# By destination, what its extra names. A destination whose driver comes with Python has no extra.
DRIVERS: Mapping[str, Sequence[str]] = {
    name: [re.split(r"[\[<>=~]", one)[0] for one in PROJECT["optional-dependencies"][name]]
    for name in PROJECT["entry-points"]["dataflow.destinations"]
    if name in PROJECT["optional-dependencies"]
}


def modules() -> set[str]:
    """The modules that the drivers' packages consist of."""
    brought = {_normal(package) for packages in DRIVERS.values() for package in packages}
    return {
        module
        for module, packages in packages_distributions().items()
        if not brought.isdisjoint(map(_normal, packages))
    }


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


if __name__ == "__main__":
    sys.stdout.write(" ".join(DRIVERS))
