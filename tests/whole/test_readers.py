"""What someone who reads the final table sees while a truncate sync replaces it: the old table, or the new one."""

import threading
from pathlib import Path

import psycopg
import pytest

from tests.connectors.postgres.place import postgres_destination
from tests.servers.address import Address
from tests.whole.messages import catalog, complete, record, state, stream

COLUMNS = {"id": "integer", "version": "integer"}
ROWS = 500


def generation(number: int, mode: str) -> dict[str, object]:
    return catalog(stream("users", COLUMNS, mode=mode, primary_key=["id"], generation=number, minimum=number))


def rows(version: int) -> list[bytes]:
    lines = [record("users", {"id": key, "version": version}) for key in range(ROWS)]
    return [*lines, state("users", version), complete("users")]


@pytest.mark.parametrize("mode", ["append", "append_dedup"])
def test_a_reader_never_sees_the_table_missing_empty_or_mixed(
    postgres_database: Address, tmp_path: Path, mode: str
) -> None:
    destination = postgres_destination(tmp_path, postgres_database)
    assert destination.write(generation(1, mode), rows(1)).code == 0
    seen: set[tuple[int, int, int]] = set()
    problems: list[str] = []
    over = threading.Event()

    def poll() -> None:
        with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
            while not over.is_set():
                try:
                    seen.update(
                        connection.execute(
                            "SELECT count(*), min(version), max(version) FROM users"
                        ).fetchall()
                    )
                except psycopg.Error as error:
                    problems.append(str(error))

    reader = threading.Thread(target=poll)
    reader.start()
    codes = [destination.write(generation(n, mode), rows(n)).code for n in (2, 3, 4)]
    over.set()
    reader.join()

    assert codes == [0, 0, 0]
    assert problems == []
    assert seen <= {(ROWS, n, n) for n in (1, 2, 3, 4)}
    assert {(ROWS, 1, 1), (ROWS, 4, 4)} <= seen
