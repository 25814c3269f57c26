"""What users and authors read has none of the words that mislead a reader."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of
from tests.docs.words import Misworded, misworded, misworded_in, modules, prose


@pytest.mark.parametrize("path", [*modules(), *prose()], ids=name_of)
def test_a_file_is_in_the_words_of_the_field(path: Path) -> None:
    """What users see, docstrings, comments, pages."""
    assert list(misworded_in(path)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A STATE was told.", "told"),
        ("The journal tells it.", "tells"),
        ("It is made anew.", "anew"),
        ("Report this to who runs it.", "to who"),
        ("Who asks for it gets it.", "Who"),
        ("It ends. Where it does not, wait.", "Where"),
        ("Of several streams two are started.", "Of"),
        ("The step that mends it.", "mends"),
    ],
)
def test_a_word_of_the_list_is_found(text: str, word: str) -> None:
    assert [each.word for each in misworded("here", text)] == [word]


@pytest.mark.parametrize(
    "text", ["Where is it?", "A person who asks.", "The end of a stream, where it ends."]
)
def test_plain_sentences_are_left_alone(text: str) -> None:
    found: list[Misworded] = list(misworded("here", text))

    assert found == []


def test_a_term_of_the_glossary_has_one_meaning() -> None:
    terms = re.findall(r"^\| \*\*(.*?)\*\*", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)

    assert len(terms) == len(set(terms)) > 40
