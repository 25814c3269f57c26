"""The command `destination-duckdb`, and `python -m connectors.duckdb`. Does nothing but start it."""

from connectors.engine.process.cli import main_for


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for("duckdb", "connectors.duckdb")


if __name__ == "__main__":
    main()
