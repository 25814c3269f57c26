"""What the server's errors mean. Its own text may quote a value, so nothing of it is shown but the names in a GRANT."""

import re
from collections.abc import Mapping

import pymysql
from attrs import evolve

from connectors.mysql.columns import DENIED, LOCKED, MYSQL, NO_SUCH_DATABASE, NO_SUCH_TABLE
from connectors.sql.errors import TRY_AGAIN, Meaning, explained
from connectors.sql.text import Name, Value, sql
from dataflow.errors import ConfigError, DataflowError, TransientError

# On MySQL, TRIGGER shows the triggers that a refresh would drop.
_DENIED = ConfigError(
    "The user lacks a privilege.",
    remedy="Let an administrator grant the user SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX and TRIGGER "
    "on the databases of the streams, and on that of the ledger.",
)
_TOO_WIDE = ConfigError(
    "The stream has more or wider columns than InnoDB allows a table.",
    remedy="Deselect columns of the stream.",
)
TOO_MANY_INDEXES = ConfigError(
    "The table has as many indexes as the server allows, and merges need one on the primary key.",
    remedy="Drop one of them.",
)
_UNENCRYPTED = ConfigError(
    "The connection could not be encrypted.", remedy="Check ssl, ssl_mode and its certificates."
)
_LOST = TransientError("The connection to the server was lost.", remedy=TRY_AGAIN)

# By the servers' numbers; from 2000 to 2999 they are the driver's.
ERRORS: Mapping[tuple[int, ...], DataflowError] = {
    DENIED: _DENIED,
    (1045, 1698): ConfigError("The server rejects the username or the password.", remedy="Check both."),
    (NO_SUCH_DATABASE,): ConfigError(
        "There is no such database.", remedy="Check the option database, or create it."
    ),
    (1051, NO_SUCH_TABLE): ConfigError(
        "A table of the sync was renamed or dropped during the sync.",
        remedy="Rename it back, or let the next sync create it again.",
    ),
    (1040,): TransientError("The server has too many connections.", remedy=TRY_AGAIN),
    (1203,): TransientError("The user has too many connections.", remedy=TRY_AGAIN),
    (1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 4031): _LOST,
    (1317,): TransientError(
        "The statement was ended by an administrator, or by another run that waited for this one.",
        remedy=TRY_AGAIN,
    ),
    (1969, 3024): ConfigError(
        "The server ended a statement that took too long.",
        remedy="Let an administrator lift max_statement_time (MariaDB) or max_execution_time (MySQL) for the user.",
    ),
    (2002,): TransientError("The server cannot be reached.", remedy=f"Check that it runs. {TRY_AGAIN}"),
    (2003,): TransientError(
        "The server cannot be reached.", remedy=f"Check host, port and firewalls. {TRY_AGAIN}"
    ),
    (2026,): _UNENCRYPTED,
    (LOCKED,): TransientError(
        "Another session kept a lock on a table or a row for too long.",
        remedy="End the session's transaction, or let an administrator KILL the session, or raise the option "
        "lock_timeout. Try again. If no session is named, SHOW FULL PROCESSLIST shows them to an administrator.",
    ),
    (1213, 3058): TransientError("Another transaction was in the way of this one.", remedy=TRY_AGAIN),
    (1290, 1792, 1836): ConfigError(
        "The server only reads.",
        remedy="Connect to the primary server, or let an administrator set read_only and super_read_only to OFF.",
    ),
    (1665,): ConfigError(
        "The server's binary log has the format STATEMENT, which holds no rows of this isolation level.",
        remedy="Set binlog_format to ROW or MIXED.",
    ),
    (1021, 1114): ConfigError(
        "The server's disk is full.",
        remedy="Free space, then run the sync again. All acknowledged records are safe.",
    ),
    (1030,): TransientError("The storage engine failed.", remedy=f"{TRY_AGAIN} See the server's log."),
    (1113, 1117, 1118): _TOO_WIDE,
    (1069,): TOO_MANY_INDEXES,
    (1070,): ConfigError("The primary key has more columns than an index takes.", remedy="Use fewer."),
    (1071,): ConfigError("The primary key is longer than an index takes.", remedy="Use fewer columns."),
    (1153,): ConfigError(
        "A value is larger than the server takes.",
        remedy="Raise max_allowed_packet on the server, or set local_infile to ON.",
    ),
    (1301,): ConfigError(
        "A value is larger than what the server's functions give, and its column changes its type.",
        remedy="Raise max_allowed_packet on the server.",
    ),
    (1048, 1263, 1364): ConfigError(
        "A user-defined column of the table takes no null, and has no default.",
        remedy="Give the column a default, or let it be null.",
    ),
    (1062, 1216, 1217, 1451, 1452, 1644, 3730, 3819, 4025): ConfigError(
        "A user-defined index, constraint or trigger on the table rejects a row.",
        remedy="Drop it, or correct the rows in the source, then run the sync again.",
    ),
    (1286,): ConfigError("The server has no InnoDB.", remedy="Enable InnoDB on the server."),
}
# The table's own primary key is `_airbyte_raw_id`.
PRIMARY_TAKEN = Meaning(
    codes=(1062,),
    said=r"[.']PRIMARY'\W*$",
    means=ConfigError(
        "A row repeats a value of the table's primary key.",
        remedy="If the table has a primary key that a person made, let it be _airbyte_raw_id. Else report this, with "
        "the log of this sync.",
    ),
)
_MEANINGS = (
    PRIMARY_TAKEN,
    # The driver's number for whatever keeps it from connecting, such as a certificate that is not trusted.
    Meaning(codes=(2003,), said=r"\[SSL: (?!UNEXPECTED_EOF)", means=_UNENCRYPTED),
    *(Meaning(codes=numbers, means=error) for numbers, error in ERRORS.items()),
    # MariaDB has one number for all that keeps it from creating a table.
    Meaning(codes=(1005,), said="Too many columns", means=_TOO_WIDE),
)
# The database in the servers' words about a privilege. MySQL names none with a table.
_REFUSED = re.compile("to database '(.*)'|for table `(.*)`[.]`.*`")


def explain(error: Exception) -> DataflowError:
    """The error as one of the project's three, without content; one that is already ours as it is."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if isinstance(error, pymysql.err.InterfaceError) or (isinstance(error, OSError) and code is None):
        return _LOST
    unforeseen = f"The server failed with an unforeseen {type(error).__name__} {code or ''}".strip() + "."
    meant = explained(error, code, _MEANINGS, unforeseen)
    # What the client found out about the error.
    noted = getattr(error, "__notes__", ())
    if code == LOCKED and noted:
        return evolve(meant, message=f"{meant.message} It waited for {' and '.join(noted)}.")
    if meant is _DENIED and noted:
        account, *databases = noted
        said = _REFUSED.search(str(error.args[-1]))
        if named := [*filter(None, said.groups() if said else ()), *databases]:
            return evolve(meant, remedy=_grant(account, named[0]))
    return meant


def _grant(account: str, database: str) -> str:
    """The statement that gives an account, which the server spells `user@host`, all that a database of ours needs."""
    statement = sql(
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, TRIGGER ON {}.* TO {}@{}",
        Name(database),
        *map(Value, account.rsplit("@", maxsplit=1)),
    )
    return f"Let the administrator run: {MYSQL.render(statement)};"
