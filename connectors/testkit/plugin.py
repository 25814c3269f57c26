"""The pytest plugin of the kit: runs its suites simplest first, and leaves out and lists what a destination cannot do.

The order is that of `ContractSuite`, so that with `-x` the first failure names the simplest rule that is broken. Tests
that are not the kit's keep their places.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.testkit import ContractSuite
from connectors.testkit.harness.destination import Capabilities, Suite

# The place of the suite that has a test of this name; no two have.
_PLACES = {
    name: place
    for place, suite in enumerate(ContractSuite.__mro__)
    for name in vars(suite)
    if name.startswith("test_")
}

_EXCLUDED = pytest.StashKey[dict[str, str]]()
# Under xdist the workers leave tests out, and the controller reports them.
_FROM_WORKERS = "testkit_excluded"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that `needs` puts on a test."""
    config.addinivalue_line("markers", "needs(**capabilities): what a destination must be able to do for it")
    config.stash[_EXCLUDED] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the kit's tests; deselect those that need more than their destination can do."""
    items[:] = _simplest_first(items)
    excluded = {item: lacking for item in items if (lacking := _lacking(item))}
    if excluded:
        config.hook.pytest_deselected(items=list(excluded))
        items[:] = [item for item in items if item not in excluded]
        config.stash[_EXCLUDED] |= {item.nodeid: lacking for item, lacking in excluded.items()}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the controller know."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_FROM_WORKERS] = session.config.stash[_EXCLUDED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker left out."""
    node.config.stash[_EXCLUDED] |= getattr(node, "workeroutput", {}).get(_FROM_WORKERS, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what did not run, and why."""
    for test, lacking in sorted(config.stash[_EXCLUDED].items()):
        terminalreporter.write_line(f"left out: {test} needs {lacking}")


def _simplest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items with the kit's tests ordered by suite, each module's among the places that it has in the run."""
    modules = {module: place for place, module in enumerate(dict.fromkeys(item.path for item in items))}
    kits = [item for item in items if _is_of_the_kit(item)]
    ordered = iter(sorted(kits, key=lambda item: (modules[item.path], _PLACES[_name(item)])))
    return [next(ordered) if _is_of_the_kit(item) else item for item in items]


def _is_of_the_kit(item: pytest.Item) -> bool:
    cls = getattr(item, "cls", None)
    return cls is not None and issubclass(cls, Suite) and _name(item) in _PLACES


def _name(item: pytest.Item) -> str:
    """The name of the test's function, without its parameters."""
    return str(getattr(item, "originalname", item.name))


def _lacking(item: pytest.Item) -> str:
    capabilities = getattr(getattr(item, "cls", None), "capabilities", None)
    if not isinstance(capabilities, Capabilities):
        return ""
    needed = {name: value for mark in item.iter_markers("needs") for name, value in mark.kwargs.items()}
    return ", ".join(f"{n}={v}" for n, v in needed.items() if getattr(capabilities, n) != v)
