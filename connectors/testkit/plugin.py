"""The pytest plugin of the kit: leaves out what a destination cannot do, and lists it. Decides by capability alone."""

from typing import Any

import pytest

from connectors.testkit.destination import Capabilities

_EXCLUDED = pytest.StashKey[dict[str, str]]()
# Under xdist the workers leave tests out, and the controller tells about them.
_FROM_WORKERS = "testkit_excluded"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that `needs` puts on a test."""
    config.addinivalue_line("markers", "needs(**capabilities): what a destination must be able to do for it")
    config.stash[_EXCLUDED] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need more than their destination can do."""
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


def _lacking(item: pytest.Item) -> str:
    capabilities = getattr(getattr(item, "cls", None), "capabilities", None)
    if not isinstance(capabilities, Capabilities):
        return ""
    needed = {name: value for mark in item.iter_markers("needs") for name, value in mark.kwargs.items()}
    return ", ".join(f"{n}={v}" for n, v in needed.items() if getattr(capabilities, n) != v)
