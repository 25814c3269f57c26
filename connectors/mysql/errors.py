"""What the server's errors mean. Its own text is never shown, since it may quote a value."""

from collections.abc import Mapping

import pymysql
from pymysql.constants import CR

from connectors.sql.errors import TRY_AGAIN, by_code, explained
from dataflow.errors import ConfigError, DataflowError, TransientError

_GRANT = (
    "Let an administrator grant the user SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP and INDEX on the "
    "databases of the streams, and on that of the ledger."
)
_LOST = TransientError("The connection to the server was lost.", remedy=TRY_AGAIN)
_LOCKED = TransientError(
    "Another session kept a lock on a table or a row for too long.",
    remedy="Try again. If this stays, end the open transaction that SHOW FULL PROCESSLIST shows for the table.",
)
_READ_ONLY = ConfigError(
    "The server only reads.",
    remedy="Connect to the primary server, or let an administrator set read_only to OFF.",
)
_TOO_WIDE = ConfigError(
    "The stream has more or wider columns than InnoDB allows a table.",
    remedy="Deselect columns of the stream.",
)
_CREDENTIALS = ConfigError("The server rejects the username or the password.", remedy="Check both.")
_DENIED = ConfigError("The user lacks a privilege.", remedy=_GRANT)
_GONE = ConfigError(
    "A table of the sync was renamed or dropped during the sync.",
    remedy="Rename it back, or let the next sync create it again.",
)
_REFUSES_ROW = ConfigError(
    "A user-defined index, constraint or trigger on the table rejects a row.",
    remedy="Drop it, or correct the rows in the source, then run the sync again.",
)
_TOO_LARGE = ConfigError(
    "A value is larger than the server takes.",
    remedy="Raise max_allowed_packet on the server, or set local_infile to ON.",
)
_FULL = ConfigError(
    "The server's disk is full.",
    remedy="Free space, then run the sync again. All acknowledged records are safe.",
)

ERRORS: Mapping[int, DataflowError] = {
    1044: _DENIED,
    1142: _DENIED,
    1143: _DENIED,
    1227: _DENIED,
    1370: _DENIED,
    1410: _DENIED,
    1045: _CREDENTIALS,
    1698: _CREDENTIALS,
    1049: ConfigError("There is no such database.", remedy="Check the option database, or create it."),
    1146: _GONE,
    1051: _GONE,
    1054: ConfigError(
        "A column of the sync was renamed or dropped during the sync.", remedy="Run the sync again."
    ),
    1040: TransientError("The server has too many connections.", remedy=TRY_AGAIN),
    1203: TransientError("The user has too many connections.", remedy=TRY_AGAIN),
    1053: _LOST,
    1077: _LOST,
    1079: _LOST,
    1152: _LOST,
    1158: _LOST,
    1159: _LOST,
    1160: _LOST,
    1161: _LOST,
    1317: TransientError("An administrator ended the statement.", remedy=TRY_AGAIN),
    1927: _LOST,
    4031: _LOST,
    CR.CR_CONNECTION_ERROR: TransientError(
        "The server cannot be reached.", remedy=f"Check that it runs. {TRY_AGAIN}"
    ),
    CR.CR_CONN_HOST_ERROR: TransientError(
        "The server cannot be reached.", remedy=f"Check host, port and firewalls. {TRY_AGAIN}"
    ),
    CR.CR_SERVER_GONE_ERROR: _LOST,
    CR.CR_SERVER_LOST: _LOST,
    CR.CR_SSL_CONNECTION_ERROR: ConfigError(
        "The connection could not be encrypted.", remedy="Check ssl, ssl_mode and its certificates."
    ),
    1205: _LOCKED,
    1213: TransientError("Another transaction was in the way of this one.", remedy=TRY_AGAIN),
    3058: TransientError("Another transaction was in the way of this one.", remedy=TRY_AGAIN),
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1665: ConfigError(
        "The server's binary log has the format STATEMENT, which holds no rows of this isolation level.",
        remedy="Set binlog_format to ROW or MIXED.",
    ),
    1021: _FULL,
    1114: _FULL,
    1030: TransientError("The storage engine failed.", remedy=f"{TRY_AGAIN} See the server's log."),
    1117: _TOO_WIDE,
    1118: _TOO_WIDE,
    1113: _TOO_WIDE,
    1069: ConfigError("The table has too many indexes.", remedy="Drop one of them."),
    1070: ConfigError("The primary key has more columns than an index takes.", remedy="Use fewer."),
    1071: ConfigError("The primary key is longer than an index takes.", remedy="Use fewer columns."),
    1153: _TOO_LARGE,
    1062: _REFUSES_ROW,
    1216: _REFUSES_ROW,
    1217: _REFUSES_ROW,
    1451: _REFUSES_ROW,
    1452: _REFUSES_ROW,
    3730: _REFUSES_ROW,
    3819: _REFUSES_ROW,
    4025: _REFUSES_ROW,
    1644: _REFUSES_ROW,
    1286: ConfigError("The server has no InnoDB.", remedy="Enable InnoDB on the server."),
}
_MEANINGS = by_code(ERRORS)


def explain(error: Exception) -> DataflowError:
    """The error as one of the project's three, without content; one that is already ours as it is."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if isinstance(error, pymysql.err.InterfaceError) or (isinstance(error, OSError) and code is None):
        return _LOST
    return explained(
        error,
        code,
        _MEANINGS,
        f"The server failed with an unforeseen {type(error).__name__} {code or ''}".strip() + ".",
    )
