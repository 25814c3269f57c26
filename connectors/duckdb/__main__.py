"""`python -m connectors.duckdb`, which the console script `destination-duckdb` is too. Hands over, no more."""

from connectors.cli import main_for
from connectors.duckdb import DEFINITION


def main() -> None:
    """The destination's command line."""
    main_for(DEFINITION)


if __name__ == "__main__":
    main()
