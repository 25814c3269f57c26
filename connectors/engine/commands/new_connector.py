"""`dataflow new-connector`: a connector of one's own, which passes the kit from the start. Writes files, no more.

What it writes is our SQLite connector under another name, as a package that stands by itself: so there is no second
template to keep true, and every change begins from green tests.
"""

import argparse
import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from dataflow.errors import ConfigError

ENGINE = "dataflow-destinations"
# What becomes the package, and what is put around it.
SOURCE = "sqlite"
AROUND = ("pyproject.toml", "README.md", "tests/conftest.py", "tests/test_contract.py")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("name", metavar="NAME", help="the destination's name in lower case, for example lake")
    parser.add_argument("--out", type=Path, help="the folder to create (default: destination-NAME)")


def run(given: argparse.Namespace) -> int:
    """Write the package, and print what to do next."""
    _check(given.name)
    folder: Path = given.out or Path(f"destination-{given.name.replace('_', '-')}")
    try:
        _write(package(given.name), folder)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            doing="writing the connector's files",
            remedy="Choose another with --out.",
        ) from error
    given.terminal.show(f"Made {folder}. Its README.md says what to change first.")
    return 0


def package(name: str) -> Mapping[str, str]:
    """The files of a connector of this name, by their paths in its folder."""
    module = f"destination_{name}"
    own = {f"{module}/{each.name}": each for each in _modules(files("connectors") / SOURCE)}
    template = files("connectors") / "template"
    around = {place: template / place.rpartition("/")[2] for place in AROUND}
    return {place: _renamed(each.read_text(), name) for place, each in {**around, **own}.items()}


def _write(texts: Mapping[str, str], folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"The folder {folder} is not empty.", remedy="Choose another with --out.")
    for place, text in texts.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _modules(folder: Traversable) -> Iterator[Traversable]:
    return (each for each in folder.iterdir() if each.name.endswith(".py"))


def _renamed(text: str, name: str) -> str:
    """The text with our connector's name replaced by this one. What belongs to SQLite itself keeps its name."""
    words = "".join(part.capitalize() for part in name.split("_"))
    text = text.replace(f"connectors.{SOURCE}", f"destination_{name}")
    text = re.sub(rf"\b{SOURCE}\b", name, text)
    text = re.sub(rf"\b{SOURCE.upper()}\b", name.upper(), text)
    text = text.replace(SOURCE.capitalize(), words)
    return text.replace(f"{ENGINE}~=0.0.0", f"{ENGINE}~={version(ENGINE)}")


def _check(name: str) -> None:
    from connectors.engine.process.registry import registered

    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"A destination cannot be called {name!r}.",
            remedy="Choose a name of lower-case letters, digits and underscores that begins with a letter.",
        )
    if any(each.name == name for each in registered()):
        raise ConfigError(f"A destination {name} is already installed.", remedy="Choose another name.")
