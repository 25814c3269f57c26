"""The command `destination-postgres`, and `python -m connectors.postgres`. Does nothing but start it."""

from connectors.engine.process.cli import main_for


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for("postgres", "connectors.postgres")


if __name__ == "__main__":
    main()
