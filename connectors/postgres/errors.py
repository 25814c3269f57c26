"""What an error means: a table by SQLSTATE, and one by what libpq says of a failed connect. Never quotes a row.

The server's own words are shown where they hold nothing but names.
"""

import re
from collections.abc import Mapping

import psycopg
from attrs import evolve

from connectors.contract.journal import TABLE as JOURNAL
from connectors.postgres.columns import POSTGRES
from connectors.sql.errors import TRY_AGAIN, Meaning, by_code, meant
from connectors.sql.ledger_rows import TABLES as LEDGER
from connectors.sql.server_options import DEFAULT_INTERNAL
from connectors.sql.text import Name, sql
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError

DARK = "The server no longer acknowledges data: check the network to it. "
REPORT = "All acknowledged records are safe. Report this, with the log of this sync."
DEPENDENT = "Drop the dependent objects, or set drop_cascade to let the sync drop them, including your views."
CONSTRAINT = (
    "The source's rows violate it: drop it, or make it DEFERRABLE if it only needs to hold at the end of a "
    "transaction."
)

# By the whole SQLSTATE, else by its class (the first two characters). The server's message is added to ours. Other
# states are defects, and their messages may quote a row.
ERRORS: Mapping[str, DataflowError] = {
    "08": TransientError("The connection to the server failed", remedy=TRY_AGAIN),
    "23502": ConfigError(
        "A user-defined primary key or NOT NULL refuses a row",
        remedy="The source sends null in this column: drop the key or the NOT NULL, or let the source fill the column.",
    ),
    "23503": ConfigError("A user-defined foreign key refuses a row", remedy=CONSTRAINT),
    "23505": ConfigError("A user-defined unique index refuses a row", remedy=CONSTRAINT),
    "23514": ConfigError("A user-defined check refuses a row", remedy=CONSTRAINT),
    "23P01": ConfigError("A user-defined exclusion constraint refuses a row", remedy=CONSTRAINT),
    "40001": TransientError("Another transaction conflicted with this one", remedy=TRY_AGAIN),
    "40003": TransientError("The connection was lost while a transaction ended", remedy=TRY_AGAIN),
    "40P01": TransientError("The server broke a deadlock", remedy=TRY_AGAIN),
    "53": TransientError("The server is short of resources", remedy=TRY_AGAIN),
    "53100": TransientError("The server's disk is full", remedy="Free space on it, then run the sync again."),
    "53300": TransientError("The server accepts no more connections", remedy=TRY_AGAIN),
    "55000": ConfigError(
        "The server does not allow this for an object in its present state",
        remedy="If a publication includes the table, give it a primary key, or run: "
        "ALTER TABLE ... REPLICA IDENTITY FULL.",
    ),
    "55P03": TransientError(
        "Another session held a lock on the table for too long",
        remedy="Look for long transactions in pg_stat_activity, or raise the option lock_timeout. "
        + TRY_AGAIN,
    ),
    "57P01": TransientError("The server ended the connection", remedy=TRY_AGAIN),
    "57P02": TransientError("The server crashed", remedy=TRY_AGAIN),
    "57P03": TransientError("The server accepts no connections now", remedy=TRY_AGAIN),
    "57P05": TransientError("The server ended an idle session", remedy=TRY_AGAIN),
    "25P03": TransientError("The server ended a session that was idle in a transaction", remedy=TRY_AGAIN),
    "25P04": TransientError("The server ended a long transaction", remedy=TRY_AGAIN),
    "58030": TransientError("The server could not read or write its files", remedy=TRY_AGAIN),
    "42P01": ConfigError(
        "A table of the sync was renamed or dropped during the sync",
        remedy="Rename it back, or let the next sync create it again.",
    ),
    "42P06": TransientError("Another run created the schema at the same moment", remedy=TRY_AGAIN),
    "57014": ConfigError(
        "The server cancelled a statement of the sync",
        remedy="If this was not intended, raise the option statement_timeout, or set it to 0.",
    ),
    "57P04": ConfigError("The database was dropped", remedy="Create it, or choose another."),
    "28": ConfigError("The server refused the login", remedy="Check username, password and pg_hba.conf."),
    "3D000": ConfigError(
        "The database does not exist", remedy="Create it, or correct the option `database`."
    ),
    "3F000": ConfigError("A schema does not exist", remedy="Create it, or allow the user to."),
    "42501": ConfigError("The user lacks a privilege", remedy="Run the GRANT that the message gives."),
    "0A000": ConfigError("The server cannot do this", remedy=DEPENDENT),
    "2BP01": ConfigError("Other objects depend on what must be dropped", remedy=DEPENDENT),
    "42P07": ConfigError(
        "The name of a table or index is used by another object",
        remedy="Rename or drop that object, or give the connection a prefix.",
    ),
    "42939": ConfigError(
        "The server reserves such names", remedy="Rename the stream or its namespace in the connection."
    ),
    "54": ConfigError(
        "A limit of the server is exceeded",
        remedy="Deselect columns of the stream, or choose a shorter primary key.",
    ),
    "22P05": ConfigError(
        "The database's encoding cannot hold a character", remedy="Use a database whose encoding is UTF8."
    ),
    # Its message is whatever the trigger's author wrote, a row's values too.
    "P0001": ConfigError(
        "A user-defined trigger raised an error",
        remedy=(
            "The server's log has its message. Change or drop the trigger, or correct in the source what it complains "
            "about."
        ),
    ),
    "25006": ConfigError(
        "The session is read-only",
        remedy=(
            "If the server is a standby, give the host of the primary server. Otherwise let the administrator switch "
            "default_transaction_read_only off for the user, the database or the server."
        ),
    ),
}
# Their messages may hold more than names.
UNQUOTED = ("22P05", "P0001")
# Their details hold nothing but names.
DETAILED = ("0A000", "2BP01")

# The same states where a function of somebody's met them: a trigger's, or one in a policy, a check or an index.
IN_A_FUNCTION: Mapping[str, DataflowError] = {
    **dict.fromkeys(
        ("42P01", "42704", "42883"),
        ConfigError(
            "A user-defined function uses an object without naming its schema",
            remedy="Sessions of a sync have an empty search_path. Name the schema in the function, or run: ALTER "
            "FUNCTION ... SET search_path = public.",
        ),
    ),
    "42703": ConfigError(
        "A user-defined function uses a column that is not there",
        remedy="Change the function, or drop the trigger that calls it.",
    ),
}

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
_LOST = TransientError("The connection to the server failed", remedy=TRY_AGAIN)
# The options lead to no server, or it no longer answers; it may be later.
REACH = "Check the options host and port, and that the server runs and can be reached from here. "
UNREACHED: Mapping[str, str] = {
    "connection to server (at|on) .* failed: |failed to resolve|timeout expired": REACH,
    "timed out": DARK,
}

_BY_STATE, _BY_STATE_IN_A_FUNCTION = by_code(ERRORS), by_code(IN_A_FUNCTION)
_BY_TEXT = (
    *(
        Meaning(said=pattern, means=ConfigError("Could not connect", remedy=remedy))
        for pattern, remedy in REFUSALS.items()
    ),
    *(
        Meaning(said=pattern, means=evolve(_LOST, remedy=remedy + TRY_AGAIN))
        for pattern, remedy in UNREACHED.items()
    ),
)


def explain(error: Exception, *, user: str, database: str, internal: str = DEFAULT_INTERNAL) -> DataflowError:
    """What a driver's error means. Never holds a password, nor text that may quote a record."""
    if isinstance(error, DataflowError):
        return error
    if not isinstance(error, psycopg.Error):
        return InternalError(f"{type(error).__name__} in the Postgres destination.", remedy=REPORT)
    if error.sqlstate is None:
        return _without_state(error)
    if _made_at_once(error):
        return TransientError(
            "Another run or attempt created the same object at the same moment.", remedy=TRY_AGAIN
        )
    found = _by_state(error, error.sqlstate)
    if found is None:
        return InternalError(f"Postgres reported {_condition(error)}{_place(error.diag)}.", remedy=REPORT)
    message = error.diag.message_primary or ""
    remedy = _grant(message, user, database, internal) if error.sqlstate == "42501" else found.remedy
    # The client's, about the lock's holder.
    held = "".join(f" It was held by {note}." for note in getattr(error, "__notes__", ()))
    return evolve(found, message=f"{found.message}: {_quoted(error)}.{held}", remedy=remedy)


def _by_state(error: psycopg.Error, state: str) -> DataflowError | None:
    # Our own statements have no context in which they could fail so.
    in_a_function = meant(error, state, _BY_STATE_IN_A_FUNCTION) if error.diag.context else None
    return in_a_function or meant(error, state, _BY_STATE) or meant(error, state[:2], _BY_STATE)


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
    found = meant(error, None, _BY_TEXT) or _LOST
    return evolve(found, message=f"{found.message}: {_reported(error)}.")


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


def _quoted(error: psycopg.Error) -> str:
    """The server's words that hold only names, or else the condition's name."""
    message = None if error.sqlstate in UNQUOTED else error.diag.message_primary
    detail = error.diag.message_detail if error.sqlstate in DETAILED else None
    return "; ".join(part.rstrip(".") for part in (message, detail) if part) or _condition(error)


def _place(diag: psycopg.errors.Diagnostic) -> str:
    names = [diag.schema_name, diag.table_name, diag.column_name or diag.constraint_name]
    found = ".".join(name for name in names if name)
    return f" at {found}" if found else ""


def _grant(message: str, user: str, database: str, internal: str) -> str:
    """The statement that gives the missing right; the server's messages name the object."""
    denied = re.search(r"(?:permission denied for|must be owner of) (\w+) (.*)$", message)
    kind, name = (denied[1], denied[2].strip('"')) if denied else ("", "")
    if not (name and user):
        return f"Give the user {user} this privilege, then run the sync again."
    who = Name(user)
    match kind:
        case "schema":
            statement = sql("GRANT USAGE, CREATE ON SCHEMA {} TO {}", Name(name), who)
        case "database":
            statement = sql("GRANT CREATE ON DATABASE {} TO {}", Name(database), who)
        case "table" if name in (*LEDGER, JOURNAL):
            statement = sql("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}", Name(internal, name), who)
        case "table" | "relation" | "index":
            statement = sql("ALTER TABLE {} OWNER TO {}", Name(name), who)
        case _:
            return f"Give the user {user} this privilege, then run the sync again."
    return f"Let the administrator run: {POSTGRES.render(statement)};"
