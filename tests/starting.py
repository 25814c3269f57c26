"""The environment in which tests and measurements start our commands. Starts none."""

import os


def installed() -> dict[str, str]:
    """The environment in which what is installed was compiled once, and is not compiled again at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
