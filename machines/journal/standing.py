"""What is in a stream's table now, and which rows wait elsewhere. Derived from the entries of the stream's life.

Nothing is counted in a database: what a run does not know, such as how many rows it found, is said in words.
"""

from collections.abc import Iterable

from attrs import evolve, frozen

from dataflow.catalog import Strategy
from dataflow.types import TableName
from machines.formatting import count, number_of
from machines.journal.account import account_from_json
from machines.journal.entries import Entry
from machines.lifecycle import DONE, ENDS, FAILED, GIVEN_UP, LEFT_OPEN
from machines.operations import Publishing, StreamOperation

_TO_TEMP = (StreamOperation.OPEN_TEMP, StreamOperation.RESUME_TEMP)
_PUBLISHING = (StreamOperation.MERGE, StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)

WAITING = "Waiting in {temp} for the next sync: {rows}."


@frozen(kw_only=True)
class Course:
    """What a stream's entries say so far about its rows. `strategy` is None until its first entry was heard.

    `written` counts the rows of this run that are durable, `covered` those of them that a STATE covers. `begun`: it
    came to where rows are taken in. `to_temp`: they go to a temp table. `resumed` and `settled`: rows of an earlier
    run waited, and were taken on, or were brought into the final table. `completed`: a publication that an earlier
    run had begun was ended. `loads`: they come in shards, which any process may write. `kept`: its temp table was left
    to the next run. `unseen`: it could not look at it in the end, since the database was away or another run had taken
    the table over.
    """

    strategy: Strategy | None = None
    final: str = ""
    temp: str = ""
    state: str = "idle"
    written: int = 0
    covered: int = 0
    begun: bool = False
    to_temp: bool = False
    resumed: bool = False
    settled: bool = False
    completed: bool = False
    loads: bool = False
    tried_to_publish: bool = False
    kept: bool = False
    unseen: bool = False

    def heard(self, entry: Entry) -> "Course":
        """The course after one more entry."""
        operation = entry.get("operation") if "error" not in entry else None
        account = account_from_json(entry.get("account"))
        loads = self.loads or "load" in entry.get("life", {}).get("recipe", {})
        return evolve(
            _placed(self, entry),
            state=str(entry["to"]),
            written=self.written + entry.get("written", 0),
            covered=account.acknowledged if account else max(self.covered, entry.get("checkpoint", 0)),
            begun=self.begun or entry["to"] == "writing",
            loads=loads,
            to_temp=self.to_temp or operation in _TO_TEMP,
            resumed=self.resumed or operation == StreamOperation.RESUME_TEMP,
            settled=self.settled or (operation == StreamOperation.SETTLE and entry.get("rows") != 0),
            completed=self.completed or operation == StreamOperation.COMPLETE,
            tried_to_publish=self.tried_to_publish or entry.get("operation") in _PUBLISHING,
            unseen=self.unseen or (entry.get("operation") == StreamOperation.ABANDON and "error" in entry),
            kept=self.kept
            or (entry.get("operation") == StreamOperation.ABANDON and _is_kept(entry, loads=loads)),
        )


def _placed(course: Course, entry: Entry) -> Course:
    """Its strategy and tables: the catalog's wish, and what the ledger made of it."""
    match entry:
        case {"life": {"recipe": {"strategy": str(strategy)}, "final": final, "temp": temp}}:
            course = evolve(course, strategy=_known(strategy), final=_name(final), temp=_name(temp))
        case {"facts": {"finalised": True}} if course.strategy is not None:
            course = evolve(course, strategy=course.strategy.incremental)
    match entry:
        case {"facts": {"temp_name": temp}} | {"temp": temp}:
            return evolve(course, temp=_name(temp))
    return course


def _name(parts: Iterable[str]) -> str:
    return str(TableName(*parts))


def _known(strategy: str) -> Strategy | None:
    return Strategy(strategy) if strategy in {str(each) for each in Strategy} else None


def _is_kept(entry: Entry, *, loads: bool) -> bool:
    match entry:
        case {"left": {"recipe": {"load": str(_)}}}:
            # An empty one stays, too: workers may write to it.
            return True
        case {"left": {"empty": bool(empty)}}:
            # Workers may yet write to the empty one of a load.
            return loads or not empty
    # Earlier versions wrote a note, and no other than that the table is kept. A table that was not looked at is kept.
    return "note" in entry or "error" in entry


def standing(course: Course, waiting: str = WAITING) -> str:
    """What is in the final table now and what waits, in a sentence or two; empty for a strategy not known here.

    `waiting` says it of a temp table that is left with rows: `{temp}` and `{rows}`.
    """
    if course.strategy is None:
        return ""
    straight = course.strategy is Strategy.APPEND and not course.to_temp
    if course.loads:
        words = _loaded(course, course.strategy)
    else:
        words = _appended(course) if straight else _by_temp(course, course.strategy, waiting)
    settled = f"Rows of an earlier run were moved into {course.final} first. " if course.settled else ""
    if course.completed:
        settled = (
            f"A publication into {course.final} that an earlier run began was completed first. {settled}"
        )
    as_far = "" if course.state in ENDS else "As far as the journal shows: "
    return as_far + settled + words


def _appended(course: Course) -> str:
    if not course.begun or not course.written:
        return f"This run added no rows to {course.final}."
    added = f"This run added {number_of(course.written, 'row')} to {course.final}"
    if course.state == DONE:
        return f"{added}."
    again = course.written - min(course.covered, course.written)
    if not again:
        return f"{added}, and a STATE covers all of them: none will be sent again."
    which = "it" if course.written == 1 else f"{count(again)} of them"
    them = "it" if again == 1 else "them"
    return f"{added}. No STATE covers {which}: where the source sends {them} again, the next sync adds {them} again."


_PUBLISHED = {
    Strategy.APPEND: "Added to {final}: {rows}.",
    Strategy.DEDUP: "Merged into {final} by primary key: {rows}.",
    Strategy.APPEND_TRUNCATE: "In {final}, in place of its old rows: {rows}.",
    Strategy.DEDUP_TRUNCATE: "In {final}, in place of its old rows: the latest of each primary key of {rows}.",
}


def _by_temp(course: Course, strategy: Strategy, waiting: str) -> str:
    own, final = number_of(course.written, "row"), course.final
    rows = f"{own} of this run"
    if course.resumed:
        rows = f"{rows} and those that waited" if course.written else "the rows that waited"
    if course.state == DONE:
        return _PUBLISHED[strategy].format(final=final, rows=rows)
    if course.state == FAILED and course.tried_to_publish and course.written and not course.kept:
        return f"{course.temp} is gone: its rows are in {final}, and only the database's reply was lost."
    nothing = f"{final} holds nothing of this run."
    if not course.written and not course.resumed:
        return nothing
    if course.unseen:
        return (
            f"Written to {course.temp}, which this run could not look at in the end: {rows}. Those that a STATE covers "
            "are kept there until a sync publishes them."
        )
    return f"{nothing} {waiting.format(temp=course.temp, rows=rows)}"


def _loaded(course: Course, strategy: Strategy) -> str:
    """A load's rows are counted in the ledger, by shards, and not in the journal of one process."""
    rows = "the rows of all shards"
    if course.state == DONE and course.tried_to_publish:
        return _PUBLISHED[strategy].format(final=course.final, rows=rows)
    if course.state == DONE:
        return f"Another process has published this load into {course.final}."
    if course.state == GIVEN_UP:
        return f"{course.final} holds nothing of this load, and its shards are dropped."
    if course.state == LEFT_OPEN:
        return f"{course.final} holds nothing of this load yet. Its shards are written to {course.temp}."
    if course.state == FAILED and course.tried_to_publish and not course.kept:
        return (
            f"{course.temp} is gone: its rows are in {course.final}, and only the database's reply was lost."
        )
    nothing = f"{course.final} holds nothing of this load."
    return f"{nothing} Its shards wait in {course.temp}." if course.to_temp else nothing


def way(strategy: str, generation: int, facts: Entry, publishing: str | None = None) -> str:
    """How a stream reaches its table, by what CLAIM and INSPECT found, as the journal has it.

    With the reason if there is one.
    """
    if facts.get("finalised"):
        # With the decision to replace the final table, its generation is written down.
        before = "is completed first" if publishing == Publishing.REPLACE else "was published already"
        return f"{Strategy(strategy).incremental} (generation {generation} {before})"
    return f"{strategy} (each sync replaces the table)" if "generation" in facts else strategy


def course_of(entries: Iterable[Entry]) -> Course:
    """The course that a life's entries record."""
    course = Course()
    for entry in entries:
        course = course.heard(entry)
    return course
