"""What the engine asks of the system it runs on: the time, randomness, and threads. Each has one home here.

A `Runtime` is handed in, from the entry of the process down to each place that uses a part of it. No other module asks
the system for the time, for a random number or for a thread, and none waits by itself, but for the exceptions below. So
an implementation of the three protocols decides when each thread runs, and what it sees.

The exceptions. Lint knows each by a comment at its place:

* `connectors.engine.process.signals` waits for a signal with `sigwait`, on a thread of its own.
* `connectors.sql.file_locks` waits with `flock` for another process that reads or writes the same lock files.
* `connectors.sql.ssh_tunnel` waits for the network in asyncssh, on a thread that was handed in.
  `connectors.sql.ssh_keys` uses the same library, to read keys.
* `connectors.sql.pem_files` has `tempfile` draw the name of a folder.
* `connectors.engine.dry_run.plan` has `tempfile` draw the name of a temporary file.
* A database names its own exceptions in the docstring of its package.

Lint cannot see two more waits: a driver (psycopg, duckdb, sqlite3) waits for its database within a call, and a write to
stdout or to a file waits for its reader or its disk. A simulation puts its own database and its own output in their
place.
"""

from attrs import frozen

from dataflow.runtime.clock import Clock, SystemClock
from dataflow.runtime.randomness import Randomness, SystemRandomness
from dataflow.runtime.requests import UNWATCHED, Requests
from dataflow.runtime.threads import SystemThreads, Threads


@frozen(kw_only=True)
class Runtime:
    """The system's three parts, as one value; and who listens to the requests that clients send."""

    clock: Clock
    randomness: Randomness
    threads: Threads
    requests: Requests = UNWATCHED


# The real one. Only the entries of a process and the tests take it from here.
SYSTEM = Runtime(clock=SystemClock(), randomness=SystemRandomness(), threads=SystemThreads())
