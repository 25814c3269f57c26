"""The pages of the documentation. Reads none."""

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pages() -> Sequence[Path]:
    """Every page: the README, and all that is under docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """A page's path in the checkout."""
    return page.relative_to(ROOT).as_posix()
