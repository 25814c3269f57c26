"""Records the lives under `journals/`, each from a real run on the memory connector: `python -m tests.machines.record`.

What differs from run to run (times) is left out, so that a life is rewritten only when it is another.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from connectors.contract.options import Options
from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.messages import (
    INTEGER,
    STRING,
    catalog,
    complete,
    global_state,
    record,
    state,
    stream,
    users,
)
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from machines.journal.entries import Entry
from machines.loads import Wish
from machines.operations import StreamOperation
from machines.parts import Atomic
from tests.connectors.memory import memory_destination
from tests.machines.recorded_loads import OPENED, PUBLISHING, coordinator, load, workers
from tests.machines.recorded_loads import without_temp as gone

JOURNALS = Path(__file__).parent / "journals"
TIMES = ("at", "milliseconds")
# The random end of a temp table's name where each name is used once.
OPENING = re.compile(r"(_airbyte_tmp_[0-9a-f]{12}_\d+_)[0-9a-f]{6}(_[0-9a-f]{6})?")
# Lives of the destination's machine are called so; all others are a stream's.
OF_A_SYNC = "sync_"
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
SENT = (record("users", id=1, name="a", updated=1), record("users", id=2, name="b", updated=2))
COVERED = (*SENT, state("users", 2))
Scene = Callable[[Warehouse], Outcome]


def whole(strategy: Strategy, generation: int = 1, **given: Any) -> Scene:
    """A sync that the source completes."""
    return lambda to: to.sync(catalog(users(strategy, generation)), *COVERED, complete("users"), **given)


def cut(strategy: Strategy, generation: int = 1, **given: Any) -> Scene:
    """A sync whose input ends before the stream is complete."""
    return lambda to: to.sync(catalog(users(strategy, generation)), *COVERED, **given)


def bare(strategy: Strategy, **given: Any) -> Scene:
    """A sync that is cut off before it brought anything."""
    return lambda to: to.sync(catalog(users(strategy)), **given)


def after(*scenes: Scene) -> Scene:
    """The last of these, which come one after the other."""

    def play(to: Warehouse) -> Outcome:
        *before, last = scenes
        for scene in before:
            scene(to)
        return last(to)

    return play


def counting(scene: Scene) -> Scene:
    """The same where each overwrite is new."""
    return lambda to: scene(evolve(to, options=Options(each_overwrite_is_new=True)))


def refusing(*methods: str, name: str = "users") -> dict[str, Any]:
    """A database that refuses these methods."""
    script = Script()
    script.refuse(name, *methods)
    return {"script": script}


def losing(wait: int) -> dict[str, Any]:
    """A database that loses the answer to one COMMIT, after a number of others."""
    script = Script(wait=wait)
    script.lose_next_answer()
    return {"script": script}


def unknown_temp(*values: Mapping[str, Any]) -> Scene:
    """A temp table that the ledger does not know, with these rows."""

    def play(to: Warehouse) -> Outcome:
        outcome = whole(APPEND)(to)
        tables = to.tables()
        with open_bench(to.destination) as bench:
            bench.make(tables.temp, tables.columns, *(row(n, **each) for n, each in enumerate(values)))
        return outcome

    return play


def without_temp(scene: Scene) -> Scene:
    """The same; then somebody drops the temp table."""

    def play(to: Warehouse) -> Outcome:
        outcome = scene(to)
        with open_bench(to.destination) as bench, bench.client.transaction():
            bench.client.drop_table(to.tables().temp)
        return outcome

    return play


def renamed(scene: Scene) -> Scene:
    """The same by an earlier version, which gave the temp table another name."""

    def play(to: Warehouse) -> Outcome:
        outcome, tables = scene(to), to.tables()
        with open_bench(to.destination) as bench, bench.client.transaction():
            name = evolve(tables.temp, name="of_another_name")
            bench.client.overwrite_table(tables.temp, name)
            entry = bench.client.ledger.hold(tables.final)
            assert entry is not None
            bench.client.ledger.save(evolve(entry, temp=name))
        return outcome

    return play


def keyed(strategy: Strategy, kind: Any, *ends: bytes, key: Any = 7) -> Scene:
    """A sync of one record whose key has that type."""
    return lambda to: to.sync(
        catalog(stream("users", strategy, {"id": kind}, key=("id",))), record("users", id=key), *ends
    )


def by_rows(scene: Scene) -> Scene:
    """The same on a database that commits rows and the ledger together, and each change of tables by itself."""
    return lambda _: scene(Warehouse(memory_destination(Atomic.ROWS)))


def by_statements(scene: Scene) -> Scene:
    """The same on a database that makes one statement durable at a time."""
    return lambda _: scene(Warehouse(memory_destination(Atomic.STATEMENT)))


def full_disk(state_left: str) -> Callable[[Entry], None]:
    """A journal that cannot be written when a stream leaves the state."""

    def keep(entry: Entry) -> None:
        if entry["machine"] == "stream" and entry["from"] == state_left:
            raise OSError(28, "No space left on device")

    return keep


def line(text: bytes, **given: Any) -> Scene:
    """A sync of which the first line is this."""
    return lambda to: to.sync(catalog(users(DEDUP)), text + b"\n", complete("users"), **given)


def two(**given: Any) -> Scene:
    """Two streams under GLOBAL states."""
    names = ("users", "others")
    return lambda to: to.sync(
        catalog(*(users(DEDUP, 1, name) for name in names)),
        *(record(name, id=1) for name in names),
        global_state(1, *names),
        *map(complete, names),
        **given,
    )


SCENES: Mapping[str, Callable[[], Scene]] = {
    # The four strategies, undisturbed.
    "append": lambda: whole(APPEND),
    "dedup": lambda: whole(DEDUP),
    "append_truncate": lambda: whole(APPEND_TRUNCATE),
    "dedup_truncate": lambda: whole(DEDUP_TRUNCATE),
    # What a start may find.
    "dedup_resumed": lambda: after(cut(DEDUP), whole(DEDUP)),
    "truncate_resumed_with_another_import_type": lambda: after(cut(APPEND_TRUNCATE), whole(DEDUP_TRUNCATE)),
    "append_settles_a_dedup": lambda: after(cut(DEDUP), whole(APPEND)),
    "dedup_absorbs_a_cancelled_truncate": lambda: after(cut(APPEND_TRUNCATE, 1), whole(DEDUP, 2)),
    "temp_keeps_the_ledgers_name": lambda: after(renamed(cut(APPEND_TRUNCATE, 1)), whole(DEDUP, 2)),
    "truncate_drops_a_superseded_one": lambda: after(cut(DEDUP_TRUNCATE, 1), whole(DEDUP_TRUNCATE, 2)),
    "append_drops_an_empty_temp": lambda: after(unknown_temp(), whole(APPEND)),
    "append_truncate_published_before": lambda: after(whole(APPEND_TRUNCATE), whole(APPEND_TRUNCATE)),
    "dedup_truncate_published_before": lambda: after(whole(DEDUP_TRUNCATE), whole(DEDUP_TRUNCATE)),
    "overwrite_of_the_ledgers_generation": lambda: counting(
        after(whole(APPEND_TRUNCATE), cut(APPEND_TRUNCATE), whole(APPEND_TRUNCATE))
    ),
    "temp_of_unknown_recipe_is_kept": lambda: after(unknown_temp({"id": 7}), whole(DEDUP)),
    "acknowledged_rows_are_gone": lambda: after(without_temp(cut(DEDUP)), whole(DEDUP)),
    "temp_without_a_state_is_dropped": lambda: after(
        lambda to: to.sync(catalog(users(DEDUP)), *SENT), whole(APPEND)
    ),
    "narrower_key_is_refused": lambda: after(
        keyed(DEDUP, STRING, complete("users")), keyed(DEDUP, INTEGER, complete("users"))
    ),
    "narrower_key_of_waiting_rows_is_refused": lambda: after(
        keyed(DEDUP_TRUNCATE, STRING, state("users", 1)), keyed(DEDUP_TRUNCATE, INTEGER, complete("users"))
    ),
    "lost_key_of_waiting_rows_is_refused": lambda: after(
        keyed(APPEND_TRUNCATE, INTEGER, state("users", 1), key=10**19),
        keyed(DEDUP_TRUNCATE, INTEGER, complete("users")),
    ),
    # Cut off, with and without rows.
    "dedup_cut_off": lambda: cut(DEDUP),
    "append_cut_off": lambda: cut(APPEND),
    "dedup_cut_off_before_any_record": lambda: bare(DEDUP),
    # An answer that was lost: set-up, claim and inspection are three COMMITs.
    "merge_whose_answer_was_lost": lambda: whole(DEDUP, **losing(5)),
    "swap_whose_answer_was_lost": lambda: whole(APPEND_TRUNCATE, **losing(5)),
    "flush_whose_answer_was_lost": lambda: whole(DEDUP, **losing(4)),
    # Refused, before its start and in each state.
    "not_set_up": lambda: whole(DEDUP, **refusing("create_namespace", name="public")),
    "claim_refused": lambda: whole(DEDUP, **refusing("lock")),
    "inspection_refused": lambda: after(cut(DEDUP), whole(DEDUP, **refusing("table_is_empty"))),
    "discarding_refused": lambda: after(
        cut(DEDUP_TRUNCATE, 1), whole(DEDUP_TRUNCATE, 2, **refusing("drop_table"))
    ),
    "settling_refused": lambda: after(cut(DEDUP), whole(APPEND, **refusing("merge_table"))),
    "opening_temp_refused": lambda: whole(DEDUP, **refusing("create_table")),
    "resuming_refused": lambda: after(cut(DEDUP), whole(DEDUP, **refusing("trim_table"))),
    "opening_final_refused": lambda: whole(APPEND, **refusing("create_table")),
    "flush_refused": lambda: whole(DEDUP, **refusing("insert")),
    "merge_refused": lambda: whole(DEDUP, **refusing("merge_table")),
    "swap_refused": lambda: whole(APPEND_TRUNCATE, **refusing("overwrite_table")),
    "dedupe_refused": lambda: whole(DEDUP_TRUNCATE, **refusing("dedupe_table")),
    "abandoning_refused": lambda: bare(DEDUP, **refusing("table_is_empty")),
    "dropping_an_empty_temp_refused": lambda: bare(DEDUP, **refusing("drop_table")),
    # A publication that was decided, and not ended by the run that decided it.
    "addition_completed": lambda: by_rows(after(whole(DEDUP, **refusing("merge_table")), whole(DEDUP))),
    "replacement_completed": lambda: by_rows(
        after(whole(DEDUP_TRUNCATE, **refusing("overwrite_table")), whole(APPEND))
    ),
    "completing_refused": lambda: by_rows(
        after(whole(DEDUP, **refusing("merge_table")), whole(DEDUP, **refusing("merge_table")))
    ),
    # An append whose rows wait in a temp table for the end of the stream.
    "append_through_temp": lambda: by_statements(whole(APPEND)),
    "append_through_temp_resumed": lambda: by_statements(after(cut(APPEND), whole(APPEND))),
    # Loads, whose shards other processes write.
    "load_handed_over": lambda: load(APPEND, OPENED),
    "load_published": lambda: load(APPEND, OPENED, workers, PUBLISHING),
    "load_that_replaces_published": lambda: load(APPEND_TRUNCATE, OPENED, workers, PUBLISHING),
    "load_published_before": lambda: load(DEDUP, OPENED, workers, PUBLISHING, PUBLISHING),
    "load_whose_shards_are_missing": lambda: load(DEDUP, OPENED, PUBLISHING),
    "load_whose_temp_is_gone": lambda: load(DEDUP, OPENED, workers, gone, OPENED),
    "load_given_up": lambda: load(DEDUP, OPENED, coordinator(wish=Wish.GIVE_UP)),
    "load_given_up_that_is_not_open": lambda: load(DEDUP, coordinator(wish=Wish.GIVE_UP)),
    "giving_up_refused": lambda: load(
        DEDUP, OPENED, coordinator(wish=Wish.GIVE_UP, refused=StreamOperation.DISCARD)
    ),
    # The whole sync.
    "sync_complete": two,
    "sync_with_a_failed_stream": lambda: cut(DEDUP),
    "sync_that_cannot_set_up": lambda: whole(DEDUP, **refusing("create_namespace", name="")),
    "sync_of_which_no_stream_starts": lambda: whole(DEDUP, **refusing("lock")),
    "sync_whose_streams_cannot_be_started": lambda: bare(DEDUP, keep=full_disk("claiming")),
    "sync_of_unreadable_input": lambda: line(b"Hello"),
    "sync_stopped_under_global_state": lambda: two(**refusing("insert")),
    "sync_whose_journal_cannot_be_written": lambda: bare(DEDUP, keep=full_disk("writing")),
    "sync_whose_journal_cannot_be_written_on_abort": lambda: line(b"Hello", keep=full_disk("writing")),
    "sync_that_cannot_close": lambda: whole(DEDUP, **refusing("close", name="")),
}


def recorded(name: str) -> list[Entry]:
    """The life, as it goes now."""
    outcome = SCENES[name]()(Warehouse(memory_destination()))
    machine = "destination" if name.startswith(OF_A_SYNC) else "stream"
    lives = [e for e in outcome.journal if e["machine"] == machine and e.get("stream") in (None, "users")]
    same = json.loads(OPENING.sub(r"\g<1>000000", json.dumps(lives)))
    return [{member: value for member, value in entry.items() if member not in TIMES} for entry in same]


def text_of(life: list[Entry]) -> str:
    """A life as its file holds it."""
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in life)


def main() -> None:
    """Write every life again, and remove those that are no more."""
    for old in JOURNALS.glob("*.jsonl"):
        old.unlink()
    for name in SCENES:
        (JOURNALS / f"{name}.jsonl").write_text(text_of(recorded(name)))


if __name__ == "__main__":
    main()
