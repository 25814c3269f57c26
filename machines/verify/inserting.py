"""What the parts of a flush do to the abstract database, and the folding of flush rows. Decides nothing."""

from machines.flushes import FlushRow, Folded, fold
from machines.parts import Atomic
from machines.verify.database import Database
from machines.verify.requests import FencedOff, Request
from machines.verify.rules import Kind, Rule
from machines.verify.tables import inserted, target, there
from machines.verify.values import evolve


class Inserting:
    """The performer of a flush's parts, on a kind of database."""

    kind: Kind

    def held(self, database: Database, epoch: int) -> Database:
        """The database with its flush rows folded, if the run still owns the table: the fence."""
        if database.entry.epoch != epoch:
            raise FencedOff("fenced off")
        return self.folded(database)

    def folded(self, database: Database) -> Database:
        """The database with its flush rows folded into the ledger's entry."""
        if not database.flushes:
            return database
        entry, found = database.entry, self.fold(database)
        entry = evolve(
            entry,
            last_flush=found.last_flush,
            checkpoint=entry.checkpoint if found.checkpoint is None else found.checkpoint,
            highest_raw_id=max(entry.highest_raw_id, found.highest_raw_id or 0),
        )
        return evolve(database, entry=entry, flushes=())

    def fold(self, database: Database) -> Folded[int]:
        """What the flush rows amount to."""
        rows, entry = database.flushes, database.entry
        found = fold(entry.last_flush, entry.epoch, rows)
        if self.kind.keeps(Rule.STOP_AT_THE_GAP):
            return found
        return _covering(found, max((row.checkpoint for row in rows if row.checkpoint), default=None))

    def reserve_ids(self, database: Database, request: Request) -> Database:
        """Write a highest raw id that no row of the run goes beyond."""
        flush, entry = request.to_insert, database.entry
        if entry.highest_raw_id >= flush.highest_raw_id or not self.kind.keeps(Rule.RESERVE_IDS):
            return database
        return evolve(database, entry=evolve(entry, highest_raw_id=flush.reserves))

    def insert(self, database: Database, request: Request) -> Database:
        """Insert a flush's rows, if they are not there."""
        if self.is_written(database, request) or self.are_there(database, request):
            return database
        return inserted(database, request)

    def note_flush(self, database: Database, request: Request) -> Database:
        """Write the flush's own row."""
        if self.is_written(database, request):
            return database
        flush = request.to_insert
        row = FlushRow(
            epoch=request.epoch,
            number=flush.number,
            rows=len(flush.rows),
            checkpoint=None if request.wishes.replaces_each_time else flush.checkpoint,
            highest_raw_id=flush.highest_raw_id,
        )
        rows = sorted((*database.flushes, row), key=lambda row: row.number)
        return evolve(database, flushes=tuple(rows))

    def is_written(self, database: Database, request: Request) -> bool:
        """Whether the flush's own row says so."""
        number = request.to_insert.number
        return database.entry.last_flush >= number or any(row.number == number for row in database.flushes)

    def are_there(self, database: Database, request: Request) -> bool:
        """Whether the flush's rows are there, where no commit holds them and its own row."""
        if self.kind.atomic is not Atomic.STATEMENT or not self.kind.keeps(Rule.LOOK_FOR_ROWS):
            return False
        present = {row.raw_id for row in there(target(database, request)).rows}
        return all(row.raw_id in present for row in request.to_insert.rows)


def _covering(found: Folded[int], checkpoint: int | None) -> Folded[int]:
    """The same with another checkpoint."""
    return Folded(last_flush=found.last_flush, checkpoint=checkpoint, highest_raw_id=found.highest_raw_id)
