"""The laws, as questions about a world, and about what a run of everything leaves. Judges; makes nothing happen.

They are those of one stream's life that names can break: acknowledged means durable (1), the result does not depend on
the crashes (3), nothing is left behind (4); and that no table ever holds rows of another stream. Each returns what is
wrong, or an empty text.
"""

from collections import Counter
from itertools import product

from dataflow.names import comparable
from machines.verify.catalogs.database import Database, Record, Table
from machines.verify.catalogs.scenarios import Scenario
from machines.verify.catalogs.steps import Step
from machines.verify.catalogs.world import Part, Progress, Run, World


def broken_by(step: Step, scenario: Scenario) -> str:
    """The first law that a step breaks; empty when it breaks none."""
    if step.refused and not scenario.rivals:
        return "law 3, the result does not depend on the crashes: a run is refused although no other run is alive"
    return broken(step.world)


def broken(world: World) -> str:
    """The first law that a world breaks; empty when it breaks none."""
    if complaint := nothing_mixed(world.database):
        return f"nothing is mixed: {complaint}"
    complaint = acknowledged_means_durable(world)
    return f"law 1, acknowledged means durable: {complaint}" if complaint else ""


def broken_at_the_end(world: World, run: Run | None, scenario: Scenario) -> str:
    """The first law that is broken where a run of everything came to its end undisturbed."""
    if run is None:
        return "law 3, the result does not depend on the crashes: the catalog is refused"
    for part in run.parts:
        if complaint := result_of_no_crash(world, part, scenario):
            return f"law 3, the result does not depend on the crashes: {complaint}"
    complaint = nothing_left(world.database, run, scenario)
    return f"law 4, nothing is left behind: {complaint}" if complaint else broken(world)


def nothing_mixed(database: Database) -> str:
    """No table holds rows of two streams, and no column values of two fields."""
    for name, table in database.tables:
        if len(streams := {row.record.stream for row in table.rows}) > 1:
            return f"the table {name} holds rows of {_and(streams)}"
        for column in table.columns:
            if len(fields := {row.field_in(column) for row in table.rows} - {None}) > 1:
                return f"the column {column} of {name} holds values of {_and(fields)}"
    return ""


def acknowledged_means_durable(world: World) -> str:
    """A record under a STATE is in a table, with the values of the fields that every catalog since has had."""
    rows: dict[object, set[str]] = {}
    for _, table in world.database.tables:
        for row in table.rows:
            rows.setdefault(row.record, set()).update(field for _, field in row.values)
    for _, progress in world.streams:
        for record, fields in progress.due:
            if record not in rows:
                return f"{record} is in no table"
            if missing := fields - rows[record]:
                return f"{record} has lost its value of {_and(missing)}"
    return ""


def result_of_no_crash(world: World, part: Part, scenario: Scenario) -> str:
    """The stream is done, and its table holds its records, in the columns of its fields."""
    stream = part.selected.stream
    if part.state != "done":
        return f"stream {stream} fails although nothing disturbs it"
    final, progress = _final(world.database, part, scenario), world.progress(stream)
    records = Counter((row.record.generation, row.record.item) for row in final.rows)
    wanted = {(progress.generation, item) for item in range(1, progress.acknowledged + 1)}
    if set(records) != wanted:
        return f"the table of {stream} holds records {sorted(records)}, and should hold {sorted(wanted)}"
    if scenario.strategy.dedupes and any(times > 1 for times in records.values()):
        return f"a record of {stream} is present twice"
    return _misplaced(final, part, progress)


def nothing_left(database: Database, run: Run, scenario: Scenario) -> str:
    """There is no table but the streams' own, and the ledger knows of no temp table."""
    finals = {comparable(part.tables.final, scenario.rules) for part in run.parts}
    if left := [name for name, _ in database.tables if name not in finals]:
        return f"the table {left[0]} is left"
    knows = [name for name, entry in database.entries if entry.temp is not None or entry.recipe is not None]
    return f"the ledger has a temp table for {knows[0]}" if knows else ""


def _misplaced(final: Table, part: Part, progress: Progress) -> str:
    """What is wrong with where the values of a table lie."""
    shown: set[tuple[Record, str]] = set()
    for row, column in product(final.rows, part.tables.columns):
        there = row.field_in(column.name)
        if there not in (None, column.field):
            return f"the column of {column.field} holds a value of {there}"
        shown |= {(row.record, column.field)} if there is not None else set()
    due = {(record, field) for record, fields in progress.due for field in fields}
    return "".join(f"{record} shows no value of {field}" for record, field in sorted(due - shown)[:1])


def _final(database: Database, part: Part, scenario: Scenario) -> Table:
    return database.table(comparable(part.tables.final, scenario.rules)) or Table(())


def _and(names: object) -> str:
    return " and ".join(sorted(map(str, names)))  # type: ignore[call-overload]
