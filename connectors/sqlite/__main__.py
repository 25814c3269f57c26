"""The command `destination-sqlite`, and `python -m connectors.sqlite`. Does nothing but start it."""

from connectors.engine.process.cli import main_for


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for("sqlite", "connectors.sqlite")


if __name__ == "__main__":
    main()
