"""A real source into a real database, twice: `python -m tests.demo --destination duckdb|mysql|postgres`.

It shows the commands, the tables, the STATE messages and the lifecycles' journal, and compares the tables with
what the source sent. It returns 1 if anything failed or differs, and never repairs or retries.
"""

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import duckdb
import psycopg
import pymysql

from tests.demo.show import Page
from tests.demo.sync import DemoFailed, Message, Shell, Sync, configured, last_states, make_source
from tests.demo.targets import TARGETS, Target
from tests.servers.errors import ServerFailed, Unavailable

DIAGRAMS = ("diagrams/stream.md", "diagrams/destination.md")
# A fixed seed and one worker: every run of the demonstration shows the same people.
SOURCE = {"seed": 42, "records_per_slice": 500, "parallelism": 1}


def main() -> int:
    """Run the demonstration; 0 when everything was as it should be."""
    options = _options()
    page = Page()
    folder = Path(tempfile.mkdtemp(prefix="dataflow-demo-"))
    try:
        with TARGETS[options.destination](folder) as target:
            _demonstrate(Shell(folder, page.command), target, page, options.count)
    except (DemoFailed, Unavailable, ServerFailed, duckdb.Error, psycopg.Error, pymysql.Error) as failure:
        page.failure(f"The demonstration failed: {failure}")
        return 1
    finally:
        if options.keep:
            page.line(f"everything is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo", description="A real source into a real database."
    )
    parser.add_argument("--destination", choices=TARGETS, default="duckdb")
    parser.add_argument(
        "--count", type=int, default=1000, help="how many users the source makes up (%(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with all files")
    return parser.parse_args()


def _demonstrate(shell: Shell, target: Target, page: Page, count: int) -> None:
    page.title("The source and the destination")
    make_source(page.line)
    shell.write("source.json", {"count": count, **SOURCE})
    shell.write("destination.json", target.config)
    _greet(shell, target, page)
    (found,) = (
        line
        for line in shell.ask("source-faker", "discover", "--config", "source.json")
        if line["type"] == "CATALOG"
    )
    streams = [stream["name"] for stream in found["catalog"]["streams"]]
    page.line(f"the source has the streams {', '.join(streams)}")

    syncs: list[Sync] = []
    for number, how in (
        (1, "The first sync"),
        (2, "The same again, incrementally, from the STATE of the first"),
    ):
        page.title(how)
        shell.write(f"catalog-{number}.json", configured(found["catalog"], sync_id=number))
        if syncs:
            shell.write(f"state-{number}.json", last_states(syncs[-1].states()))
        syncs.append(shell.sync(number, target.destination))
        compare(syncs, streams, target, page)

    page.title(f"The tables in {target.where}")
    for stream in streams:
        page.table(target.table(stream))
    for sync in syncs:
        page.title(f"The STATE messages emitted in sync {sync.number}")
        page.states(sync.states())
    for sync in syncs:
        page.title(f"The journal of sync {sync.number}: every transition of every lifecycle")
        page.journal(sync.journal())
    page.title("The diagrams of these lifecycles, drawn from the code")
    for diagram in DIAGRAMS:
        page.line(diagram)


def _greet(shell: Shell, target: Target, page: Page) -> None:
    shell.ask("source-faker", "spec")
    (spec,) = (line for line in shell.ask(target.destination, "spec") if line["type"] == "SPEC")
    page.line(f"it can be configured by {', '.join(spec['spec']['connectionSpecification']['properties'])}")
    answers = shell.ask(target.destination, "check", "--config", "destination.json")
    (status,) = (line["connectionStatus"] for line in answers if line["type"] == "CONNECTION_STATUS")
    if status["status"] != "SUCCEEDED":
        raise DemoFailed(f"{target.destination} check says {status['status']}: {status.get('message')}")
    page.line(f"check: {status['status']}")


def compare(syncs: list[Sync], streams: list[str], target: Target, page: Page) -> None:
    """Compare the tables with the source's own records, kept by `tee` on their way."""
    sync = syncs[-1]
    records = list(sync.records())
    page.line(f"{len(records):,} records and {len(sync.states())} STATE messages in {sync.seconds:.1f} s")
    expected = _ids([record for one in syncs for record in one.records()])
    emitted = {state["stream"]["stream_descriptor"]["name"] for state in sync.states()}
    for stream in streams:
        table = target.table(stream)
        if not (table.total == table.distinct_ids == len(expected[stream]) > 0):
            raise DemoFailed(
                f"after sync {sync.number} the table {stream} has {table.total} rows with {table.distinct_ids} "
                f"distinct ids, and the source has sent {len(expected[stream])} distinct ids"
            )
        if stream not in emitted:
            raise DemoFailed(f"sync {sync.number} emitted no STATE of the stream {stream}")
    page.line(
        f"every table has one row for each id that was sent: {', '.join(f'{s} {len(expected[s]):,}' for s in streams)}"
    )


def _ids(records: list[Message]) -> dict[str, set[int]]:
    ids: dict[str, set[int]] = defaultdict(set)
    for record in records:
        ids[record["stream"]].add(record["data"]["id"])
    return ids


if __name__ == "__main__":
    sys.exit(main())
