"""The table of the documentation that MySQL alone has."""

from collections.abc import Iterator

from connectors.mysql.errors import ERRORS


def _numbers() -> Iterator[tuple[str, str, str, str]]:
    for numbers, error in sorted(ERRORS.items()):
        yield ", ".join(f"`{number}`" for number in numbers), error.message, error.failure_type, error.remedy


TABLES = {"errors by number": (("the server's number", "it says", "type", "what to do"), _numbers)}
