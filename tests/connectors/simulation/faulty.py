"""Faults of the engine, planted one at a time: a simulation that does not find them proves nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import evolve, frozen

from connectors.engine.sync import operations
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.parts import Parts
from connectors.engine.sync.publication import Publication
from connectors.engine.sync.state_gate import StateGate
from connectors.engine.sync.sync import SyncOperations
from connectors.memory.ledger import MemoryLedger
from dataflow.budget import Budget
from dataflow.pipeline.checkpoints import Checkpoints
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.pipeline import Pipeline
from dataflow.pipeline.streams import Stream
from dataflow.raw_ids import RawIds
from machines.destination import SyncLife
from machines.parts import Atomic, Part
from machines.stream import StreamLife


@frozen
class Planted:
    """What takes the place of an attribute, made from what was there; looked for in databases of this class."""

    owner: Any
    name: str
    make: Callable[[Any], Any]
    atomic: Atomic = Atomic.EVERYTHING

    @contextmanager
    def active(self) -> Iterator[None]:
        """While the engine has the fault."""
        sound = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.make(sound))
        try:
            yield
        finally:
            setattr(self.owner, self.name, sound)


def _without_the_cut(where: Callable[[StreamLife], bool]) -> Callable[[Any], Any]:
    """An operation that cuts nothing from a temp table."""

    def make(sound: Any) -> Any:
        return lambda self, entry, work: entry if where(work.life) else sound(self, entry, work)

    return make


def _without(part: Part, beside: Part) -> Callable[[Any], Any]:
    """The operations that have both parts leave one out."""

    def made(commits: Any) -> Any:
        def grouped(parts: Any, atomic: Any) -> Any:
            left = tuple(each for each in parts if each is not part) if beside in parts else parts
            return commits(left, atomic)

        return grouped

    return made


def _reordered(first: Part, second: Part) -> Callable[[Any], Any]:
    """One part comes after its successor."""

    def made(commits: Any) -> Any:
        def grouped(parts: Any, atomic: Any) -> Any:
            swapped = {first: second, second: first}
            both = first in parts and second in parts
            return commits(tuple(swapped.get(each, each) if both else each for each in parts), atomic)

        return grouped

    return made


def _wakes_nobody(_: Any) -> Any:
    def put_written(self: Inbox, event: Any) -> None:
        with self._changed:
            self._written.append(event)

    return put_written


def _frees_in_silence(_: Any) -> Any:
    def change(self: Budget, holder: Any, by: int) -> None:
        with self.changed:
            self._held[holder] += by

    return change


def _durable_once_it_is_handed_over(flush: Any) -> Any:
    def flushed(self: Pipeline, stream: Any, rows: int | None = None) -> None:
        flush(self, stream, rows)
        self._states.durable(stream.name, stream.aggregate.checkpointed)

    return flushed


def _all_rows_of_the_flush(_: Any) -> Any:
    return lambda flush, life: None if life.stream.replaces_each_time else flush.highest_raw_id


def _no_fence(_: Any) -> Any:
    return lambda self, epoch, run: True


def _forgets_its_flushes(flushed: Any) -> Any:
    """A flush whose answer was lost is written once more."""
    return lambda self, table, row: flushed(self, table, row) or True


def _keeps_the_number(take: Any) -> Any:
    """A claim goes on with the numbers of the flushes of the claim before."""
    return lambda self, entry, work: evolve(take(self, entry, work), last_flush=entry.last_flush)


def _publishes(_: Any) -> Any:
    return lambda self, name, error: self._complete(name)


def _closes_nothing(_: Any) -> Any:
    return lambda self, life: self._inbox.close()


def _forgets_the_generation(decide: Any) -> Any:
    return lambda self, entry, work: evolve(decide(self, entry, work), finalised=None)


def _beyond_the_gap(landed: Any) -> Any:
    """What a flush says counts, although one before it is not durable."""

    def each(self: Stream, flush: Any) -> int:
        landed(self, flush)
        return int(flush.position)

    return each


def _one_stream_is_enough(arrived: Any) -> Any:
    def with_one(self: Checkpoints, state: Any, positions: Any, *more: Any) -> Any:
        return arrived(self, state, dict(list(positions.items())[:1]), *more)

    return with_one


def _begins_by_the_clock(init: Any) -> Any:
    return lambda self, clock, randomness, after=None: init(self, clock, randomness, None)


FAULTS: Mapping[str, Planted] = {
    "a_temp_table_is_resumed_without_the_cut": Planted(
        Parts, "_cut_temp", _without_the_cut(lambda life: life.temp_continues)
    ),
    "a_temp_table_is_settled_without_the_cut": Planted(
        Parts, "_cut_temp", _without_the_cut(lambda life: life.temp_of_another_recipe)
    ),
    "the_end_of_a_flush_wakes_nobody": Planted(Inbox, "put_written", _wakes_nobody),
    "freed_bytes_wake_nobody": Planted(Budget, "change", _frees_in_silence),
    "input_waits_without_bound": Planted(Inbox, "_has_room", lambda _: property(lambda _: True)),
    "a_state_is_emitted_before_the_commit": Planted(Pipeline, "_flush", _durable_once_it_is_handed_over),
    "a_global_state_waits_for_one_stream": Planted(Checkpoints, "arrived", _one_stream_is_enough),
    "a_state_of_a_replaced_stream_is_emitted": Planted(StateGate, "waits_for", lambda _: lambda *_: ()),
    "a_checkpoint_covers_rows_that_no_state_covers": Planted(
        operations, "_checkpoint", _all_rows_of_the_flush
    ),
    "a_state_beyond_a_missing_flush_is_emitted": Planted(Stream, "landed", _beyond_the_gap),
    "there_is_no_fence": Planted(StreamOperations, "_is_ours", _no_fence),
    "a_flush_whose_answer_was_lost_is_repeated": Planted(MemoryLedger, "flushed", _forgets_its_flushes),
    "a_claim_keeps_the_number_of_the_last_flush": Planted(StreamOperations, "_take_epoch", _keeps_the_number),
    "an_incomplete_stream_is_published": Planted(Pipeline, "_end_unpublished", _publishes),
    "temp_is_dropped_on_failure": Planted(
        StreamLife, "leaves_empty_temp", lambda _: property(lambda life: life.left is not None)
    ),
    "a_lock_is_not_released": Planted(SyncOperations, "_tear_down", _closes_nothing),
    "a_published_generation_is_forgotten": Planted(Publication, "decide_replace", _forgets_the_generation),
    "raw_ids_begin_by_the_clock_alone": Planted(RawIds, "__init__", _begins_by_the_clock),
    "any_temp_table_is_resumed": Planted(
        StreamLife,
        "temp_continues",
        lambda _: property(lambda life: life._temp is not None and life._temp.recipe is not None),
    ),
    "all_is_taken_for_one_commit": Planted(
        operations, "commits", lambda commits: lambda parts, _: commits(parts, Atomic.EVERYTHING), Atomic.ROWS
    ),
    "a_publication_that_was_begun_is_not_completed": Planted(
        operations,
        "parts_of",
        lambda parts_of: lambda operation, begun=None: parts_of(operation) if begun is None else (),
        Atomic.STATEMENT,
    ),
    "leftovers_are_not_dropped": Planted(
        operations, "commits", _without(Part.SWEEP, beside=Part.SWEEP), Atomic.STATEMENT
    ),
    "temp_keeps_its_name": Planted(
        operations, "commits", _without(Part.RENEW_TEMP, beside=Part.RENEW_TEMP), Atomic.STATEMENT
    ),
    "a_retry_does_not_look_for_its_rows": Planted(
        StreamOperations, "_is_there", lambda _: lambda *_: False, Atomic.STATEMENT
    ),
    "temp_is_forgotten_before_it_is_published": Planted(
        operations, "commits", _reordered(Part.ADD, Part.END_PUBLICATION), Atomic.ROWS
    ),
    "a_failed_stream_is_no_failure": Planted(
        SyncLife, "all_streams_done", lambda _: property(lambda life: life.failure is None)
    ),
}
