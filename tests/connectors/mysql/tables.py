"""The table of the documentation that MySQL alone has."""

from collections.abc import Iterator

from connectors.mysql.errors import ERRORS


def _numbers() -> Iterator[tuple[str, str, str, str]]:
    """Each error of ours with all numbers of the server and the driver that it stands for."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for number, each in sorted(ERRORS.items()):
        alike.setdefault((each.message, each.failure_type, each.remedy), []).append(f"`{number}`")
    for (message, kind, remedy), numbers in alike.items():
        yield ", ".join(numbers), message, kind, remedy


TABLES = {"errors by number": (("the server's number", "it says", "type", "what to do"), _numbers)}
