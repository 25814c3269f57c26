"""The command `destination-mysql`, and `python -m connectors.mysql`. Does nothing but start it."""

from connectors.engine.process.cli import main_for


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for("mysql", "connectors.mysql")


if __name__ == "__main__":
    main()
