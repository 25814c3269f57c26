"""The statements by which a run becomes the owner of tables, and finds the sessions in its way. Every value is a
parameter.

A run has one advisory lock, on a number that the server makes of its name, for as long as its session lives. The ledger
names the owner of each table. `namespace` and `name` are a table's, `owner` is a run's name.
"""

from connectors.postgres.quoting import table_name
from connectors.postgres.sessions import OURS
from connectors.sql.text import Name, Param, Part, Sql, Value, sql
from dataflow.types import TableName


def _number(run: Part) -> Sql:
    """The number of a run's lock: 64 bits. The "C" makes it the same whatever the collation of a column."""
    return sql("pg_catalog.hashtextextended({}::text COLLATE {}, 0)", run, Name("C"))


_HERE = sql(
    "pg_locks.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
)

_IS_LOCKED = sql(
    "locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = {} AND {}",
    _number(sql("entry.owner")),
    _HERE,
)

_HOLDER = sql(
    "SELECT pg_stat_activity.pid, application_name, backend_start, "
    "extract(epoch FROM pg_catalog.clock_timestamp() - state_change)::float8 "
    "FROM pg_catalog.pg_stat_activity JOIN pg_catalog.pg_locks USING (pid)"
)


def enter() -> Sql:
    """Lock the run's number until the session ends; its sessions share it. `wait` bounds further waits for locks."""
    return sql(
        "SELECT pg_catalog.set_config('lock_timeout', {}, false), pg_catalog.pg_advisory_lock_shared({})",
        Param("wait"),
        _number(Param("owner")),
    )


def own(ledger: TableName) -> Sql:
    """Become the owner of a table, unless a run that has its lock is. The entry's epoch says that it was done.

    One statement is a whole transaction: no process can stop in the middle of it and leave an entry that nobody sees.
    An entry without epoch was not claimed yet.
    """
    return sql(
        "INSERT INTO {ledger} AS entry (final_namespace, final_name, epoch, owner, last_flush) "
        "VALUES ({namespace}, {name}, 0, {owner}, 0) "
        "ON CONFLICT (final_namespace, final_name) DO UPDATE SET owner = excluded.owner "
        "WHERE entry.owner = excluded.owner "
        "OR NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE {is_locked}) RETURNING entry.epoch",
        ledger=table_name(ledger),
        namespace=Param("namespace"),
        name=Param("name"),
        owner=Param("owner"),
        is_locked=_IS_LOCKED,
    )


def forget(ledger: TableName) -> Sql:
    """Delete the entries that a run made and never claimed."""
    return sql("DELETE FROM {} WHERE owner = {} AND epoch = 0", table_name(ledger), Param("owner"))


def owner_session(ledger: TableName) -> Sql:
    """The session that has the lock of a table's owner: process, name, since when, silent for how many seconds."""
    return sql(
        "{} CROSS JOIN {} AS entry WHERE final_namespace = {} AND final_name = {} AND {}",
        _HOLDER,
        table_name(ledger),
        Param("namespace"),
        Param("name"),
        _IS_LOCKED,
    )


def entry_holders(ledger: TableName) -> Sql:
    """The sessions that have locked, changed or share the ledger's entry of a table, likewise.

    A row's xmax is the transaction that locked or changed it last; while that runs, it holds the lock on its own
    number. The xmax of several that share a row is the number of no transaction: they are the sessions of the owner's
    run that have locked rows of the ledger. Those of the run that asks are left out: it may share other entries.
    """
    return sql(
        "{holder} JOIN {ledger} AS entry ON entry.xmax = pg_locks.transactionid AND mode = 'ExclusiveLock' "
        "OR locktype = 'relation' AND mode = 'RowShareLock' AND pg_locks.relation = entry.tableoid "
        "AND {here} AND application_name = ({ours} || entry.owner)::name::text "
        "AND application_name <> pg_catalog.current_setting('application_name') "
        "WHERE granted AND final_namespace = {namespace} AND final_name = {name} ORDER BY locktype = 'relation'",
        holder=_HOLDER,
        ledger=table_name(ledger),
        here=_HERE,
        ours=Value(OURS),
        namespace=Param("namespace"),
        name=Param("name"),
    )


def blockers() -> Sql:
    """The sessions that keep those called `name` waiting for a lock: the process that waits, and the session
    likewise.
    """
    return sql(
        "SELECT waiting.pid, holder.pid, holder.application_name, holder.backend_start, "
        "extract(epoch FROM pg_catalog.clock_timestamp() - holder.state_change)::float8 "
        "FROM pg_catalog.pg_stat_activity AS waiting "
        "CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(waiting.pid)) AS blocking (pid) "
        "JOIN pg_catalog.pg_stat_activity AS holder ON holder.pid = blocking.pid "
        "WHERE waiting.application_name = {}::name::text AND waiting.wait_event_type = 'Lock'",
        Param("name"),
    )
