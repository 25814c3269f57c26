"""Says where a PostgreSQL database is and how to get in. A plain value: it connects to nothing."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@frozen
class Address:
    """One database on one server."""

    host: str
    """A host's name, or the absolute path of the directory that holds the server's socket."""
    port: int
    user: str
    dbname: str
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(factory=dict)
    """Whatever else libpq should know, by its own keywords (sslmode, connect_timeout, ...)."""

    @property
    def dsn(self) -> str:
        """The same as a libpq connection string."""
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.user,
            dbname=self.dbname,
            password=self.password,
            **dict(self.options),
        )

    def database(self, name: str) -> "Address":
        """Another database on the same server."""
        return evolve(self, dbname=name)

    def destination_config(self, schema: str = "public") -> dict[str, Any]:
        """The configuration that leads a PostgreSQL destination here, without TLS."""
        config = {
            "host": self.host,
            "port": self.port,
            "database": self.dbname,
            "schema": schema,
            "username": self.user,
        }
        return config if self.password is None else {**config, "password": self.password}


def address_of(dsn: str) -> Address:
    """Read a libpq connection string or URL.

    Raises:
        psycopg.ProgrammingError: it is neither.
    """
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    user = parts.pop("user", "postgres")
    return Address(
        host=parts.pop("host", "localhost"),
        port=int(parts.pop("port", "5432")),
        user=user,
        dbname=parts.pop("dbname", user),
        password=parts.pop("password", None),
        options=parts,
    )
