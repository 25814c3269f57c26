"""The examples of the documentation, so that tests run what people read. Runs none itself."""

import re

from tests.environments import CHECKOUT


def examples(page: str, language: str) -> list[str]:
    """The fenced examples of a page in a language, in order, each without its fence."""
    return re.findall(rf"^```{language}\n(.*?)^```", (CHECKOUT / page).read_text(), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """What a page's console examples type, each command with the lines it goes on in."""
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", "".join(examples(page, "console")), re.MULTILINE)
    return [re.sub(r"\s*\\\n\s*", " ", command) for command in typed]


def command(page: str, program: str) -> str:
    """The one command of a page that begins with this program."""
    (found,) = [each for each in commands(page) if each.startswith(f"{program} ")]
    return found
