"""The command `destination-postgres`, and `python -m connectors.postgres`. Does nothing but start it."""

from connectors.cli import main_for
from connectors.postgres import DEFINITION


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for(DEFINITION)


if __name__ == "__main__":
    main()
