"""What users and authors read has none of the words that mislead a reader."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of
from tests.docs.words import Misworded, misworded, misworded_in, modules, others, prose, suites, texts_of


@pytest.mark.parametrize("path", [*modules(), *prose(), *suites(), *others()], ids=name_of)
def test_a_file_is_in_the_words_of_the_field(path: Path) -> None:
    """What users see, docstrings, comments, pages, drawings, the names of tests."""
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
    ("name", "source", "texts"),
    [
        ("dataflow/native/a.c", "int a;\n/* Two\n * lines. */\n", [(2, "Two lines.")]),
        ("diagrams/a.svg", "<g>\n<title>A state.</title></g>", [(2, "A state.")]),
        ("Makefile", "# One\n# comment.\nall: a#b\n", [(1, "One comment.")]),
        (
            "tests/a.py",
            "def test_a_name() -> None:\n    assert 'a text'  # Why.\n",
            [(1, "a name"), (2, "Why.")],
        ),
    ],
)
def test_a_file_is_read_by_its_kind(name: str, source: str, texts: list[tuple[int, str]]) -> None:
    assert list(texts_of(ROOT / name, source)) == texts


@pytest.mark.parametrize(
    "text", ["Where is it?", "A person who asks.", "The end of a stream, where it ends."]
)
def test_plain_sentences_are_left_alone(text: str) -> None:
    found: list[Misworded] = list(misworded("here", text))

    assert found == []


def test_a_term_of_the_glossary_has_one_meaning() -> None:
    terms = re.findall(r"^\| \*\*(.*?)\*\*", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)

    assert len(terms) == len(set(terms)) > 40
