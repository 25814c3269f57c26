"""What a server must be so that the destination can use it. Asks it nothing.

Raises ConfigError for a server that is too old, takes too little, loses the case of names, or shares no locks.
"""

from collections.abc import Mapping

from dataflow.errors import ConfigError

# The oldest versions that make all changes of a table atomic and know all that is used here.
OLDEST_MARIADB, OLDEST_MYSQL = (10, 6), (8, 0, 17)
# Bytes of the largest packet that the server has to take.
LEAST_PACKET = 1024 * 1024
# What shows that several members of a cluster may write. A server without such a part has no such variable.
CLUSTER = (
    "SHOW GLOBAL VARIABLES WHERE variable_name IN ('wsrep_on', 'wsrep_provider', 'group_replication_group_name', "
    "'group_replication_single_primary_mode')"
)


def is_mariadb(version: str) -> bool:
    """Whether a server that says this of its version is MariaDB."""
    return "mariadb" in version.lower()


def require_known(version: str) -> None:
    """ConfigError if a server that says this of its version is too old."""
    # MariaDB's begins with a version of MySQL's, for old clients.
    numbers = version.removeprefix("5.5.5-").split("-")[0].split(".")
    found = tuple(int("".join(filter(str.isdigit, each)) or 0) for each in numbers[:3])
    name, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb(version) else ("MySQL", OLDEST_MYSQL)
    if found < oldest:
        raise ConfigError(
            f"The server is {name} {'.'.join(map(str, found))}, and this destination needs "
            f"{'.'.join(map(str, oldest))} or newer.",
            remedy="Use a newer server.",
        )


def require_case(lower_case_table_names: int) -> None:
    """ConfigError unless the server keeps the case of names."""
    if lower_case_table_names != 0:
        raise ConfigError(
            "The server does not keep the case of tables' names: its lower_case_table_names is not 0.",
            remedy="Use a server that keeps it, since the ledger does.",
        )


def require_one_writer(variables: Mapping[str, str]) -> None:
    """ConfigError for a cluster with several writers: its named locks are of one member, and so is a row's lock."""
    galera = variables.get("wsrep_on") == "ON" and variables.get("wsrep_provider", "none") != "none"
    group = variables.get("group_replication_group_name", "") != ""
    if galera or (group and variables.get("group_replication_single_primary_mode") == "OFF"):
        kind = "Galera cluster" if galera else "group with several primaries"
        raise ConfigError(
            f"The server is a member of a {kind}, whose members do not share their locks.",
            remedy="Use a server with one primary: two syncs at two members could lose or double rows.",
        )


def require_packets(largest: int) -> None:
    """ConfigError if the largest packet that the server takes, in bytes, is too small."""
    if largest < LEAST_PACKET:
        raise ConfigError(
            f"The server takes no packet beyond {largest} bytes, and this destination needs {LEAST_PACKET}.",
            remedy="Raise max_allowed_packet on the server.",
        )
