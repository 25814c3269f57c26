"""The table of the documentation that MySQL alone has."""

from collections.abc import Iterator

from connectors.mysql.errors import ERRORS, PRIMARY_TAKEN


def _numbers() -> Iterator[tuple[str, str, str, str]]:
    taken = PRIMARY_TAKEN.means
    yield "`1062` of `PRIMARY`", taken.message, taken.failure_type, taken.remedy
    for numbers, error in sorted(ERRORS.items()):
        yield ", ".join(f"`{number}`" for number in numbers), error.message, error.failure_type, error.remedy


TABLES = {"errors by number": (("the server's number", "it says", "type", "what to do"), _numbers)}
