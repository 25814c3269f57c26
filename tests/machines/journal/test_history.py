"""What a journal amounts to: how long a life was where, what it counts, and how it stands."""

import json
from typing import Any

import pytest

from machines.journal.entries import Entry
from machines.journal.history import Counts, Failure, Outcome, runs, together
from machines.journal.standing import course_of, standing
from tests.machines.record import JOURNALS


def line(arrow: str, at: float, stream: str | None = "users", **more: Any) -> Entry:
    """An entry; `arrow` is like `idle start claiming`."""
    source, event, target = arrow.split()
    whose = {"machine": "stream", "stream": stream} if stream else {"machine": "destination"}
    return {"run": "one", **whose, "from": source, "event": event, "to": target, "at": at, **more}


LIFE = [
    line("idle start claiming", 10.5, operation="claim", milliseconds=500.0),
    line("claiming succeeded writing", 10.5),
    line("writing flushed writing", 12.0, read=5, written=5, rejected=0, bytes=50, checkpoint=3, attempt=3),
    line("writing flushed writing", 13.0, read=2, written=2, rejected=0, bytes=20, checkpoint=7),
    line("writing completed merging", 17.5, operation="merge", milliseconds=3500.0),
]


def test_a_state_lasts_from_the_moment_its_operation_begins_to_the_next_ones() -> None:
    (run,) = runs([*LIFE, line("merging succeeded done", 17.5)])

    assert run.streams[0].seconds == {"claiming": 0.5, "writing": 3.5, "merging": 3.5, "done": 0.0}
    assert (run.began, run.ended) == (10.0, 17.5)


def test_flushes_are_summed_and_the_last_checkpoint_counts() -> None:
    (run,) = runs(LIFE)

    assert run.counts == Counts(flushes=2, read=7, written=7, bytes=70, checkpoint=7, retries=2)


def test_a_life_that_was_cut_off_while_writing_lasts_as_long_as_the_last_word_of_it() -> None:
    (run,) = runs(LIFE[:4])

    assert run.streams[0].outcome is Outcome.UNFINISHED
    assert run.streams[0].seconds["writing"] == 2.5


def test_a_run_is_what_its_destination_says() -> None:
    unfinished, done = [*LIFE], [*LIFE, line("tearing_down succeeded done", 18.0, stream=None)]

    assert [runs(entries)[0].outcome for entries in (unfinished, done)] == [Outcome.UNFINISHED, Outcome.DONE]


def test_a_failure_is_reported_once_with_the_state_and_the_moment_that_it_happened_at() -> None:
    merging = line("writing completed merging", 17.5, operation="merge", milliseconds=3500.0, error="No.")
    abandoning = line(
        "merging errored abandoning", 18.0, operation="abandon", milliseconds=250.0, reason="No."
    )
    ended = line(
        "writing ended abandoning", 14.0, operation="abandon", milliseconds=500.0, reason="It ended."
    )

    refused, cut = runs([*LIFE[:4], merging, abandoning]), runs([*LIFE[:4], ended])

    assert refused[0].streams[0].failures == (Failure(error="No.", state="merging", at=17.5),)
    assert cut[0].streams[0].failures == (Failure(error="It ended.", state="writing", at=13.5),)


def test_runs_that_share_a_file_are_apart() -> None:
    other = [{**entry, "run": "two"} for entry in LIFE]
    mixed = [entry for pair in zip(LIFE, other, strict=True) for entry in pair]

    assert [(run.name, len(run.streams[0].entries)) for run in runs(mixed)] == [("one", 5), ("two", 5)]


def test_flushes_that_follow_each_other_go_together() -> None:
    assert [len(group) for group in together(LIFE)] == [1, 1, 2, 1]


@pytest.mark.parametrize("file", sorted(JOURNALS.glob("*.jsonl")), ids=lambda file: file.stem)
def test_every_recorded_life_can_be_described(file: Any) -> None:
    (run,) = runs([json.loads(text) for text in file.read_text().splitlines()])
    (life,) = run.lives

    assert sum(life.walked.values()) == len(life.entries)
    assert life.stays[-1].state == life.state


def test_rows_of_a_temp_table_that_another_run_took_over_are_not_said_to_wait() -> None:
    *before, abandoned, failed = map(json.loads, (JOURNALS / "dedup_cut_off.jsonl").read_text().splitlines())
    fenced = {name: value for name, value in abandoned.items() if name not in ("left", "note")}

    words = standing(
        course_of([*before, {**fenced, "error": "config_error: Another run took over."}, failed])
    )

    assert "could not look at in the end: " in words
    assert "Waiting in" not in words


@pytest.mark.parametrize(
    ("life", "outcome", "words"),
    [
        (
            "load_handed_over",
            "left open",
            "public.users holds nothing of this load yet. Its shards are written to ",
        ),
        ("load_published", "done", "Added to public.users: the rows of all shards."),
        (
            "load_that_replaces_published",
            "done",
            "In public.users, in place of its old rows: the rows of all shards.",
        ),
        ("load_published_before", "done", "Another process has published this load into public.users."),
        (
            "load_whose_shards_are_missing",
            "failed",
            "public.users holds nothing of this load. Its shards wait in ",
        ),
        ("load_given_up", "given up", "public.users holds nothing of this load, and its shards are dropped."),
    ],
)
def test_the_standing_of_a_load_counts_shards_and_no_rows_of_its_process(
    life: str, outcome: str, words: str
) -> None:
    entries = [json.loads(text) for text in (JOURNALS / f"{life}.jsonl").read_text().splitlines()]

    (stream,) = runs([{"at": 1.0, **entry} for entry in entries])[0].streams

    assert stream.outcome == outcome
    assert standing(course_of(entries)).startswith(words)
