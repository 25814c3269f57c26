"""One thread at a time, and a seed that chooses which: at every lock, wait and queue another thread may go on.

Time passes when every thread waits for it, and a little in between, as on a busy machine. Each thread here is one of
the system's that waits for its turn, so the code it runs is unchanged. A `Process` has threads of its own, and can be
killed at any handover: its threads then end at their next one.
"""

import _thread
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from attrs import define, field

NEVER = float("inf")
# 2026-01-01, UTC.
BEGINNING = 1_767_225_600.0
# A history with more handovers is taken for one without an end.
MOST_HANDOVERS = 400_000


class Killed(BaseException):
    """The process of this thread was killed. Nothing of ours catches it for long: each wait raises it again."""


class StuckError(Exception):
    """No thread can go on, or none comes to an end."""


@define(eq=False)
class Turn:
    """A thread, of a process or, without one, of the world around all of them."""

    name: str
    process: "Process | None"
    given: "_thread.LockType" = field(factory=_thread.allocate_lock, repr=False)
    # When it was made to wait last: what else would wake it from an earlier wait means nothing any more.
    waits: int = 0
    waiting: bool = False
    woken: bool = False
    alive: bool = True
    # What happens on the server, which a kill of the process does not interrupt.
    spared: bool = False
    ended: "list[Turn]" = field(factory=list, repr=False)


class Process:
    """Threads that live and die together. Some of its handovers are `moments` at which something happens to it."""

    def __init__(self, scheduler: "Scheduler", name: str) -> None:
        self.scheduler = scheduler
        self.name = name
        # Killed, or over: its threads end at their next handover.
        self.dead = False
        self.handovers = 0
        # In the order in which they were started.
        self.turns: dict[Turn, None] = {}
        self._moments: list[tuple[float, Callable[[], None]]] = [(NEVER, lambda: None)]
        self.next_moment = NEVER

    @property
    def over(self) -> bool:
        """Whether it is dead and all of its threads have ended, but for what the server does in their place."""
        return self.dead and all(turn.spared for turn in self.turns)

    def at(self, handover: int | None, happens: Callable[[], None]) -> None:
        """Let something happen at one of its handovers, or never for None."""
        if handover is not None:
            self._moments.append((handover, happens))
            self._moments.sort(key=lambda each: each[0])
            self.next_moment = self._moments[0][0]

    def reach(self) -> None:
        """A handover has come at which something happens."""
        _, happens = self._moments.pop(0)
        self.next_moment = self._moments[0][0]
        happens()

    def kill(self, *, at_once: bool = False) -> None:
        """Let its threads end where they are; `at_once`: those too in whose place the server does something."""
        self.dead = True
        for turn in self.turns:
            turn.spared = turn.spared and not at_once
            if turn.waiting and not turn.spared:
                self.scheduler.wake(turn)
        self.scheduler.wake(self.scheduler.world)


class Scheduler:
    """Whose turn it is. `restless` is the chance of a change at a handover, `slips` the chance that time passes."""

    def __init__(self, seed: int, *, restless: float = 0.2, slips: float = 0.0) -> None:
        self.random = Random(seed)
        self.time = 0.0
        self.handovers = 0
        self.switches = Counter[tuple[str, str]]()
        self.stuck = ""
        self._restless = restless
        self._slips = slips
        self.now = Turn("world", None)
        self.now.given.acquire()
        self.world = self.now
        self._able: list[Turn] = []
        # The moments until which threads wait at most, each with the wait that it belongs to.
        self._moments: list[tuple[float, int, int, Turn]] = []
        self._numbered = 0

    def start(self, work: Callable[[], None], name: str, process: Process | None) -> Turn:
        """Do the work on a thread of its own, from some turn on."""
        turn = Turn(name, process)
        if process is not None:
            process.turns[turn] = None

        def run() -> None:
            try:
                if process is None or not process.dead:
                    work()
            except Killed:
                pass
            finally:
                self._end(turn)

        worker = _WORKERS.pop() if _WORKERS else _Worker()
        worker.do(turn, run)
        self._able.append(turn)
        return turn

    def handover(self) -> None:
        """Another thread may go on here."""
        now = self.now
        self._check(now)
        chance = self.random.random()
        if self._able and chance < self._restless:
            self._change(now)
        elif chance > 1 - self._slips:
            self._slip()
        if now.process is not None and now.process.dead and not now.spared:
            raise Killed

    def wait(self, until: float = NEVER) -> bool:
        """Go on when somebody wakes this thread, or at that moment; whether somebody did."""
        now = self.now
        self._check(now)
        now.waiting, now.woken = True, False
        now.waits += 1
        if until < NEVER:
            self._numbered += 1
            heappush(self._moments, (until, self._numbered, now.waits, now))
        if not self._able:
            self._pass_time()
        chosen = self._taken()
        if chosen is not now:
            self._give(now, chosen)
        now.waiting = False
        if now.process is not None and now.process.dead and not now.spared:
            raise Killed
        if self.stuck and now is self.world:
            raise StuckError(self.stuck)
        return now.woken

    def wake(self, turn: Turn) -> None:
        """Let a thread that waits go on, in some turn."""
        if turn.waiting:
            turn.waiting, turn.woken = False, True
            self._able.append(turn)

    def join(self, turn: Turn, until: float = NEVER) -> None:
        """Wait until a thread has ended."""
        self.handover()
        while turn.alive and self.time < until:
            turn.ended.append(self.now)
            self.wait(until)

    def reap(self) -> None:
        """Let all threads but the world's come to their ends: their processes are dead."""
        self.stuck = ""
        while self._able:
            self._able.append(self.now)
            self._give(self.now, self._able.pop(0))

    # -- the choice

    def _check(self, now: Turn) -> None:
        process = now.process
        if process is None:
            return
        if process.dead and not now.spared:
            raise Killed
        self.handovers += 1
        process.handovers += 1
        while process.handovers >= process.next_moment:
            process.reach()
        if process.dead and not now.spared:
            raise Killed
        if self.handovers > MOST_HANDOVERS and not self.stuck:
            self._give_up(f"{MOST_HANDOVERS} handovers, and no end")
        if self.stuck and self._able:
            self._change(now)

    def _change(self, now: Turn) -> None:
        chosen = self._taken()
        self._able.append(now)
        self._give(now, chosen)

    def _taken(self) -> Turn:
        """One of those that can go on, at random."""
        able = self._able
        at = int(self.random.random() * len(able))
        if self.stuck and self.world in able:
            at = able.index(self.world)
        able[at], able[-1] = able[-1], able[at]
        return able.pop()

    def _give(self, now: Turn, chosen: Turn) -> None:
        self.switches[now.name, chosen.name] += 1
        self.now = chosen
        chosen.given.release()
        now.given.acquire()

    def _end(self, turn: Turn) -> None:
        """The thread's work is over: the turn goes to another, for good."""
        turn.alive = False
        if turn.process is not None:
            del turn.process.turns[turn]
        for other in turn.ended:
            self.wake(other)
        if turn.process is not None and (turn.process.over or not turn.process.turns):
            self.wake(self.world)
        if not self._able:
            self._pass_time()
        self.now = self._taken()
        self.now.given.release()

    # -- time

    def _pass_time(self) -> None:
        """Nobody can go on: the time passes until somebody has waited long enough."""
        while self._moments and not self._able:
            self.time = max(self.time, self._moments[0][0])
            self._ring()
        if not self._able:
            self._give_up("all threads wait for each other")

    def _slip(self) -> None:
        """Some time passes although threads could go on."""
        self.time += self.random.expovariate(10.0)
        self._ring()

    def _ring(self) -> None:
        while self._moments and self._moments[0][0] <= self.time:
            _, _, wait, turn = heappop(self._moments)
            if turn.waiting and turn.waits == wait:
                turn.waiting = False
                self._able.append(turn)

    def _give_up(self, why: str) -> None:
        """Let the world end it, whatever waits."""
        self.stuck = why
        if self.world.waiting:
            self.world.waiting = False
            self._able.append(self.world)


class _Worker:
    """A thread of the system's that is used again."""

    def __init__(self) -> None:
        self._turn: Turn
        self._work: Callable[[], None]
        self._called = _thread.allocate_lock()
        self._called.acquire()
        _thread.start_new_thread(self._run, ())

    def do(self, turn: Turn, work: Callable[[], None]) -> None:
        turn.given.acquire()
        self._turn, self._work = turn, work
        self._called.release()

    def _run(self) -> None:
        while True:
            self._called.acquire()
            turn, work = self._turn, self._work
            turn.given.acquire()
            work()
            _WORKERS.append(self)


_WORKERS: list[_Worker] = []
