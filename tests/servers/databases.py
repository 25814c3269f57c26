"""Gives a test an empty database of its own and takes it back. It never touches a database it has not made."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers.address import Address


@contextmanager
def fresh_database(server: Address, template: str = "template0") -> Iterator[Address]:
    """An empty database, or a copy of another one; dropped in the end, even from under those who are still in it.

    A few milliseconds: template0 lets nobody in, so copying its files never has to wait. Sessions that are still in
    another template are ended.
    """
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [template]
        )
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                Identifier(name), Identifier(template)
            )
        )
    try:
        yield server.database(name)
    finally:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
