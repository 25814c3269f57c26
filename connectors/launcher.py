"""Starts our commands once it is sure that Python finds our packages. Imports none of them before.

A command first looks whether Python finds our `connectors`. The import of that package then looks at the other two.

The wheel has this file twice: here, and beside the packages as the module `dataflow_destinations`. The scripts of the
commands start the latter: a user's folder named `connectors` would hide this one.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

# A file of each package, by which ours is recognised.
OURS = {
    "connectors": "contract/version.py",
    "machines": "verify/__init__.py",
    "dataflow": "native/__init__.py",
}


def hidden(*names: str) -> str:
    """A sentence for each of these packages that another folder or file hides; empty if Python finds all of ours."""
    return " ".join(
        f"{str(place)!r} hides the package {name} of dataflow-destinations, because {str(place.parent)!r} comes first "
        "on Python's path. Rename it, or keep that folder out of PYTHONPATH and start the command in another folder."
        for name, place in _hiding(names)
    )


def _hiding(names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        spec = find_spec(name)
        if spec is None:
            # The package is missing. Its import says so.
            continue
        places = list(map(Path, spec.submodule_search_locations or [spec.origin or name]))
        if not any((place / OURS[name]).exists() for place in places):
            yield name, places[0]


def start(module: str) -> None:
    """Run the `main` of a module of ours. Ends the process with a sentence if one of our packages is hidden."""
    if hidden("connectors"):
        sys.exit(hidden(*OURS))
    try:
        import_module("connectors")
    except ImportError as error:
        sys.exit(str(error))
    import_module(module).main()


def __getattr__(name: str) -> Callable[[], None]:
    """The command `dataflow`, or the command of the destination of this name: `dataflow_destinations:NAME`."""
    if name.startswith("_"):
        raise AttributeError(name)
    return partial(
        start, "connectors.engine.commands" if name == "dataflow" else f"connectors.{name}.__main__"
    )
