"""The Postgres destination: what its options make of it, and what the server's errors mean. Runs no statement."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import psycopg
from attrs import evolve, frozen
from psycopg.sql import SQL, Identifier

from connectors.contract import Connector, Statement
from connectors.contract.journal import TABLE as JOURNAL
from connectors.contract.options import DeletionMode
from connectors.postgres.buffer import PostgresBuffer
from connectors.postgres.certificates import certificates
from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import NAMING, PostgresColumns
from connectors.postgres.config import (
    DEFAULT_INTERNAL_SCHEMA,
    PostgresConfig,
    connection_parameters,
)
from connectors.postgres.rehearsal import Foresight, RehearsedClient
from connectors.postgres.sessions import Access
from connectors.postgres.sql import PostgresSql
from connectors.sql.ledger import TABLES as LEDGER
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.names import physical_name
from dataflow.runtime import Runtime


class PostgresConnector:
    """The Postgres destination with its options. `run` names this process to other sessions of the server."""

    rows_together = None
    # The server works on one while we encode the other; with three of them nothing was faster on two cores.
    streams_at_once = 2

    def __init__(self, config: PostgresConfig, run: str, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._run = run
        self._closing = ExitStack()
        files = certificates(config, self._closing)
        self._access = Access(
            runtime=runtime,
            parameters=connection_parameters(config, run, files),
            detour=_detour(config, self._closing, runtime),
            lock_timeout=config.lock_timeout,
            statement_timeout=config.statement_timeout,
        )
        self.columns = PostgresColumns(unconstrained=config.unconstrained_number)
        self._sql = PostgresSql(
            columns=self.columns,
            deletes=config.cdc_deletion_mode is DeletionMode.HARD,
            drop_cascade=config.drop_cascade,
        )

    @property
    def default_namespace(self) -> str:
        return physical_name(self._config.schema, NAMING)

    @property
    def internal_namespace(self) -> str:
        return physical_name(self._config.internal_schema, NAMING)

    def client(self) -> PostgresClient:
        return PostgresClient(self._access, self._sql, self.internal_namespace)

    def insert_buffer(self, client: PostgresClient) -> PostgresBuffer:
        return PostgresBuffer(client, self._sql)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return RehearsedConnector(self._config, self._run, self.runtime, note)

    def explain(self, error: Exception) -> DataflowError:
        meant = explain(
            error,
            user=self._config.username,
            database=self._config.database,
            internal=self.internal_namespace,
        )
        if isinstance(meant, TransientError) and self._access.network.dark:
            return evolve(meant, remedy=DARK + AGAIN)
        return meant

    def close(self) -> None:
        self._closing.close()


class RehearsedConnector(PostgresConnector):
    """The same with clients that only read."""

    def __init__(
        self, config: PostgresConfig, run: str, runtime: Runtime, note: Callable[[Statement], None]
    ) -> None:
        super().__init__(config, run, runtime)
        self._foresight = Foresight(note)

    def client(self) -> PostgresClient:
        return RehearsedClient(self._access, self._sql, self.internal_namespace, self._foresight)


def _detour(config: PostgresConfig, closing: ExitStack, runtime: Runtime) -> Callable[[], Mapping[str, str]]:
    """The way through the tunnel, if there is one; it is closed in the end."""
    if config.tunnel is None:
        return dict
    from connectors.sql.ssh_tunnel import SshTunnel

    tunnel = SshTunnel(config.tunnel, config.host, config.port, runtime.threads)
    closing.callback(tunnel.close)

    def around() -> Mapping[str, str]:
        entrance = tunnel.entrance()
        return {"hostaddr": entrance.host, "port": str(entrance.port)}

    return around


# -- what an error means


@frozen
class Meaning:
    """What an SQLSTATE means for a sync. `quote`: its message, and `detail`: also its detail, hold only names."""

    error: type[DataflowError]
    says: str
    remedy: str = ""
    quote: bool = True
    detail: bool = False


AGAIN = "Try again."
DARK = "The server no longer acknowledges data: check the network to it. "
REPORT = "All acknowledged records are safe. Report this, with the log of this sync."
DEPENDENT = "Drop the dependent objects, or set drop_cascade to let the sync drop them, including your views."
CONSTRAINT = (
    "The source's rows violate it: drop it, or make it DEFERRABLE if it only needs to hold at the end of a "
    "transaction."
)

# By the whole SQLSTATE, else by its class (the first two characters). Other states are defects, and their messages
# may quote a row.
MEANINGS: Mapping[str, Meaning] = {
    "08": Meaning(TransientError, "The connection to the server failed", AGAIN),
    "23502": Meaning(
        ConfigError,
        "A user-defined primary key or NOT NULL refuses a row",
        "The source sends null in this column: drop the key or the NOT NULL, or let the source fill the column.",
    ),
    "23503": Meaning(ConfigError, "A user-defined foreign key refuses a row", CONSTRAINT),
    "23505": Meaning(ConfigError, "A user-defined unique index refuses a row", CONSTRAINT),
    "23514": Meaning(ConfigError, "A user-defined check refuses a row", CONSTRAINT),
    "23P01": Meaning(ConfigError, "A user-defined exclusion constraint refuses a row", CONSTRAINT),
    "40001": Meaning(TransientError, "Another transaction conflicted with this one", AGAIN),
    "40003": Meaning(TransientError, "The connection was lost while a transaction ended", AGAIN),
    "40P01": Meaning(TransientError, "The server broke a deadlock", AGAIN),
    "53": Meaning(TransientError, "The server is short of resources", AGAIN),
    "53100": Meaning(
        TransientError, "The server's disk is full", "Free space on it, then run the sync again."
    ),
    "53300": Meaning(TransientError, "The server accepts no more connections", AGAIN),
    "55000": Meaning(
        ConfigError,
        "The server does not allow this for an object in its present state",
        "If a publication includes the table, give it a primary key, or run: ALTER TABLE ... REPLICA IDENTITY FULL.",
    ),
    "55P03": Meaning(
        TransientError,
        "Another session held a lock on the table for too long",
        "Look for long transactions in pg_stat_activity, or raise the option lock_timeout. " + AGAIN,
    ),
    "57P01": Meaning(TransientError, "The server ended the connection", AGAIN),
    "57P02": Meaning(TransientError, "The server crashed", AGAIN),
    "57P03": Meaning(TransientError, "The server accepts no connections now", AGAIN),
    "57P05": Meaning(TransientError, "The server ended an idle session", AGAIN),
    "25P03": Meaning(TransientError, "The server ended a session that was idle in a transaction", AGAIN),
    "25P04": Meaning(TransientError, "The server ended a long transaction", AGAIN),
    "58030": Meaning(TransientError, "The server could not read or write its files", AGAIN),
    "42P01": Meaning(
        ConfigError,
        "A table of the sync was renamed or dropped during the sync",
        "Rename it back, or let the next sync create it again.",
    ),
    "42P06": Meaning(TransientError, "Another run created the schema at the same moment", AGAIN),
    "57014": Meaning(
        ConfigError,
        "The server cancelled a statement of the sync",
        "If this was not intended, raise the option statement_timeout, or set it to 0.",
    ),
    "57P04": Meaning(ConfigError, "The database was dropped", "Create it, or choose another."),
    "28": Meaning(ConfigError, "The server refused the login", "Check username, password and pg_hba.conf."),
    "3D000": Meaning(
        ConfigError, "The database does not exist", "Create it, or correct the option `database`."
    ),
    "3F000": Meaning(ConfigError, "A schema does not exist", "Create it, or allow the user to."),
    "42501": Meaning(ConfigError, "The user lacks a privilege"),
    "0A000": Meaning(ConfigError, "The server cannot do this", DEPENDENT, detail=True),
    "2BP01": Meaning(ConfigError, "Other objects depend on what must be dropped", DEPENDENT, detail=True),
    "42P07": Meaning(
        ConfigError,
        "The name of a table or index is used by another object",
        "Rename or drop that object, or give the connection a prefix.",
    ),
    "42939": Meaning(
        ConfigError,
        "The server reserves such names",
        "Rename the stream or its namespace in the connection.",
    ),
    "54": Meaning(
        ConfigError,
        "A limit of the server is exceeded",
        "Deselect columns of the stream, or choose a shorter primary key.",
    ),
    "22P05": Meaning(
        ConfigError,
        "The database's encoding cannot hold a character",
        "Use a database whose encoding is UTF8.",
        quote=False,
    ),
    # Its message is whatever the trigger's author wrote, a row's values too.
    "P0001": Meaning(
        ConfigError,
        "A user-defined trigger raised an error",
        "The server's log has its message. Change or drop the trigger, or correct in the source what it complains "
        "about.",
        quote=False,
    ),
    "25006": Meaning(
        ConfigError,
        "The session is read-only",
        "If the server is a standby, give the host of the primary server. Otherwise let the administrator switch "
        "default_transaction_read_only off for the user, the database or the server.",
    ),
}

# The same states where a function of somebody's met them: a trigger's, or one in a policy, a check or an index.
IN_A_FUNCTION: Mapping[str, Meaning] = dict.fromkeys(
    ("42P01", "42704", "42883"),
    Meaning(
        ConfigError,
        "A user-defined function uses an object without naming its schema",
        "Sessions of a sync have an empty search_path. Name the schema in the function, or run: ALTER FUNCTION ... "
        "SET search_path = public.",
    ),
)

# A failed connect has no SQLSTATE; the text says what a person must correct. Everything else may pass.
REFUSALS: Mapping[str, str] = {
    "password authentication failed|no password supplied|authentication method|role .* does not exist": (
        "Check username and password."
    ),
    r"no pg_hba\.conf entry|pg_hba\.conf rejects|not permitted to log in": (
        "Let the administrator allow this user to connect from here, or choose another ssl_mode."
    ),
    "database .* does not exist": "Create it, or correct the option `database`.",
    "permission denied for database": "Let the administrator GRANT CONNECT on the database to the user.",
    "server does not support SSL": "Choose another ssl_mode, or switch ssl off.",
    "certificate|private key|SSL error: (?!unexpected eof)|sslmode": "Check ssl_mode, its certificates and its key.",
    "Name or service not known|nodename nor servname|No address associated": "Correct the option `host`.",
    "unsupported startup parameter|invalid connection option|invalid .* value|unrecognized configuration|"
    "definition of service": "Correct the option jdbc_url_params.",
}
# The options lead to no server, or it no longer answers; it may be later.
REACH = "Check the options host and port, and that the server runs and can be reached from here. "
UNREACHED: Mapping[str, str] = {
    "connection to server (at|on) .* failed: |failed to resolve|timeout expired": REACH,
    "timed out": DARK,
}


def explain(
    error: Exception, *, user: str, database: str, internal: str = DEFAULT_INTERNAL_SCHEMA
) -> DataflowError:
    """What a driver's error means. Never holds a password, nor text that may quote a record."""
    if isinstance(error, DataflowError):
        return error
    if not isinstance(error, psycopg.Error):
        return InternalError(f"{type(error).__name__} in the Postgres destination.", remedy=REPORT)
    if error.sqlstate is None:
        return _without_state(error)
    state = error.sqlstate
    if _made_at_once(error):
        return TransientError(
            "Another run or attempt created the same object at the same moment.", remedy=AGAIN
        )
    # Our own statements have no context in which they could fail so.
    in_a_function = IN_A_FUNCTION.get(state) if error.diag.context else None
    meaning = in_a_function or MEANINGS.get(state) or MEANINGS.get(state[:2])
    if meaning is None:
        return InternalError(f"Postgres reported {_condition(error)}{_place(error.diag)}.", remedy=REPORT)
    message = error.diag.message_primary or ""
    remedy = _grant(message, user, database, internal) if state == "42501" else meaning.remedy
    # The client's, about the lock's holder.
    held = "".join(f" It was held by {note}." for note in getattr(error, "__notes__", ()))
    return meaning.error(f"{meaning.says}: {_quoted(error, meaning)}.{held}", remedy=remedy)


def _made_at_once(error: psycopg.Error) -> bool:
    """Whether somebody else has just committed what this transaction was to create."""
    if error.sqlstate == "23505":
        # The ledger's first entry for a table is not to be seen before its COMMIT: an attempt whose answer was lost.
        return error.diag.schema_name == "pg_catalog" or error.diag.table_name in LEDGER
    # A ledger that two runs bring to today's format: the second finds the first one's tables.
    message = error.diag.message_primary or ""
    return error.sqlstate in ("42P07", "42701") and any(f'"{name}"' in message for name in LEDGER)


def _without_state(error: psycopg.Error) -> DataflowError:
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return InternalError(f"{type(error).__name__} of the Postgres driver.", remedy=REPORT)
    text = _reported(error)
    for pattern, remedy in REFUSALS.items():
        if re.search(pattern, text):
            return ConfigError(f"Could not connect: {text}.", remedy=remedy)
    remedy = next((words for pattern, words in UNREACHED.items() if re.search(pattern, text)), "") + AGAIN
    return TransientError(f"The connection to the server failed: {text}.", remedy=remedy)


def _reported(error: psycopg.Error) -> str:
    """What libpq says of each address that it tried, without the questions and guesses that it adds, each indented."""
    lines = (line for line in str(error).splitlines() if line.strip() and not line.startswith("\t"))
    parts = (
        re.sub("^(- )?(connection failed|connection is bad|consuming input failed): ", "", line)
        for line in lines
    )
    return "; ".join(" ".join(line.split()).rstrip(".?:;") for line in parts)


def _condition(error: psycopg.Error) -> str:
    return f"{type(error).__name__} (SQLSTATE {error.sqlstate})"


def _quoted(error: psycopg.Error, meaning: Meaning) -> str:
    diag = error.diag
    parts = [diag.message_primary, diag.message_detail if meaning.detail else None] if meaning.quote else []
    return "; ".join(part.rstrip(".") for part in parts if part) or _condition(error)


def _place(diag: psycopg.errors.Diagnostic) -> str:
    names = [diag.schema_name, diag.table_name, diag.column_name or diag.constraint_name]
    found = ".".join(name for name in names if name)
    return f" at {found}" if found else ""


def _grant(message: str, user: str, database: str, internal: str) -> str:
    """The statement that gives the missing right; the server's messages name the object."""
    who = Identifier(user)
    denied = re.search(r"(?:permission denied for|must be owner of) (\w+) (.*)$", message)
    kind, name = (denied[1], denied[2].strip('"')) if denied else ("", "")
    match kind:
        case "schema":
            statement = SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(Identifier(name), who)
        case "database":
            statement = SQL("GRANT CREATE ON DATABASE {} TO {}").format(Identifier(database), who)
        case "table" if name in (*LEDGER, JOURNAL):
            statement = SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(
                Identifier(internal, name), who
            )
        case "table" | "relation" | "index":
            statement = SQL("ALTER TABLE {} OWNER TO {}").format(Identifier(name), who)
        case _:
            return f"Give the user {user} this privilege, then run the sync again."
    return f"Let the administrator run: {statement.as_string(None)};"
