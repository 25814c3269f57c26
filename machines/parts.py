"""The parts of each operation of a stream, in the one order that every database follows, and their grouping into
commits. Performs nothing.

A crash between any two parts leaves a database that the next claim reads correctly. A publication is decided by one
write to the ledger, `Publishing`; from then on it is completed and never taken back, by this run or by the next that
claims the table. A database's class (`Atomic`) decides one thing only: which neighbouring parts one commit holds.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from attrs import frozen

from machines.operations import Publishing, StreamOperation


class Atomic(StrEnum):
    """What of an operation a database makes durable in one piece: its class, A to D."""

    EVERYTHING = "everything"  # A: tables, rows and the ledger
    ROWS = "rows"  # B: rows and the ledger; each change of tables commits by itself
    STATEMENT = "statement"  # C: one statement
    TABLE = "table"  # D: all that happens to one table, with its properties


class Kind(StrEnum):
    """What a part changes."""

    LEDGER = "ledger"
    ROWS = "rows"
    TABLES = "tables"
    NOTHING = "nothing"


class Place(StrEnum):
    """The table that a part changes; in class D it is what one commit holds."""

    LEDGER = "ledger"
    TEMP = "temp"
    FINAL = "final"
    # The table that the stream's rows are written to: temp, or the final table.
    TARGET = "target"
    # Temp tables that the ledger does not name.
    LEFTOVERS = "leftovers"


@frozen
class _Traits:
    kind: Kind
    place: Place
    meaning: str


class Part(StrEnum):
    """The smallest step. Each looks whether there is something to do, so each may be repeated."""

    TAKE_EPOCH = "take_epoch"
    END_OTHERS = "end_others"
    RENEW_TEMP = "renew_temp"
    SWEEP = "sweep"
    LOOK = "look"
    CREATE_TEMP = "create_temp"
    NAME_TEMP = "name_temp"
    CUT_TEMP = "cut_temp"
    EVOLVE_TEMP = "evolve_temp"
    WRITE_RECIPE = "write_recipe"
    FORGET_TEMP = "forget_temp"
    OPEN_FINAL = "open_final"
    NOTE_FINAL = "note_final"
    RESERVE_IDS = "reserve_ids"
    INSERT = "insert"
    NOTE_FLUSH = "note_flush"
    DECIDE_ADD = "decide_add"
    DECIDE_REPLACE = "decide_replace"
    FIT_TEMP = "fit_temp"
    FIT_FINAL = "fit_final"
    DEDUPE = "dedupe"
    ADD = "add"
    REPLACE = "replace"
    END_PUBLICATION = "end_publication"
    NOTE_NEEDS = "note_needs"
    LOOK_BACK = "look_back"

    @property
    def kind(self) -> Kind:
        """What it changes."""
        return _TRAITS[self].kind

    @property
    def place(self) -> Place:
        """The table it changes."""
        return _TRAITS[self].place

    @property
    def meaning(self) -> str:
        """One sentence for a person."""
        return _TRAITS[self].meaning


_TRAITS: Mapping[Part, _Traits] = {
    Part.TAKE_EPOCH: _Traits(Kind.LEDGER, Place.LEDGER, "Take the ledger's next epoch; say what was begun."),
    Part.END_OTHERS: _Traits(
        Kind.TABLES,
        Place.FINAL,
        "Wait until no statement of an earlier claim is at work; end those that stay.",
    ),
    Part.RENEW_TEMP: _Traits(Kind.TABLES, Place.TEMP, "Give temp a name that no earlier statement knows."),
    Part.SWEEP: _Traits(
        Kind.TABLES, Place.LEFTOVERS, "Drop the stream's temp tables that the ledger does not name."
    ),
    Part.LOOK: _Traits(Kind.NOTHING, Place.LEDGER, "Read the facts that decide the start."),
    Part.CREATE_TEMP: _Traits(Kind.TABLES, Place.TEMP, "Create an empty temp table under a new name."),
    Part.NAME_TEMP: _Traits(Kind.LEDGER, Place.LEDGER, "Write temp's name and recipe, and no checkpoint."),
    Part.CUT_TEMP: _Traits(Kind.ROWS, Place.TEMP, "Delete temp's rows beyond the checkpoint."),
    Part.EVOLVE_TEMP: _Traits(Kind.TABLES, Place.TEMP, "Bring temp to the catalog's columns."),
    Part.WRITE_RECIPE: _Traits(Kind.LEDGER, Place.LEDGER, "Write the recipe that temp now follows."),
    Part.FORGET_TEMP: _Traits(Kind.LEDGER, Place.LEDGER, "Forget temp, unless it is being published."),
    Part.OPEN_FINAL: _Traits(
        Kind.TABLES, Place.FINAL, "Create the final table, or bring it to the catalog's columns."
    ),
    Part.NOTE_FINAL: _Traits(
        Kind.LEDGER, Place.LEDGER, "Write that rows go to the final table, and whose its columns are."
    ),
    Part.RESERVE_IDS: _Traits(
        Kind.LEDGER, Place.LEDGER, "Write a highest raw id that no row of the flush goes beyond."
    ),
    Part.INSERT: _Traits(Kind.ROWS, Place.TARGET, "Insert a flush's rows."),
    Part.NOTE_FLUSH: _Traits(
        Kind.LEDGER, Place.TARGET, "Write the flush's own row: its number and its checkpoint."
    ),
    Part.DECIDE_ADD: _Traits(
        Kind.LEDGER, Place.LEDGER, "Decide that temp's rows are added to the final table."
    ),
    Part.DECIDE_REPLACE: _Traits(
        Kind.LEDGER, Place.LEDGER, "Decide that temp replaces the final table, and write its generation."
    ),
    Part.FIT_TEMP: _Traits(Kind.TABLES, Place.TEMP, "To add: bring temp to its recipe's columns."),
    Part.FIT_FINAL: _Traits(
        Kind.TABLES, Place.FINAL, "To add: create the final table, or bring it to the recipe's columns."
    ),
    Part.DEDUPE: _Traits(
        Kind.ROWS, Place.TEMP, "To replace: keep temp's latest row of each key, if the recipe says so."
    ),
    Part.ADD: _Traits(Kind.ROWS, Place.FINAL, "To add: merge or copy temp's rows into the final table."),
    Part.REPLACE: _Traits(Kind.TABLES, Place.FINAL, "To replace: put temp in the final table's place."),
    Part.END_PUBLICATION: _Traits(Kind.LEDGER, Place.LEDGER, "Forget temp and the decision to publish it."),
    Part.NOTE_NEEDS: _Traits(
        Kind.LEDGER, Place.LEDGER, "Write the kinds of column that the next sync needs."
    ),
    Part.LOOK_BACK: _Traits(Kind.NOTHING, Place.LEDGER, "Look at the temp table that is left."),
}

# The parts of operations whose requests name temp as it is called now. A repetition of one gives it another name first,
# where nothing else keeps out a request that went unanswered. The creation of temp, and a claim's new name for it, name
# it as it will be called.
NAMING_TEMP = frozenset(
    {
        Part.CUT_TEMP,
        Part.EVOLVE_TEMP,
        Part.FIT_TEMP,
        Part.DEDUPE,
        Part.ADD,
        Part.REPLACE,
        Part.LOOK_BACK,
    }
)

# How a publication is carried through once it is decided. Each part does nothing unless the ledger says that temp is
# being published in this way.
CARRY_THROUGH: Mapping[Publishing, tuple[Part, ...]] = {
    Publishing.ADD: (Part.FIT_TEMP, Part.FIT_FINAL, Part.ADD, Part.END_PUBLICATION, Part.SWEEP),
    Publishing.REPLACE: (Part.DEDUPE, Part.REPLACE, Part.END_PUBLICATION, Part.SWEEP),
}

# What each decision says of temp, which then stands in the ledger until the publication's end.
DECISIONS: Mapping[Part, Publishing] = {
    Part.DECIDE_ADD: Publishing.ADD,
    Part.DECIDE_REPLACE: Publishing.REPLACE,
}

# Rows before the row that says they are there: where two commits hold them, a retry that finds the row is done.
FLUSH = (Part.RESERVE_IDS, Part.INSERT, Part.NOTE_FLUSH)

_PARTS: Mapping[StreamOperation, tuple[Part, ...]] = {
    StreamOperation.CLAIM: (Part.TAKE_EPOCH, Part.END_OTHERS, Part.RENEW_TEMP, Part.SWEEP),
    StreamOperation.INSPECT: (Part.LOOK,),
    StreamOperation.SETTLE: (Part.CUT_TEMP, Part.DECIDE_ADD, *CARRY_THROUGH[Publishing.ADD]),
    StreamOperation.DISCARD: (Part.FORGET_TEMP, Part.SWEEP),
    StreamOperation.OPEN_TEMP: (Part.CREATE_TEMP, Part.NAME_TEMP),
    StreamOperation.RESUME_TEMP: (Part.CUT_TEMP, Part.EVOLVE_TEMP, Part.WRITE_RECIPE),
    StreamOperation.OPEN_FINAL: (Part.OPEN_FINAL, Part.NOTE_FINAL),
    StreamOperation.MERGE: (Part.DECIDE_ADD, *CARRY_THROUGH[Publishing.ADD]),
    StreamOperation.SWAP: (Part.DECIDE_REPLACE, *CARRY_THROUGH[Publishing.REPLACE]),
    StreamOperation.DEDUPE_AND_SWAP: (Part.DECIDE_REPLACE, *CARRY_THROUGH[Publishing.REPLACE]),
    StreamOperation.ABANDON: (Part.NOTE_NEEDS, Part.LOOK_BACK),
}

# Parts that a class has no use for, so that it sends nothing for them.
NEEDLESS: Mapping[Atomic, frozenset[Part]] = {
    # Its fence is the ledger's row, locked in each transaction. Temp changes in one commit with its recipe, and rows in
    # one with their highest raw id.
    Atomic.EVERYTHING: frozenset({Part.END_OTHERS, Part.RENEW_TEMP, Part.FIT_TEMP, Part.RESERVE_IDS}),
    # The ledger's row is the fence of rows. One statement renames both tables, and temp has the new name only once.
    Atomic.ROWS: frozenset({Part.RENEW_TEMP, Part.RESERVE_IDS}),
    Atomic.STATEMENT: frozenset(),
    # Its fence is the version of each table.
    Atomic.TABLE: frozenset({Part.RENEW_TEMP, Part.RESERVE_IDS}),
}


def parts_of(operation: StreamOperation, begun: Publishing | None = None) -> tuple[Part, ...]:
    """The operation's parts in their order. `begun` is the publication that COMPLETE carries through."""
    if operation is StreamOperation.COMPLETE:
        return CARRY_THROUGH[begun] if begun is not None else ()
    return _PARTS[operation]


def commits(parts: Sequence[Part], atomic: Atomic) -> tuple[tuple[Part, ...], ...]:
    """The parts grouped into commits, in their order, for a database of this class."""
    needed = [part for part in parts if part not in NEEDLESS[atomic]]
    match atomic:
        case Atomic.EVERYTHING:
            return (tuple(needed),)
        case Atomic.ROWS:
            return _runs(needed, [part if part.kind is Kind.TABLES else None for part in needed])
        case Atomic.STATEMENT:
            return tuple((part,) for part in needed)
        case Atomic.TABLE:
            return _runs(needed, [part.place for part in needed])


def flushes_at_once(atomic: Atomic, wanted: int) -> int:
    """How many of the wanted flushes of one stream may be at work: one, where a commit is refused whose table another
    commit has changed. The others would be refused whenever one of them lands, and their rows sent again.
    """
    return 1 if atomic is Atomic.TABLE else wanted


def _runs(parts: Sequence[Part], keys: Sequence[object]) -> tuple[tuple[Part, ...], ...]:
    """Neighbours with equal keys together."""
    keyed = zip(keys, parts, strict=True)
    return tuple(tuple(part for _, part in run) for _, run in groupby(keyed, key=lambda each: each[0]))
