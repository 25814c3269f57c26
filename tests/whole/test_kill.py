"""kill -9 where `tests/crash` does not look: twice after a swap, between two STATEs, where each overwrite is new."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from attrs import evolve, frozen

from tests.whole.command import Destination, Outcome
from tests.whole.messages import catalog, complete, record, state, stream
from tests.whole.turns import in_turn

COLUMNS = {"id": "integer", "version": "integer"}
# Every key comes twice, so that dedupe has work and the later version must win.
SOURCE = [(number % 60, number) for number in range(120)]
STATE_EVERY = 20


@frozen
class Attempt:
    """One run: where the source began, what was emitted, how it ended."""

    start: int
    outcome: Outcome

    @property
    def reached(self) -> int:
        """The begin of the next run: the last STATE emitted."""
        return int(self.outcome.states[-1]) if self.outcome.states else self.start


def configured(mode: str) -> dict[str, object]:
    return catalog(
        stream("users", COLUMNS, mode=mode, primary_key=["id"], cursor="version", generation=2, minimum=2)
    )


def messages(start: int) -> list[bytes]:
    lines = []
    for position, (key, version) in enumerate(SOURCE[start:], start + 1):
        lines.append(record("users", {"id": key, "version": version}))
        if position % STATE_EVERY == 0:
            lines.append(state("users", position))
    return [*lines, complete("users")]


def attempt(destination: Destination, mode: str, start: int, faults: Sequence[str]) -> Attempt:
    """A run that sends the rest of the source, and dies at its faults. STATE does not wait."""
    running = destination.start_write(
        configured(mode), "--state-latency", "0", "--flush-rows", str(STATE_EVERY), faults=faults
    )
    try:
        for text in messages(start):
            running.send(text)
    except BrokenPipeError:
        pass
    return Attempt(start, running.finish())


def attempts(destination: Destination, mode: str, faults: Sequence[Sequence[str]]) -> list[Attempt]:
    """A run per entry of `faults`, each from the last STATE emitted, then one without faults."""
    runs: list[Attempt] = []
    for struck in [*faults, []]:
        runs.append(attempt(destination, mode, runs[-1].reached if runs else 0, struck))
    return runs


def old_table(destination: Destination) -> None:
    """What an earlier generation left."""
    sent = [record("users", {"id": -1, "version": -1}), complete("users")]
    assert destination.write(catalog(stream("users", COLUMNS)), sent).code == 0


def test_a_kill_right_after_the_swap_and_another_in_the_run_after_it_change_nothing(
    destination: Destination,
) -> None:
    old_table(destination)

    runs = attempts(destination, "append_dedup", [["after:dedupe_and_swap=kill"], ["after:merge=kill"]])

    assert [run.outcome.code for run in runs] == [-9, -9, 0]
    assert len(destination.rows("users", ["id"])) == 60
    assert destination.tables() == ["users"]


def test_two_kills_right_after_the_swap_of_an_append_truncate_double_nothing(
    destination: Destination,
) -> None:
    old_table(destination)

    runs = attempts(destination, "append", [["after:swap=kill"], ["after:open_final=kill"]])

    assert [run.outcome.code for run in runs] == [-9, -9, 0]
    assert destination.rows("users", ["id", "version"]) == sorted(SOURCE, key=repr)


@in_turn("mode", ["append", "append_dedup"])
def test_a_process_killed_between_two_states_resumes_from_the_last_one_emitted(
    destination: Destination, mode: str
) -> None:
    old_table(destination)
    running = destination.start_write(configured(mode), "--state-latency", "0")
    for text in messages(0)[:50]:
        running.send(text)
    running.wait_for_state()
    told = int(running.wait_for_state())
    running.kill()

    last = attempt(destination, mode, told, [])

    kept = destination.rows("users", ["version"])
    assert last.outcome.code == 0
    assert told == 2 * STATE_EVERY
    assert len(kept) == (60 if mode == "append_dedup" else 120)


@in_turn("place", ["open_temp", "flush#3", "swap"])
def test_a_killed_overwrite_that_is_new_each_time_is_replaced_by_the_next(
    destination: Destination, place: str
) -> None:
    """A client that sends generation 1 with every sync, and begins again after each failure: nothing was emitted."""
    old_table(destination)
    new_each_time = evolve(destination, config={**destination.config, "each_overwrite_is_new": True})

    first, last = attempts(new_each_time, "overwrite", [[f"after:{place}=kill"]])

    assert (first.outcome.code, last.outcome.code) == (-9, 0)
    assert (first.outcome.states, last.start, last.outcome.states) == ([], 0, [])
    assert destination.rows("users", ["id", "version"]) == sorted(SOURCE, key=repr)
    assert destination.tables() == ["users"]


# -- several streams, of which a destination may work on some at a time

NAMES = ("ants", "bees", "cats", "dogs")


def configured_for_all(mode: str) -> dict[str, object]:
    each = {"mode": mode, "primary_key": ["id"], "cursor": "version", "generation": 2, "minimum": 2}
    return catalog(*(stream(name, COLUMNS, **each) for name in NAMES))  # type: ignore[arg-type]


def messages_of_all(starts: Mapping[str, int]) -> list[bytes]:
    """The rest of each stream, record by record in turn."""
    lines = []
    for position, (key, version) in enumerate(SOURCE, 1):
        for name in NAMES:
            if position > starts[name]:
                lines.append(record(name, {"id": key, "version": version}))
                if position % STATE_EVERY == 0:
                    lines.append(state(name, [name, position]))
    return [*lines, *map(complete, NAMES)]


PLACES = ("after:claim#3", "before:flush#7", "during:flush#9", "after:flush#13", "before:{publish}#2")


@in_turn("case", [(mode, place) for mode in ("append", "append_dedup") for place in PLACES])
def test_streams_that_are_worked_on_side_by_side_lose_nothing_and_double_only_what_was_sent_again(
    destination: Destination, case: tuple[str, str]
) -> None:
    mode, place = case
    publish = "swap" if mode == "append" else "dedupe_and_swap"
    starts = [dict.fromkeys(NAMES, 0)]
    codes = []

    for faults in ([f"{place.format(publish=publish)}=kill"], []):
        running = destination.start_write(
            configured_for_all(mode), "--state-latency", "0", "--flush-rows", str(STATE_EVERY), faults=faults
        )
        with suppress(BrokenPipeError):
            for text in messages_of_all(starts[-1]):
                running.send(text)
        outcome = running.finish()
        codes.append(outcome.code)
        # Emitted in order, so the last of each stream is how far it came.
        starts.append(starts[-1] | dict(outcome.states))

    assert codes == [-9, 0]
    assert starts[-1] == dict.fromkeys(NAMES, len(SOURCE))
    assert destination.tables() == sorted(NAMES)
    for name in NAMES:
        found = Counter(destination.rows(name, ["id", "version"]))
        wanted = Counter(SOURCE if mode == "append" else SOURCE[60:])
        sent_again = Counter(SOURCE[starts[1][name] :] if mode == "append" else [])
        assert not wanted - found, name
        assert not found - wanted - sent_again, name
