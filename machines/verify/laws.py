"""The five laws, as questions about a step. Judges; makes nothing happen.

1. Acknowledged means durable. 2. Readers see old or new. 3. The result does not depend on the crashes. 4. Nothing is
left behind. 5. One writer per stream. Each returns what is wrong, or an empty text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from machines.loads import Files
from machines.verify.database import Database, Record, Row, Rows, Table, deduped, key_of, rank
from machines.verify.load_laws import LoadLaws
from machines.verify.scenarios import Scenario, Sync
from machines.verify.steps import COMES_LATE, Step
from machines.verify.undisturbed import undisturbed
from machines.verify.world import Progress, World

LEFT_A_TABLE = "a late statement has left an empty table"
CHANGED_COLUMNS = "a late statement changed the columns of another run's tables"
# What a database cannot keep that does not end the statements of others, by its name in docs/guarantees.md.
LIMITS = {LEFT_A_TABLE: "(a)", CHANGED_COLUMNS: "(b)"}


class Laws:
    """The laws of one scenario. `strict`: as a database keeps them that ends what others have at work.

    Else one statement of a run that is gone may leave an empty table of ours until the next claim, or change the
    columns of a table.
    """

    def __init__(self, scenario: Scenario, *, strict: bool = True, flushes: int = 1) -> None:
        self._over = scenario.over
        self._of_loads = LoadLaws() if scenario.loads else None
        self._strict = strict
        self._flushes = flushes
        self._held: dict[Database, frozenset[Record]] = {}
        # Moments in which acknowledged records are known to be kept: most steps change nothing of it.
        self._kept: set[tuple[Database, tuple[Progress, ...]]] = set()
        self._changes: dict[tuple[Table, Table, tuple[Progress, ...]], str] = {}
        self._wanted: dict[tuple[Progress, ...], set[frozenset[Record]]] = {}
        self._laws: tuple[tuple[str, Callable[[World, Step], str]], ...] = (
            ("law 1, acknowledged means durable", self.acknowledged_means_durable),
            ("law 2, readers see old or new", self.readers_see_old_or_new),
            ("law 3, the result does not depend on the crashes", self.result_of_no_crash),
            ("law 4, nothing is left behind", self.nothing_left),
            ("law 5, one writer per stream", self.one_writer),
        )
        # These ask how a world was reached, too.
        self._of_steps = (self._laws[1], self._laws[3], self._laws[4])

    def broken(self, before: World, step: Step, *, seen: bool = False) -> str:
        """The first law that the step breaks, and how; empty when it breaks none.

        `seen`: its world was reached before, and broke no law then.
        """
        if self._of_loads is not None and (complaint := self._of_loads.broken(before, step)):
            return complaint
        run = step.world.run
        if seen and before.database is step.world.database and run is not None and run.state != "failed":
            return ""
        for name, law in self._of_steps if seen else self._laws:
            if complaint := law(before, step):
                return f"{name}: {complaint}"
        return ""

    # -- 1

    def acknowledged_means_durable(self, _: World, step: Step) -> str:
        """A record that an emitted STATE covers is in a table, unless a later one of its key or a truncate replaced
        it.
        """
        database, syncs = step.world.database, step.world.syncs
        if (database, syncs) in self._kept:
            return ""
        kept = self._records(database)
        for number, one in enumerate(syncs):
            acknowledged = one.sync.records(one.start, one.acknowledged)
            if kept.issuperset(acknowledged) or _replaced(one, syncs[number + 1 :]):
                continue
            for record in acknowledged:
                if record not in kept and not _superseded(record, kept, syncs):
                    return f"{record} was acknowledged and is in no table"
        self._kept.add((database, syncs))
        return ""

    def _records(self, database: Database) -> frozenset[Record]:
        """What both tables hold."""
        held = self._held.get(database)
        if held is None:
            held = self._held[database] = frozenset(row.record for row in database.rows)
        return held

    # -- 2

    def readers_see_old_or_new(self, before: World, step: Step) -> str:
        """The final table is what it was and more, or a whole new generation; a truncate's, only all of it."""
        old, new = before.database.final, step.world.database.final
        if step.epoch is None or old is None or old is new:
            return ""
        if new is None:
            return "the final table is missing"
        asked = (old, new, step.world.syncs)
        known = self._changes.get(asked)
        if known is None:
            known = self._changes[asked] = _lost(old, new, [one.sync for one in step.world.syncs])
        return known

    # -- 3

    def result_of_no_crash(self, _: World, step: Step) -> str:
        """After success the final table is one that syncs without a crash could have left."""
        world = step.world
        if world.run is not None:
            facts = world.run.knowledge.facts
            overtaken = facts is not None and facts.files is Files.LOADED_SINCE
            failed = world.run.state == "failed" and not world.run.disturbed and not overtaken
            return "a run failed although nothing had disturbed it" if failed else ""
        if not world.succeeded:
            return ""
        found = Counter(row.record for row in _rows(world.database.final))
        wanted = self._undisturbed(world.syncs)
        if frozenset(found) not in wanted:
            return f"the final table holds {_names(found)}, and should hold {_or(wanted)}"
        twice = [record for record, count in found.items() if count > 1]
        if all(one.sync.strategy.dedupes for one in world.syncs[self._over :]) and twice:
            return f"{twice[0]} is there twice"
        repeated = [record for record in twice if record not in world.again]
        return f"{repeated[0]} is there twice, without a reason" if repeated else ""

    def _undisturbed(self, syncs: tuple[Progress, ...]) -> set[frozenset[Record]]:
        wanted = self._wanted.get(syncs)
        if wanted is None:
            wanted = self._wanted[syncs] = undisturbed(syncs, self._flushes)
        return wanted

    # -- 4

    def nothing_left(self, before: World, step: Step) -> str:
        """After success there is no temp table, and the ledger knows of none; after a failure, none that is empty."""
        world = step.world
        database = world.database
        temp, recipe = database.temp, database.entry.recipe
        if temp is None and recipe is None and not database.leftovers and not database.stray:
            return ""
        # One that is being published is the next claim's to finish.
        # So is that of a load, which is empty as long as no worker has written to it.
        of_load = recipe is not None and recipe.load is not None
        waits = temp is not None and not temp.rows and database.entry.publishing is None and not of_load
        if waits and _has_failed(before, step):
            return "an empty temp table is left"
        return self._left_by_success(database) if world.succeeded else ""

    def _left_by_success(self, database: Database) -> str:
        if database.temp is not None:
            return "the temp table is left"
        if database.entry.recipe is not None:
            return "the ledger has a recipe without a table"
        if database.leftovers:
            return "a table that the ledger does not name is left"
        return LEFT_A_TABLE if self._strict else ""

    # -- 5

    def one_writer(self, before: World, step: Step) -> str:
        """Only the run that claimed last changes anything; a claim changes the ledger alone."""
        old, new = before.database, step.world.database
        if step.epoch is None or old.entry.epoch == step.epoch or old is new:
            return ""
        if new.entry.epoch > old.entry.epoch and (old.final, old.temp) == (new.final, new.temp):
            return ""
        if step.befell != COMES_LATE:
            return "a run changed tables that another run had claimed"
        if before.run is None or before.run.state == "claiming" or old.entry.publishing is not None:
            # Nobody has read anything yet; or it was decided, and the owner of the table does the same.
            return ""
        return self._changed_late(old, new)

    def _changed_late(self, old: Database, new: Database) -> str:
        """What a statement of a run that is gone changes of another's."""
        if new.entry is not old.entry:
            return "a late statement changed the ledger of another run"
        if _contents(old.final) != _contents(new.final) or _contents(old.temp) != _contents(new.temp):
            return "a late statement changed the rows of another run's tables"
        if not self._strict:
            return ""
        if new.stray and not old.stray:
            return LEFT_A_TABLE
        return CHANGED_COLUMNS if _reshaped(old, new) else ""


def _lost(old: Table, new: Table, syncs: Sequence[Sync]) -> str:
    """What readers of the final table miss in the new one, empty when nothing is amiss."""
    shown = {row.record for row in new.rows}
    gone = [row for row in old.rows if row.record not in shown]
    if all(_outranked(row, new.rows, syncs) for row in gone):
        return ""
    if any(sync.strategy.truncates and _is_whole(sync, shown) for sync in syncs):
        return ""
    return f"the final table lost {gone[0].record}, and is no whole new generation"


def _contents(table: Table | None) -> Rows:
    return table.rows if table is not None else ()


def _reshaped(old: Database, new: Database) -> bool:
    return (old.final, old.temp) != (new.final, new.temp)


def _has_failed(before: World, step: Step) -> bool:
    """Whether the run that holds the table has just ended unpublished, undisturbed in its last operation."""
    run, after = before.run, step.world.run
    holds = run is not None and run.epoch == step.epoch == step.world.database.entry.epoch
    return holds and not step.befell and (after is None or after.state == "failed")


def _is_whole(sync: Sync, shown: set[Record]) -> bool:
    """Whether all that a sync's source sends is shown, as one row per primary key if the sync asks for that."""
    whole = tuple(Row(record.item, record) for record in sync.records(0, sync.until))
    kept = deduped(whole, sync.recipe) if sync.strategy.dedupes else whole
    return all(row.record in shown for row in kept)


def _outranked(row: Row, rows: Rows, syncs: Iterable[Sync]) -> bool:
    """Whether a row of the same key that the database holds for later has taken its place."""
    return any(
        key_of(row.record, sync.recipe) == key_of(other.record, sync.recipe)
        and rank(other, sync.recipe) > rank(row, sync.recipe)
        for sync in syncs
        if sync.strategy.dedupes
        for other in rows
    )


def _superseded(record: Record, kept: frozenset[Record], syncs: Sequence[Progress]) -> bool:
    """Whether a later record of its key has taken its place, or the place of one that had."""
    deduping = [one.sync for one in syncs if one.sync.strategy.dedupes]
    later = [
        other
        for one in syncs
        for other in one.sync.records(0, one.sent)
        if any(_is_later(other, record, sync) for sync in deduping)
    ]
    return any(other in kept or _superseded(other, kept, syncs) for other in later)


def _replaced(one: Progress, later: Sequence[Progress]) -> bool:
    """Whether a truncate has replaced what this sync acknowledged, or is about to replace a truncate that was given
    up.
    """
    return any(
        other.sync.strategy.truncates
        and other.sync.lineage != one.sync.lineage
        and (other.sync.stream.replaces_each_time or other.sync.generation >= one.sync.generation)
        and (other.published or (one.sync.strategy.truncates and not one.published))
        for other in later
    )


@cache
def _is_later(one: Record, other: Record, sync: Sync) -> bool:
    """Whether a source sent one of these after the other, and a sync keeps it in the other's place."""
    by = sync.recipe
    return key_of(one, by) == key_of(other, by) and _sent(one, sync) > _sent(other, sync)


def _sent(record: Record, by: Sync) -> tuple[int, int, int]:
    cursor = by.recipe.cursor
    return (getattr(record, cursor) if cursor is not None else 0, record.lineage, record.item)


def _rows(table: Table | None) -> Rows:
    return table.rows if table is not None else ()


def _names(records: Iterable[Record]) -> str:
    return ", ".join(sorted(map(str, records))) or "nothing"


def _or(tables: Iterable[frozenset[Record]]) -> str:
    return " or ".join(sorted(map(_names, tables)))
