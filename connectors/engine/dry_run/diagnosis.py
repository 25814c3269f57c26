"""What the doctor finds: values. Looks at nothing and words nothing."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from connectors.contract import Writer
from connectors.engine.dry_run.suspicion import Suspicion
from dataflow.types import TableName
from machines.operations import StreamOperation
from machines.stream import StreamLife


class Kind(StrEnum):
    """What can be left."""

    WAITING = "rows wait in a temp table"
    BEGUN = "a publication was begun and not ended"
    UNNAMED = "a temp table that the ledger no longer names"
    EMPTY = "an empty temp table"
    UNKNOWN = "a temp table that this ledger does not know"
    MISSING = "a temp table that the ledger knows is missing"
    DEAD_RUN = "the session of a dead run"
    LOAD = "a load is open"


@frozen(kw_only=True)
class Finding:
    """One thing that a crash left, and what the next sync does about it.

    `stream` is the catalog's, None without a catalog or if the catalog has none for it; `left` says the latter. `since`
    is the time of the last row that was received. `acknowledged`: a STATE that may have been emitted covers rows of it.
    `state` is where the machine goes from there, by `guard`, and `failure` why it cannot. `fix` is the step that may be
    taken now, None if only the next sync, or a person, may fix it. `begun` is the publication, in words. An open load
    has `shards`, of which `written` are there.
    """

    kind: Kind
    table: TableName
    temp: TableName | None = None
    stream: str | None = None
    left: bool = False
    run: str = ""
    since: str = ""
    rows: int | None = None
    acknowledged: bool = False
    recipe: str = ""
    begun: str = ""
    state: str = ""
    guard: str = ""
    why: str = ""
    does: str = ""
    failure: str = ""
    fix: StreamOperation | None = None
    shards: int | None = None
    written: int | None = None
    life: StreamLife = field(repr=False, eq=False)


@frozen(kw_only=True)
class Diagnosis:
    """What was found; and by final table which live runs are at work, of which nothing is left yet.

    `suspicions` are about what earlier versions did, and not about a crash. `known` is the number of tables in the
    ledger.
    """

    findings: tuple[Finding, ...]
    at_work: Mapping[TableName, Writer]
    suspicions: tuple[Suspicion, ...] = ()
    known: int

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to repair."""
        return not self.findings and not self.suspicions
