r"""What `make bench` measures of `dataflow load`: beside a database's own means, beside peers, and stage by stage.

Each takes how many rows there are, and how often each arm runs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from connectors.engine.process.economy import FRUGAL
from tests.bench.arms import Arm, in_turn, seconds, speed
from tests.bench.columns import Files, files
from tests.bench.loads import DuckDbLoads, PostgresLoads, takes_workers
from tests.bench.postgres import server
from tests.bench.process import Cost
from tests.bench.stages import COPY
from tests.environments import PEERS, CannotMake
from tests.servers.errors import Unavailable
from tests.starting import installed

MILLION = 1_000_000
COPY_BINARY = "\\copy binary"
NO_WORKERS = "2 workers: left out, because this version of `dataflow load` has no --workers"
# Bytes of WAL for each narrow row (pg_stat_wal), and what a fast disk takes a second.
WAL_BYTES, WAL_BYTES_A_SECOND = 138, 1e9
CORES = (8, 64)


@contextmanager
def postgres(made: Files) -> Iterator[PostgresLoads]:
    """A server of its own."""
    with server() as running, _folder() as here:
        yield PostgresLoads(running, made, here)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def into_postgres(rows: int, runs: int) -> list[str]:
    """A Parquet file with one writer, and with two; and an NDJSON file."""
    with postgres(files(rows)) as bench:
        bench.prepare_limit()
        arms = [
            Arm("ours", bench.parquet),
            Arm(COPY_BINARY, bench.copy),
            Arm("ours, ndjson", bench.ndjson),
        ]
        if takes_workers():
            arms.append(Arm("ours, 2 workers", lambda: bench.parquet("--workers", "2")))
        costs = in_turn(arms, runs)
    limit = seconds(costs[COPY_BINARY])
    reported = []
    for name, found in costs.items():
        if name != COPY_BINARY:
            reported.append(
                f"{name}: {limit / seconds(found):.2f} of the speed of {COPY_BINARY}, "
                f"{_cpu_a_million(found, rows):.2f} s of CPU for a million rows"
            )
    return reported if takes_workers() else [*reported, NO_WORKERS]


def into_duckdb(rows: int, runs: int) -> list[str]:
    """Parquet and NDJSON, beside what DuckDB makes of them; what a load of one row takes is left out."""
    made = files(rows)
    with _folder() as here:
        bench = DuckDbLoads(made, here)
        costs = in_turn(
            [
                Arm("start", bench.start),
                Arm("ours, parquet", bench.parquet),
                Arm("CREATE TABLE AS, parquet", lambda: bench.create_as(made.parquet)),
                Arm("ours, ndjson", bench.ndjson),
                Arm("CREATE TABLE AS, ndjson", lambda: bench.create_as(made.ndjson)),
            ],
            runs,
        )
    start = seconds(costs["start"])
    reported = [f"start, left out below: {start:.2f} s"]
    for name in ("parquet", "ndjson"):
        ours, theirs = costs[f"ours, {name}"], costs[f"CREATE TABLE AS, {name}"]
        ratio = seconds(theirs) / (seconds(ours) - start)
        reported.append(f"{name}: {ratio:.2f} of the speed of CREATE TABLE AS")
    return reported


def memory(rows: int, runs: int) -> list[str]:
    """The most that one process held, of a tenth of the rows and of all."""
    reported = []
    small, large = files(rows // 10), files(rows)
    with server() as running, _folder() as here:
        for name, loads in (
            ("postgres", lambda made: PostgresLoads(running, made, here)),
            ("duckdb", lambda made: DuckDbLoads(made, here)),
        ):
            a, b = loads(small), loads(large)
            for form in ("parquet", "ndjson"):
                costs = in_turn([Arm("1 x", getattr(a, form)), Arm("10 x", getattr(b, form))], runs)
                most = {arm: max(cost.largest for cost in found) for arm, found in costs.items()}
                reported.append(
                    f"{form} into {name}: {most['1 x']:.0f} MiB, with 10 times the input {most['10 x']:.0f} MiB"
                )
    return reported


def stages(rows: int, runs: int) -> list[str]:
    """CPU for a million rows, stage by stage, and what follows from it for more processors."""
    made, reported = files(min(rows, MILLION)), []
    with postgres(made) as bench:
        for path in (made.parquet, made.ndjson):
            found = [_stages(path, bench.dsn) for _ in range(runs)]
            spent = {stage: median(each[stage] for each in found) for stage in found[0]}
            reported.append(f"{path.suffix.removeprefix('.')}, seconds of CPU for a million rows:")
            reported += [f"  {stage:22} {cpu:.3f}" for stage, cpu in spent.items()]
            reported += [_computed(spent, cores) for cores in CORES]
    return [*reported, f"load average {os.getloadavg()[0]:.1f}"]


def _stages(path: Path, dsn: str) -> Mapping[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.stages", str(path), dsn],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=installed() | FRUGAL,
    )
    found = json.loads(done.stdout)
    return {stage: cpu / found["rows"] * MILLION for stage, cpu in found["seconds"].items()}


def _computed(spent: Mapping[str, float], cores: int) -> str:
    """Rows a second if nothing but processors and WAL held them up; as many workers as there are processors."""
    by_processors = cores / sum(spent.values())
    by_wal = WAL_BYTES_A_SECOND / WAL_BYTES / MILLION
    bound = "processors" if by_processors < by_wal else "WAL of 1 GB/s"
    one = 1 / spent[COPY] if spent[COPY] else float("inf")
    return (
        f"  computed, not measured: {min(by_processors, by_wal):.1f} million rows a second on {cores} cores shared "
        f"with the server, bound by {bound}; {one:.2f} with one connection"
    )


def peers(rows: int, runs: int) -> list[str]:
    """Dlt with the same Parquet file, as Arrow batches."""
    try:
        PEERS.make(lambda text: print(f"    {text}", flush=True))
    except CannotMake as error:
        raise Unavailable(f"the peers cannot be installed: {error}") from error
    with postgres(files(rows)) as bench:
        costs = in_turn([Arm("ours", bench.parquet), Arm("dlt", bench.peer)], runs)
    return [
        f"{os.cpu_count()} cores shared with the server; input: one Parquet file, for dlt Arrow batches of 50,000 rows",
        f"settings: ours --mode overwrite; {_version('dlt')} write_disposition replace, loader_file_format csv (COPY)",
        speed(costs, "dlt"),
        *(
            f"{name}: {_cpu_a_million(cost, rows):.2f} s of CPU for a million rows"
            for name, cost in costs.items()
        ),
    ]


def _version(package: str) -> str:
    asked = f"from importlib.metadata import version; print('{package}', version('{package}'))"
    done = subprocess.run(
        [str(PEERS.programs / "python"), "-c", asked], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _cpu_a_million(costs: Sequence[Cost], rows: int) -> float:
    return median(cost.cpu for cost in costs) / rows * MILLION


LOADS: Mapping[str, Callable[[int, int], list[str]]] = {
    "load-postgres": into_postgres,
    "load-duckdb": into_duckdb,
    "load-memory": memory,
    "load-stages": stages,
    "load-peers": peers,
}
