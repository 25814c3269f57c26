"""The command `destination-skeleton`, and `python -m connectors.template.skeleton.package`."""

from connectors.engine.process.cli import main_for


def main() -> None:
    """Run the destination's command line; never returns."""
    main_for("skeleton", "connectors.template.skeleton.package")


if __name__ == "__main__":
    main()
