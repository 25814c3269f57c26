r"""`make bench`: our destinations and the limits in turn, on one machine in one run; medians and their ratios.

    make bench                                  all of it
    make bench ARGS="--only postgres-narrow --runs 5"
    make bench ARGS="--of mysql"                what is measured of one database
    make bench ARGS="--of load --rows 100000"   what is measured of `dataflow load`, with few rows

Seconds on a shared machine mean little; a ratio within one run means something. Speed is ours relative to the
limit's (1.0 is as fast); times relate a harder load to an easier one (1.0 is no dearer).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias

from tests.bench import bounds, flood
from tests.bench.arms import Arm, in_turn, seconds, speed, times
from tests.bench.duck import DuckDbBench
from tests.bench.load_benches import LOADS
from tests.bench.mysql import MysqlBench
from tests.bench.postgres import PostgresBench, server
from tests.bench.start import command, first_state
from tests.bench.workload import Workload, interleaved, workload
from tests.servers.errors import Unavailable
from tests.servers.mariadb import DURABLE, mariadb

MILLION, HUNDRED_THOUSAND = 1_000_000, 100_000


@contextmanager
def postgres(work: Workload) -> Iterator[PostgresBench]:
    """A server of its own for one workload."""
    with server() as running, folder() as here:
        yield PostgresBench(running, work, here)


@contextmanager
def duckdb(work: Workload) -> Iterator[DuckDbBench]:
    """A folder of its own for one workload."""
    with folder() as here:
        yield DuckDbBench(work, here)


@contextmanager
def mysql(work: Workload) -> Iterator[MysqlBench]:
    """A MariaDB server of its own for one workload."""
    with mariadb(*DURABLE) as socket, folder() as here:
        yield MysqlBench(socket, work, here)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that psql, run by anyone, can read."""
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def against_copy(schema: str, records: int, runs: int) -> list[str]:
    with postgres(workload(schema, "append", records)) as bench:
        bench.prepare_limit()
        arms = [
            Arm("ours", bench.ours),
            Arm("\\copy binary", lambda: bench.copy("binary")),
            Arm("\\copy csv", lambda: bench.copy("csv")),
        ]
        costs = in_turn(arms, runs)
    return [speed(costs, "\\copy binary"), speed(costs, "\\copy csv")]


def against_read_json(schema: str, records: int, runs: int) -> list[str]:
    with duckdb(workload(schema, "append", records)) as bench:
        costs = in_turn([Arm("ours", bench.ours), Arm("read_json", bench.read_json)], runs)
    return [speed(costs, "read_json")]


def against_load_data(schema: str, mode: str, records: int, runs: int) -> list[str]:
    """A row for each record is what LOAD DATA gets, also where ours keeps one for each key."""
    with mysql(workload(schema, mode, records)) as bench:
        bench.prepare_limit()
        costs = in_turn([Arm("ours", bench.ours), Arm("LOAD DATA", bench.load_data)], runs)
    return [speed(costs, "LOAD DATA")]


Target: TypeAlias = Callable[[Workload], AbstractContextManager[PostgresBench | MysqlBench]]


def larger_target(of: Target, runs: int) -> list[str]:
    work = workload("narrow", "dedup", HUNDRED_THOUSAND)
    with of(work) as small, of(work) as large:
        for bench, rows in ((small, HUNDRED_THOUSAND), (large, MILLION)):
            bench.ours()
            bench.grow(rows)
        costs = in_turn([Arm("into 100k", small.on_top), Arm("into 1M", large.on_top)], runs)
    return [times(costs, "into 100k", "into 1M")]


def dirty(runs: int) -> list[str]:
    clean, bad = (workload("narrow", "append", MILLION, *options) for options in ((), ("--dirty", "0.01")))
    with postgres(clean) as a, postgres(bad) as b:
        costs = in_turn([Arm("clean", a.ours), Arm("1 % dirty", b.ours)], runs)
    return [times(costs, "clean", "1 % dirty")]


def many_streams(runs: int) -> list[str]:
    one = workload("narrow", "append", MILLION)
    with postgres(one) as a, postgres(interleaved(one, 50)) as b:
        costs = in_turn([Arm("1 stream", a.ours), Arm("50 streams", b.ours)], runs)
    return [times(costs, "1 stream", "50 streams")]


def frequent_states(runs: int) -> list[str]:
    rare = workload("narrow", "append", MILLION)
    often = workload("narrow", "append", MILLION, "--state-every", "100")
    with postgres(rare) as a, postgres(often) as b:
        costs = in_turn([Arm("STATE per 10,000", a.ours), Arm("STATE per 100", b.ours)], runs)
    return [times(costs, "STATE per 10,000", "STATE per 100")]


def journal(runs: int) -> list[str]:
    with postgres(workload("narrow", "append", MILLION)) as bench:
        arms = [Arm("no journal", bench.unjournalled), Arm("journal", bench.journalled)]
        costs = in_turn(arms, runs)
    return [times(costs, "no journal", "journal")]


def memory(runs: int) -> list[str]:
    reported = []
    for schema, records in (("narrow", HUNDRED_THOUSAND), ("wide", 10_000)):
        small, large = (workload(schema, "append", n) for n in (records * 3, records * 30))
        for name, bench in (("postgres", postgres), ("duckdb", duckdb)):
            with bench(small) as a, bench(large) as b:
                costs = in_turn([Arm("1 x", a.ours), Arm("10 x", b.ours)], runs)
            most = {arm: max(cost.memory for cost in found) for arm, found in costs.items()}
            reported.append(
                f"{name} {schema}: {most['1 x']:.0f} MiB, with 10 times the input {most['10 x']:.0f} MiB"
            )
    return reported


def memory_of_mysql(runs: int) -> list[str]:
    small, large = (workload("narrow", "append", n) for n in (HUNDRED_THOUSAND, MILLION))
    with mysql(small) as a, mysql(large) as b:
        costs = in_turn([Arm("1 x", a.ours), Arm("10 x", b.ours)], runs)
    most = {arm: max(cost.memory for cost in found) for arm, found in costs.items()}
    return [f"{most['1 x']:.0f} MiB, with 10 times the input {most['10 x']:.0f} MiB"]


def start(runs: int) -> list[str]:
    """From nothing to an answer, in milliseconds: a start is paid once per sync."""
    with postgres(workload("narrow", "append", HUNDRED_THOUSAND)) as bench, folder() as here:
        arms = [
            Arm("python, and nothing", lambda: command("-c", "pass")),
            Arm(
                "dataflow --help",
                lambda: command("-c", "from connectors.engine.commands import main; main()", "--help"),
            ),
            Arm("destination-duckdb spec", lambda: command("-m", "connectors.duckdb", "spec")),
            Arm("destination-postgres spec", lambda: command("-m", "connectors.postgres", "spec")),
            Arm("first STATE, duckdb", lambda: first_state("duckdb", {"destination_path": ":memory:"}, here)),
            Arm("first STATE, postgres", lambda: first_state("postgres", bench.destination_config(), here)),
        ]
        costs = in_turn(arms, runs)
    return [f"{name}: {seconds(cost) * 1000:.0f} ms" for name, cost in costs.items()]


def bounded_memory(runs: int) -> list[str]:
    """Inputs that would fill the memory, were what waits not bounded. Once each: they take long."""
    reported = []
    with server() as running, folder() as here:
        config = running.address.destination_config()
        reported.append(
            bounds.reported(
                "14,000 STATEs of 200 kB behind a lock that is held for 25 s, postgres",
                [bounds.behind_a_lock(here, running.address.dsn, config, 14_000, 200_000)],
            )
        )
    with folder() as here:
        reported.append(
            bounds.reported(
                "6,000 STATEs of 200 kB of a failed stream, duckdb",
                [bounds.of_a_failed_stream(here, 6_000, 200_000)],
            )
        )
        for large in (0, 50_000_000):
            name = f"800 MB of small records after one of {large / 1e6:.0f} MB, duckdb"
            reported.append(
                bounds.reported(
                    name, [bounds.into_duckdb(here, flood.catalog(1), "after", large, 800_000_000)]
                )
            )
        reported.append(
            bounds.reported("1,000 columns replaced, duckdb", [bounds.replaced_columns(here, 1_000, 200)])
        )
    return reported


def linear_in_streams(runs: int) -> list[str]:
    """CPU with many streams relative to few."""
    reported = [
        f"a catalog of {streams:,} streams: {min(bounds.cpu_of_a_catalog(streams) for _ in range(runs)):.2f} s"
        for streams in (1_000, 2_000, 4_000)
    ]
    few, many = (median(bounds.seconds_of_input(n) for _ in range(runs)) for n in (100, 4_000))
    reported.append(f"a chunk and a STREAM STATE with 4,000 streams: {many / few:.2f} x that with 100")
    with folder() as here:
        cpu = {
            streams: min(
                bounds.into_duckdb(here, flood.catalog(streams), "streams", streams, 200, 2_000).cpu
                for _ in range(runs)
            )
            / streams
            for streams in (100, 500)
        }
    reported.append(f"500 streams into duckdb: {cpu[500] / cpu[100]:.2f} x the CPU a stream of 100")
    return reported


BENCHES: Mapping[str, Callable[[int], list[str]]] = {
    "postgres-narrow": lambda runs: against_copy("narrow", MILLION, runs),
    "postgres-wide": lambda runs: against_copy("wide", HUNDRED_THOUSAND, runs),
    "duckdb-narrow": lambda runs: against_read_json("narrow", MILLION, runs),
    "duckdb-wide": lambda runs: against_read_json("wide", HUNDRED_THOUSAND, runs),
    "mysql-narrow": lambda runs: against_load_data("narrow", "append", MILLION, runs),
    "mysql-narrow-dedup": lambda runs: against_load_data("narrow", "dedup", MILLION, runs),
    "mysql-wide": lambda runs: against_load_data("wide", "append", HUNDRED_THOUSAND, runs),
    "mysql-wide-dedup": lambda runs: against_load_data("wide", "dedup", HUNDRED_THOUSAND, runs),
    "mysql-larger-target": lambda runs: larger_target(mysql, runs),
    "mysql-memory": memory_of_mysql,
    "larger-target": lambda runs: larger_target(postgres, runs),
    "dirty": dirty,
    "many-streams": many_streams,
    "frequent-states": frequent_states,
    "journal": journal,
    "memory": memory,
    "start": start,
    "bounded-memory": bounded_memory,
    "linear-in-streams": linear_in_streams,
}


def main() -> None:
    """Run the benches asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", choices=[*BENCHES, *LOADS], action="append", help="one of them; may be repeated"
    )
    parser.add_argument("--of", help="those whose names begin so, such as mysql", default="")
    parser.add_argument("--runs", type=int, default=3, help="how often each arm runs (default: %(default)s)")
    parser.add_argument(
        "--rows", type=int, default=10 * MILLION, help="rows of each load of files (default: %(default)s)"
    )
    given = parser.parse_args()
    benches = dict(BENCHES) | {name: partial(bench, given.rows) for name, bench in LOADS.items()}
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, medians of {given.runs}")
    for name in given.only or [each for each in benches if each.startswith(given.of)]:
        print(f"\n{name}", flush=True)
        try:
            for line in benches[name](given.runs):
                print(f"  {line}", flush=True)
        except Unavailable as error:
            print(f"  left out: {error}", flush=True)


if __name__ == "__main__":
    main()
