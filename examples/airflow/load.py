"""A load by mapped tasks: one opens it, one for each shard writes it, one publishes it.

Airflow repeats a task that failed, and a shard is written once all the same. The plan is in a folder that all workers
share; the configuration and the files are where each of them finds them.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PLAN = "/shared/orders.json"
FILES = ["s3://shop/orders/*.parquet"]
INTO = ["--to", "postgres", "--config", "/etc/dataflow/config.json", "--stream", "orders", "--key", "id"]


def open_load(plan: str, files: list[str], into: list[str]) -> list[int]:
    """Open the load, or find it open; the numbers of its shards."""
    subprocess.run(["dataflow", "shards", "open", plan, *files, *into], check=True)
    return list(range(json.loads(Path(plan).read_text())["shards"]))


def write_shard(plan: str, number: int) -> None:
    """Write one shard, unless it is written."""
    subprocess.run(["dataflow", "shards", "run", plan, str(number)], check=True)


def publish(plan: str) -> None:
    """Bring the rows of all shards into the table, unless that was done."""
    subprocess.run(["dataflow", "shards", "publish", plan], check=True)


def load_orders() -> None:
    """The tasks, as Airflow's decorators make them of these functions."""
    from airflow.sdk import task

    opened = task(retries=3)(open_load)(PLAN, FILES, INTO)
    # `max_active_tis_per_dagrun` bounds the connections to the database.
    written = (
        task(retries=3, max_active_tis_per_dagrun=8)(write_shard).partial(plan=PLAN).expand(number=opened)
    )
    written >> task(retries=3, trigger_rule="none_failed")(publish)(PLAN)


def make_dag() -> object:
    """The DAG, in a folder that Airflow reads."""
    from airflow.sdk import dag

    return dag(start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None, catchup=False)(load_orders)()


if __name__.startswith("unusual_prefix_"):
    # So Airflow names the files that it reads.
    make_dag()
