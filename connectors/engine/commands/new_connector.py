"""`dataflow new-connector`: a connector of one's own, which passes the kit from the start. Writes files, no more.

What it writes is a model that is part of this package, under another name. Our own tests hold the models to the kit, so
every change begins from green tests.
"""

import argparse
import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from attrs import field, frozen

from connectors.engine.process.compatibility import ENGINE
from dataflow.errors import ConfigError
from machines.parts import Atomic

# What is put around either model, under the first one's name.
AROUND = ("pyproject.toml", "tests/conftest.py")
# What each model has of its own.
TEST = "tests/test_contract.py"
OWN = ("README.md", TEST)


@frozen(kw_only=True)
class Model:
    """What a new connector is a copy of: its name, its package, and where in the template its README and test are.

    `left_out` is text of the package that says something of that database alone, and would be wrong under another name.
    """

    name: str
    package: str
    folder: str
    left_out: Mapping[str, str] = field(factory=dict)

    def renamed(self, text: str, name: str) -> str:
        """The text with the model's name replaced by this one."""
        words = "".join(part.capitalize() for part in name.split("_"))
        for said, instead in self.left_out.items():
            text = text.replace(said, instead)
        text = text.replace(self.package, f"destination_{name}")
        text = re.sub(rf"\b{self.name}\b", name, text)
        text = re.sub(rf"\b{self.name.upper()}\b", name.upper(), text)
        return text.replace(self.name.capitalize(), words)


# The module of the client that is asked for more, where a commit does not hold everything.
OF_PARTS = "client_of_parts"
SKELETON = Model(name="skeleton", package="connectors.template.skeleton.package", folder="skeleton")
# What belongs to SQLite itself keeps its name.
SQLITE = Model(
    name="sqlite",
    package="connectors.sqlite",
    folder="sqlite",
    left_out={
        "SQLite Destination Spec": "Sqlite Destination Spec",
        'documentation="https://www.sqlite.org/docs.html", ': "",
    },
)
LIKE = {SQLITE.name: SQLITE}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("name", metavar="NAME", help="the destination's name in lower case, for example lake")
    parser.add_argument(
        "--like",
        choices=LIKE,
        help="copy the whole connector of this database, instead of a skeleton for a database that speaks SQL",
    )
    parser.add_argument(
        "--atomic",
        choices=[str(each) for each in Atomic],
        default=str(Atomic.EVERYTHING),
        help="what one commit of the database holds: docs/connector-authors.md says how to find out "
        "(default: everything)",
    )
    parser.add_argument("--out", type=Path, help="the folder to create (default: destination-NAME)")


def run(given: argparse.Namespace) -> int:
    """Write the package, and print what to do next."""
    _check(given.name)
    atomic = Atomic(given.atomic)
    if given.like is not None and atomic is not Atomic.EVERYTHING:
        raise ConfigError(
            f"A connector like {given.like} makes everything durable in one commit, not {atomic}.",
            remedy="Leave out --like, or --atomic.",
        )
    folder: Path = given.out or Path(f"destination-{given.name.replace('_', '-')}")
    try:
        _write(package(given.name, LIKE.get(given.like, SKELETON), atomic), folder)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            doing="writing the connector's files",
            remedy="Choose another with --out.",
        ) from error
    given.terminal.show(f"Made {folder}. Its README.md says what to change first.")
    return 0


def package(name: str, model: Model, atomic: Atomic = Atomic.EVERYTHING) -> Mapping[str, str]:
    """The files of a connector of this name and class, by their paths in its folder."""
    module = f"destination_{name}"
    template = files("connectors") / "template"
    source = files("connectors").joinpath(*model.package.split(".")[1:])
    around = {place: template / place.rpartition("/")[2] for place in AROUND}
    own = {place: template / model.folder / place.rpartition("/")[2] for place in OWN}
    own |= {f"{module}/{each.name}": each for each in _modules(source)}
    texts = {place: SKELETON.renamed(each.read_text(), name) for place, each in around.items()}
    if atomic is not Atomic.EVERYTHING:
        own[f"{module}/{OF_PARTS}.py"] = template / model.folder / "classes" / f"{atomic}.py"
    texts |= {place: model.renamed(each.read_text(), name) for place, each in own.items()}
    if atomic is not Atomic.EVERYTHING:
        place = f"{module}/connector.py"
        texts[place] = _of_class(texts[place], atomic, module, model.renamed("SkeletonClient", name))
        texts[TEST] = _without_rollback_of_tables(texts[TEST], model.renamed("TestSkeleton", name))
    return {
        place: text.replace(f"{ENGINE}~=0.0.0", f"{ENGINE}~={version(ENGINE)}")
        for place, text in texts.items()
    }


def _of_class(text: str, atomic: Atomic, module: str, client: str) -> str:
    """The skeleton's connector with this class, and the client that this class asks for."""
    imported = f"from {module}.{OF_PARTS} import {client}OfParts\n"
    text = text.replace("Atomic.EVERYTHING", f"Atomic.{atomic.name}")
    text = text.replace(f"from {module}.config import", f"{imported}from {module}.config import")
    return text.replace(f"return {client}(", f"return {client}OfParts(")


def _without_rollback_of_tables(text: str, test: str) -> str:
    """The skeleton's test, which does not expect a rollback to undo changes of tables."""
    head = f"class {test}(ContractSuite):\n"
    text = text.replace(
        "import ContractSuite, Destination", "import Capabilities, ContractSuite, Destination"
    )
    return text.replace(head, f"{head}    capabilities = Capabilities(undoes_tables=False)\n\n")


def _write(texts: Mapping[str, str], folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"The folder {folder} is not empty.", remedy="Choose another with --out.")
    for place, text in texts.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _modules(folder: Traversable) -> Iterator[Traversable]:
    return (each for each in folder.iterdir() if each.name.endswith(".py"))


def _check(name: str) -> None:
    from connectors.engine.process.registry import registered

    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"A destination cannot be called {name!r}.",
            remedy="Choose a name of lower-case letters, digits and underscores that begins with a letter.",
        )
    if any(each.name == name for each in registered()):
        raise ConfigError(f"A destination {name} is already installed.", remedy="Choose another name.")
