"""The destinations of this repository, and what installs their drivers, as rows of tables."""

from collections.abc import Iterator

from connectors.engine.process.registry import find
from tests.extras import PROJECT
from tests.ours import OURS


def title(name: str) -> str:
    """A destination's name in a sentence, by the title of its specification."""
    said: str = find(name).definition().spec()["connectionSpecification"]["title"]
    return said.removesuffix(" Destination Spec")


def destinations() -> Iterator[tuple[str, str]]:
    """Each with a link to its page."""
    for name in OURS:
        yield title(name), f"[{name}]({name}.md)"


def extras() -> Iterator[tuple[str, str]]:
    """Each extra of the package with the packages that it names."""
    for name, brings in PROJECT["optional-dependencies"].items():
        yield f"`{PROJECT['name']}[{name}]`", ", ".join(f"`{each}`" for each in brings)
