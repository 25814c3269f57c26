"""What a session that reads the final table sees while syncs publish: the old rows or the new ones, whole."""

import threading
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from connectors.testkit import Destination
from connectors.testkit.harness.cuts import Source
from connectors.testkit.harness.model import User
from connectors.testkit.harness.theatre import theatre
from connectors.testkit.suites.cuts import STORIES
from dataflow.catalog import Strategy

ROWS, PUBLICATIONS = 200, 20


def users(number: int) -> Source:
    return Source([User(key, f"{number:02}", number) for key in range(ROWS)])


@pytest.mark.parametrize("strategy", [Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE, Strategy.DEDUP])
def test_a_reader_never_sees_the_table_missing_half_or_mixed(
    destination: Destination, mysql_server: Path, strategy: Strategy
) -> None:
    seen: set[tuple[int, str, str]] = set()
    problems: list[str] = []
    over = threading.Event()

    def poll(table: str) -> None:
        with (
            closing(
                pymysql.connect(
                    unix_socket=str(mysql_server), user="root", autocommit=True, ssl_disabled=True
                )
            ) as session,
            session.cursor() as cursor,
        ):
            while not over.is_set():
                try:
                    cursor.execute(f"SELECT count(*), min(name), max(name) FROM {table}")
                    seen.update(cursor.fetchall())
                except pymysql.Error as error:
                    problems.append(str(error))

    with theatre(destination) as stages:
        stage = stages.act(STORIES[0]).stage
        stage.play(users(1), Strategy.DEDUP_TRUNCATE, 1)
        reader = threading.Thread(target=poll, args=[f"{stage.final.namespace}.{stage.final.name}"])
        reader.start()
        try:
            for number in range(2, PUBLICATIONS + 2):
                stage.play(users(number), strategy, number if strategy.truncates else 1)
        finally:
            over.set()
            reader.join()

    whole = {(ROWS, f"{number:02}", f"{number:02}") for number in range(1, PUBLICATIONS + 2)}
    assert problems == []
    assert seen <= whole
    assert len(seen) > PUBLICATIONS / 2
