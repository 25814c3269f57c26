"""Every life of a whole sync: its machine and those of its streams, with everything that may end one of them early.

The search of one stream's life asks what crashes do to its table. This one asks what a sync does about streams that
are refused, that fail, or that nobody completes. It knows no database: an operation succeeds or meets an error.
"""

from collections.abc import Callable, Iterator, Sequence

from dataflow.catalog import Dedupe, DestinationStream
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.runtime.clock import Clock, SetClock
from dataflow.stream_tables import StreamTables
from dataflow.types import INTEGER, Column, Field, StreamName, TableName
from machines.destination import SyncLife, destination_lifecycle
from machines.formatting import duration
from machines.lifecycle import DONE, FAILED
from machines.operations import Answer, Facts, KeyFacts, StreamOperation, SyncOperation, TempFacts
from machines.parts import Atomic
from machines.stream import StreamLife, stream_lifecycle
from machines.verify.search import Explored, Violation, counts

NAMES = ("users", "orders")
WELL, REFUSED, INCOMPLETE = "goes well", "is refused before its start", "is not completed"
FINAL_MERGES, TEMP_MERGES = "finds a final table that merges keys", "finds a temp table that merges keys"
ERROR, ERROR_FIRST = "meets an error", "meets an error before it does anything"
# The operations of a stream that may fail here: one before records are written, one after.
STREAMS_MAY_FAIL = (StreamOperation.CLAIM, StreamOperation.MERGE)
# They change no table.
LOOK_ALONE = (StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.ABANDON)
MERGED = KeyFacts(narrower=(("id", None),))
# Those of a sync meet an error when their work is done, or at once where this leaves other streams behind.
FAIL_AT_ONCE = (SyncOperation.FINISH_STREAMS, SyncOperation.ABORT_STREAMS)


class Course:
    """One course of events: at each question the answer that the trail says, and beyond its end the first."""

    def __init__(self, trail: Sequence[int]) -> None:
        self._trail = trail
        self._taken: list[tuple[int, int]] = []
        self.history: list[str] = []

    def choose(self, what: str, *answers: str) -> str:
        """What happens to it."""
        at = len(self._taken)
        answer = self._trail[at] if at < len(self._trail) else 0
        self._taken.append((answer, len(answers)))
        self.history.append(f"{what} {answers[answer]}")
        return answers[answer]

    def following(self) -> Sequence[int] | None:
        """The trail of the next course, if there is another."""
        taken = list(self._taken)
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        return [*(answer for answer, _ in taken[:-1]), taken[-1][0] + 1] if taken else None


class Stream:
    """One stream of a sync: its real machine, and a port that knows no database."""

    def __init__(self, name: str, course: Course) -> None:
        self.name = name
        self._course = course
        self.life = _life(name)
        self.machine = stream_lifecycle(self.life, self, SetClock())
        self.asked: list[StreamOperation] = []
        self.refused = self.disturbed = self.merges = False

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """Answer as a start is answered that finds this, unless an error is met."""
        self.asked.append(operation)
        what = f"{self.name}: {operation}"
        if operation in STREAMS_MAY_FAIL and self._course.choose(what, WELL, ERROR) == ERROR:
            self.disturbed = True
            raise ConfigError(f"{what} failed.")
        return Answer(facts=self._found() if operation is StreamOperation.INSPECT else None)

    def _found(self) -> Facts:
        """No temp table; or a table that would not keep the keys of the rows it holds."""
        found = self._course.choose(f"{self.name}: inspect", WELL, FINAL_MERGES, TEMP_MERGES)
        self.merges = found != WELL
        temp = TempFacts(empty=False, recipe=self.life.recipe, covered=True)
        return Facts(
            temp=temp if found == TEMP_MERGES else None,
            finalised=False,
            final_keys=MERGED if found == FINAL_MERGES else None,
            temp_keys=MERGED if found == TEMP_MERGES else None,
        )

    def set_up(self) -> None:
        """Its names and tables are looked at."""
        if self._course.choose(self.name, WELL, REFUSED) == REFUSED:
            self.refused = True
            self.life.fail(ConfigError("No free name was found for its table."))

    def start(self) -> None:
        """Bring it to where records can be written, or to its failure."""
        self.machine.send("start")

    def read(self) -> None:
        """The source completes it, or does not."""
        if self.writing and self._course.choose(self.name, WELL, INCOMPLETE) == WELL:
            self.machine.send("completed")

    def end(self, reason: DataflowError) -> None:
        """End it, if it still takes in records."""
        if self.writing:
            self.disturbed = True
            self.life.fail(reason)
            self.machine.send("ended")

    @property
    def writing(self) -> bool:
        """Whether it takes in records."""
        return self.machine.at == "writing"


class WholeSync:
    """A sync of some streams: its real machine, and the port that drives the streams."""

    def __init__(self, names: Sequence[str], course: Course) -> None:
        self._course = course
        self.streams = [Stream(name, course) for name in names]
        self.life = SyncLife()
        self.asked: list[SyncOperation] = []
        self.met: list[SyncOperation] = []
        self.started = 0
        self._performers: dict[SyncOperation, Callable[[], None]] = {
            SyncOperation.SET_UP: lambda: self._each(Stream.set_up),
            SyncOperation.START_STREAMS: self._start,
            SyncOperation.READ: lambda: self._each(Stream.read),
            SyncOperation.FINISH_STREAMS: lambda: self._end(TransientError("The input ended.")),
            SyncOperation.ABORT_STREAMS: lambda: self._end(
                self.life.failure or InternalError("Nothing failed.")
            ),
            SyncOperation.TEAR_DOWN: lambda: None,
        }
        self.machine = destination_lifecycle(self.life, self, SetClock())
        self.machine.send("start")

    def perform(self, operation: SyncOperation, life: SyncLife) -> Answer:
        """Perform it, unless an error outside of any stream is met."""
        self.asked.append(operation)
        error = ERROR_FIRST if operation in FAIL_AT_ONCE else ERROR
        befalls = self._course.choose(str(operation), WELL, error)
        if befalls != ERROR_FIRST:
            self._performers[operation]()
        if befalls != WELL:
            self.met.append(operation)
            raise TransientError(f"{operation} failed.")
        failed = [each for each in self.streams if _failed(each) and each.name not in life.failed_streams]
        return Answer(
            failed_streams=tuple(each.name for each in failed),
            first_failure=next((each.life.failure for each in failed), None),
            started=self.started if operation is SyncOperation.START_STREAMS else None,
        )

    def _each(self, act: Callable[[Stream], None]) -> None:
        for stream in self.streams:
            act(stream)

    def _start(self) -> None:
        self._each(Stream.start)
        self.started = sum(each.writing for each in self.streams)

    def _end(self, reason: DataflowError) -> None:
        for stream in self.streams:
            stream.end(reason)


# -- the laws, as questions about a sync that has ended


def input_is_read_for_those_that_started(of: WholeSync) -> str:
    """The input is read where a stream takes in records, or where there is none; else it is not touched."""
    begun = not {SyncOperation.SET_UP, SyncOperation.START_STREAMS} & set(of.met)
    wanted = begun and (of.started > 0 or not of.streams)
    read = SyncOperation.READ in of.asked
    if read and not wanted:
        return "the input was read, and no stream takes in its records"
    return "the input was not read, although a stream takes in records" if wanted and not read else ""


def success_means_published(of: WholeSync) -> str:
    """It succeeds if every stream was published and no error was met, and only then; a failure has a reason."""
    published = all(each.machine.at == DONE for each in of.streams) and not of.met
    if (of.machine.at == DONE) is not published:
        return f"the sync ended as {of.machine.at}"
    named = of.life.failure is not None or bool(of.life.failed_streams)
    return "the sync failed without a reason" if not published and not named else ""


def failure_is_the_streams(of: WholeSync) -> str:
    """If no stream starts, the sync's failure has the type of the first stream's."""
    begun = SyncOperation.START_STREAMS in of.asked and not of.met
    if not begun or of.started or not of.streams:
        return ""
    alike = type(of.life.failure) is type(of.streams[0].life.failure)
    return "" if alike else "the failure of the sync has another type than its first stream's"


def refused_streams_ask_nothing(of: WholeSync) -> str:
    """A stream that is refused before its start asks nothing of the destination, and one whose keys a table would not
    keep touches no table. Another fails for a reason.
    """
    for stream in of.streams:
        touched = [operation for operation in stream.asked if operation not in LOOK_ALONE]
        if stream.merges and touched:
            return f"keys of {stream.name} would be merged, and it asked for {touched[0]}"
        if stream.refused and stream.asked:
            return f"{stream.name} was refused before its start, and asked for {stream.asked[0]}"
        if _failed(stream) and not (stream.refused or stream.disturbed or stream.merges):
            return f"{stream.name} failed, although nothing had befallen it"
    return ""


def nothing_is_left(of: WholeSync) -> str:
    """The connections are closed once, at the end, and no stream still takes in records."""
    if of.asked.count(SyncOperation.TEAR_DOWN) != 1 or of.asked[-1] is not SyncOperation.TEAR_DOWN:
        return "the connections were not closed once, at the end"
    left = [each.name for each in of.streams if each.writing]
    return f"{left[0]} was left" if left and SyncOperation.ABORT_STREAMS not in of.met else ""


LAWS = (
    refused_streams_ask_nothing,
    input_is_read_for_those_that_started,
    success_means_published,
    failure_is_the_streams,
    nothing_is_left,
)


def explore(names: Sequence[str] = NAMES) -> Explored:
    """Every life of a sync of these streams. Each kind of violation is kept once, with its history."""
    trail: Sequence[int] | None = ()
    lives = steps = befallen = 0
    found: dict[str, Violation] = {}
    while trail is not None:
        course = Course(trail)
        sync = WholeSync(names, course)
        lives, steps = lives + 1, steps + len(course.history)
        befallen += sum(not each.endswith(WELL) for each in course.history)
        for complaint in filter(None, (law(sync) for law in LAWS)):
            found.setdefault(complaint, _violation(names, complaint, course))
        trail = course.following()
    return Explored(states=lives, steps=steps, crash_points=befallen, violations=tuple(found.values()))


def report(clock: Clock) -> Iterator[tuple[str, Explored]]:
    """Search syncs of no stream, one and two, and say what was found."""
    began, total = clock.monotonic(), Explored()
    for number in range(len(NAMES) + 1):
        total += explore(NAMES[:number])
    found = [f"syncs whose streams fail: {counts(total)}, {duration(clock.monotonic() - began)}"]
    yield "\n".join([*found, *map(str, total.violations)]), total


def _violation(names: Sequence[str], complaint: str, course: Course) -> Violation:
    scenario = f"a sync of {' and '.join(names) or 'no streams'}"
    return Violation(scenario=scenario, complaint=complaint, history=tuple(course.history))


def _failed(stream: Stream) -> bool:
    return stream.machine.at == FAILED


def _life(name: str) -> StreamLife:
    stream = DestinationStream(
        name=StreamName("shop", name), fields=(Field("id", INTEGER),), import_type=Dedupe(("id",), None)
    )
    tables = StreamTables(
        stream=stream.name,
        final=TableName("shop", name),
        temp=TableName("shop", f"{name}_temp"),
        columns=(Column("id", "id", INTEGER),),
    )
    return StreamLife(stream, tables, atomic=Atomic.EVERYTHING)
