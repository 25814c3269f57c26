"""What users read, and each file that was rewritten, has none of the words that mislead a reader."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of
from tests.docs.rewritten_later import LATER
from tests.docs.words import Misworded, misworded, modules, prose, shown, whole


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_what_users_read_is_in_the_words_of_the_field(path: Path) -> None:
    assert list(shown(path)) == []


@pytest.mark.parametrize(
    "path", [path for path in (*modules(), *prose()) if name_of(path) not in LATER], ids=name_of
)
def test_a_file_that_was_rewritten_stays_in_the_words_of_the_field(path: Path) -> None:
    assert list(whole(path)) == []


@pytest.mark.parametrize("name", sorted(LATER))
def test_the_list_of_what_is_rewritten_later_only_shrinks(name: str) -> None:
    """A file that has none of the words any more is taken off the list."""
    assert list(whole(ROOT / name))


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
