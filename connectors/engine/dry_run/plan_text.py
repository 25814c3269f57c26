"""A plan as text for people and as JSON for machines. Pure: words what it is given."""

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import Any

import cattrs

from connectors.contract import Statement
from connectors.contract.ledger import LedgerEntry
from connectors.engine.dry_run.plan import Plan, Step, StreamPlan, TableState, begun_words
from dataflow.types import TableName
from machines.formatting import count, plain, size
from machines.operations import Publishing


def as_json(plan: Plan) -> Any:
    """The plan, with what follows from it: `destructive` and `fails`."""
    return {
        **_JSON.unstructure(plan),
        "destructive": _JSON.unstructure(plan.destructive),
        "fails": plan.fails,
    }


def as_text(plan: Plan) -> str:
    """The plan, to be read from the top."""
    return "\n".join(map(plain, _plan(plan)))


def entry_words(entry: LedgerEntry) -> str:
    """What the ledger says of a table, in a sentence."""
    known = [f"last claimed by run {entry.owner}, claim {entry.epoch}"] if entry.owner else []
    begun = begun_words(entry)
    # It is written with the decision to publish it.
    if entry.finalised is not None and entry.publishing is not Publishing.REPLACE:
        known.append(f"generation {entry.finalised} is published")
    if entry.temp is not None:
        known.append(f"{entry.temp} was opened for {entry.recipe}")
        known.append(
            "an emitted STATE covers rows of it" if entry.checkpoint else "no emitted STATE covers rows of it"
        )
    if begun:
        known.append(begun)
    return "; ".join(known) + "."


def _plan(plan: Plan) -> Iterator[str]:
    if plan.set_up:
        yield "Before any stream:"
        yield from _statements(plan.set_up)
        yield ""
    for stream in plan.streams:
        yield from _stream(stream)
        yield ""
    if plan.failure:
        yield f"The sync would fail: {plan.failure}"
    for effect in plan.destructive:
        yield f"DESTRUCTIVE: {effect.words}."
    if not plan.destructive:
        yield "Nothing destructive would happen."
    yield "Nothing was changed by this plan."


def _stream(stream: StreamPlan) -> Iterator[str]:
    yield f"Stream {stream.stream}: {stream.way}, generation {stream.generation}"
    yield f"  final   {_table(stream.final)}"
    yield f"  temp    {_table(stream.temp)}"
    yield f"  ledger  {entry_words(stream.entry) if stream.entry else 'Has no entry for this table.'}"
    if stream.writer is not None:
        yield f"  lock    Held by run {stream.writer.run}{' (dead)' if stream.writer.gone else ''}."
    for kind, listed in (
        ("depends", stream.final.statistics.dependents),
        ("grants", stream.final.statistics.grants),
    ):
        if listed:
            yield f"  {kind:7} {'; '.join(listed)}"
    for number, step in enumerate(stream.steps, 1):
        yield f"  {number:2}. {step.state}{f': {step.does}' if step.does else ''}"
        yield from _step(step, stream)
    if stream.failure:
        yield f"  It would fail: {stream.failure}"


def _step(step: Step, stream: StreamPlan) -> Iterator[str]:
    if step.guard:
        yield f"      because {step.guard}: {step.why}"
    elif step.why:
        yield f"      because {step.why[0].lower()}{step.why[1:]}"
    if step.note:
        yield f"      note: {step.note}"
    for effect in step.effects:
        mark = "!" if effect.deed.destructive else "-"
        about = _about(effect.table, stream) if effect.deed.rewrites or effect.deed.destructive else ""
        yield f"      {mark} {effect.words}{about}"
    yield from _statements(step.statements)


def _about(table: TableName, stream: StreamPlan) -> str:
    state = next((each for each in (stream.final, stream.temp) if each.name == table and each.exists), None)
    return f" ({_size(state)})" if state else ""


def _statements(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        lock = f"  -- locks: {statement.lock}" if statement.lock else ""
        yield from indent(f"{statement.text};{lock}", "        ").split("\n")


def _table(state: TableState) -> str:
    if not state.exists:
        return f"{state.name}: does not exist"
    columns = ", ".join(f"{name} {kind}" for name, kind in state.columns.items())
    return f"{state.name}: {_size(state)}; columns {columns or 'none of ours'}"


def _size(state: TableState) -> str:
    rows, stored = state.statistics.rows, state.statistics.size
    counted = "an unknown number of rows" if rows is None else f"about {count(rows)} rows"
    return counted if stored is None else f"{counted}, {size(stored)}"


_JSON = cattrs.Converter()
_JSON.register_unstructure_hook(TableName, str)
