"""Every recorded life replays on a fresh machine, and together they walk every arrow."""

import json
from pathlib import Path

import pytest

from dataflow.errors import ConfigError
from machines.diagram.declared import MACHINES, walkable
from machines.journal.entries import FORMAT, Entry
from machines.journal.replay import lives, replay
from tests.machines.record import JOURNALS, SCENES, recorded, text_of

FILES = sorted(JOURNALS.glob("*.jsonl"))
# As earlier versions wrote them; nothing rewrites these.
EARLIER = sorted(JOURNALS.glob("format_*/*.jsonl"))


def read(file: Path) -> list[Entry]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("name", SCENES)
def test_a_life_is_still_the_recorded_one(name: str) -> None:
    """Rewrite them with `python -m tests.machines.record`, and read the difference."""
    assert text_of(recorded(name)) == (JOURNALS / f"{name}.jsonl").read_text()


def test_every_file_is_a_life_that_can_be_recorded() -> None:
    assert {file.stem for file in FILES} == set(SCENES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_life_replays(file: Path) -> None:
    life = read(file)

    replayed = replay(life)

    assert replayed.divergence is None
    assert list(replayed.path) == [entry["to"] for entry in life]


@pytest.mark.parametrize("file", EARLIER, ids=lambda file: f"{file.parent.name} {file.stem}")
def test_a_life_that_an_earlier_version_recorded_still_replays(file: Path) -> None:
    life = read(file)

    replayed = replay(life)

    assert replayed.divergence is None
    assert list(replayed.path) == [entry["to"] for entry in life]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_replayed_life_fails_for_the_recorded_reason(file: Path) -> None:
    reasons = [entry[member] for entry in read(file) for member in ("reason", "error") if member in entry]

    failure = replay(read(file)).failure

    found = [] if failure is None else [f"{failure.failure_type}: {failure.message}"]
    assert found == reasons[:1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_life_cut_off_at_any_line_replays_as_far_as_it_goes(file: Path) -> None:
    """The journal is written after the fact: a process that dies leaves it without its last line."""
    life = read(file)

    for length in range(1, len(life)):
        assert replay(life[:length]).divergence is None
        assert list(replay(life[:length]).path) == [entry["to"] for entry in life[:length]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_first_divergence_is_named(file: Path) -> None:
    life = read(file)

    for index, entry in enumerate(life):
        for member in {"to", "from", "operation"} & entry.keys():
            tampered = [*life[:index], {**entry, member: "elsewhere"}, *life[index + 1 :]]
            divergence = replay(tampered).divergence
            assert divergence is not None
            assert divergence.index == index


@pytest.mark.parametrize("machine", MACHINES)
def test_together_the_lives_walk_every_arrow(machine: str) -> None:
    walked = {
        (entry["from"], entry["event"], entry["to"])
        for file in FILES
        for entry in read(file)
        if entry["machine"] == machine
    }

    assert walked == walkable(MACHINES[machine])


def test_a_machine_that_would_ask_for_something_else_diverges() -> None:
    life = read(JOURNALS / "dedup.jsonl")
    wishes = {**life[0], "life": read(JOURNALS / "append.jsonl")[0]["life"]}

    divergence = replay([wishes, *life[1:]]).divergence

    assert divergence is not None
    assert "opening_temp" in str(divergence)


def test_a_journal_of_many_lives_is_taken_apart() -> None:
    apart = [read(JOURNALS / f"{name}.jsonl") for name in ("dedup", "sync_complete")]
    together = [entry for pair in zip(*apart, strict=False) for entry in pair]

    assert [replay(life).divergence for life in lives(together)] == [None, None]


def test_what_is_no_life_is_refused() -> None:
    with pytest.raises(ConfigError, match="journal is empty"):
        replay([])
    with pytest.raises(ConfigError, match="does not begin"):
        replay(read(JOURNALS / "dedup.jsonl")[1:])


def of_another_version(number: int | None) -> list[Entry]:
    """A life whose machine had a state that is called otherwise now, in that format of the journal."""
    text = (JOURNALS / "dedup.jsonl").read_text().replace("opening_temp", "opening_another")
    first, *rest = [json.loads(line) for line in text.splitlines()]
    first.pop("format", None)
    return [first | ({"format": number} if number is not None else {}), *rest]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "written by an older version, in format 0 of the journal"),
        (FORMAT + 1, f"written by a newer version, in format {FORMAT + 1} of the journal"),
    ],
)
def test_a_life_of_another_version_that_is_not_walked_any_more_is_said_to_be_one(
    number: int | None, words: str
) -> None:
    replayed = replay(of_another_version(number))

    assert replayed.divergence is not None
    assert words in replayed.trouble
    assert "opening_another" in replayed.trouble


def test_a_life_of_this_version_that_diverges_is_no_other_versions() -> None:
    assert "version" not in replay(of_another_version(FORMAT)).trouble


def test_a_life_of_an_older_version_that_is_walked_still_is_no_trouble() -> None:
    first, *rest = read(JOURNALS / "dedup.jsonl")

    replayed = replay([{name: value for name, value in first.items() if name != "format"}, *rest])

    assert (replayed.divergence, replayed.trouble) == (None, "")


def test_a_life_of_a_version_that_quoted_no_name_replays() -> None:
    life = [{**entry, "stream": "shop.new.users"} for entry in read(JOURNALS / "dedup.jsonl")]
    begun = {**life[0], "life": {**life[0]["life"], "name": "new.users"}}

    assert replay([begun, *life[1:]]).trouble == ""


@pytest.mark.parametrize("member", ["life", "facts"])
def test_what_another_version_wrote_in_another_form_is_a_divergence(member: str) -> None:
    life = [
        {**entry, member: {"other": 1}} if member in entry else entry
        for entry in read(JOURNALS / "dedup.jsonl")
    ]

    assert "cannot read what it holds" in replay(life).trouble
