"""`dataflow shards`: a load step by step, by processes that share a plan and the ledger alone."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import frozen

from tests.starting import installed
from tests.whole.command import Destination
from tests.whole.loading import ENVIRONMENT, MAIN, Ran, dataflow, load, to
from tests.whole.turns import in_turn

ROWS = [(number, f"user {number}") for number in range(300)]
SHARDS = ("--shard-bytes", "4KiB")


@frozen
class Open:
    """An open load of all rows, in some shards."""

    plan: str
    arguments: tuple[str, ...]

    def step(self, step: str, *arguments: str) -> Ran:
        return dataflow("shards", step, self.plan, *arguments)

    def missing(self) -> list[str]:
        return self.step("status", "--missing").out.split()

    def start(self, number: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*MAIN, "shards", "run", self.plan, number],
            env=installed() | ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def users(folder: Path, rows: Sequence[tuple[int, str]] = ROWS) -> Path:
    path = folder / "users.ndjson"
    path.write_text("".join(json.dumps({"id": number, "name": name}) + "\n" for number, name in rows))
    return path


def opened(destination: Destination, folder: Path, *arguments: str) -> Open:
    asked = (str(users(folder)), *to(destination), *SHARDS, *arguments)
    made = Open(str(folder / "plan.json"), asked)
    done = made.step("open", *asked)
    assert done.code == 0, done.err
    return made


@in_turn("mode", [("--mode", "append"), ("--key", "id"), ("--mode", "overwrite")])
def test_each_step_may_be_repeated_and_the_rows_are_there_once(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    load(destination, str(users(tmp_path, ROWS[:1])), *mode, "--name", "earlier")

    made = opened(destination, tmp_path, *mode)
    again = made.step("open", *made.arguments)
    shards = made.missing()
    early = made.step("publish")
    runs = [made.step("run", shard) for shard in (*shards, shards[-1])]
    published = [made.step("publish") for _ in range(2)]
    late = made.step("run", "0")

    assert again.code == 0
    assert len(shards) > 2
    assert (early.code, f"0 of the {len(shards)} shards" in early.err) == (1, True)
    assert [run.code for run in runs] == [0] * len(runs)
    assert "was written before" in runs[-1].out
    assert [each.code for each in published] == [0, 0]
    assert "was published before" in published[1].out
    assert (late.code, "was written before" in late.out) == (0, True)
    earlier = ROWS[:1] if "append" in mode else []
    assert destination.rows("users", ["id", "name"]) == sorted([*ROWS, *earlier], key=repr)
    assert destination.tables() == ["users"]


@in_turn("mode", [("--key", "id")])
def test_the_status_says_which_shards_are_missing_and_its_code_that_some_are(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    made = opened(destination, tmp_path, *mode)
    count = len(made.missing())
    made.step("run", "1")

    before = made.step("status")
    for shard in made.missing():
        made.step("run", shard)
    after = made.step("status")
    made.step("publish")
    published = made.step("status")

    assert before.code == 3
    assert f"1 of {count} shards are written" in before.out
    assert f"  0 is missing: {tmp_path / 'users.ndjson'}" in before.out
    assert (after.code, f"{count} of {count} shards are written: 300 rows." in after.out) == (0, True)
    assert (published.code, "The load is published" in published.out) == (0, True)


@in_turn("mode", [("--mode", "append"), ("--mode", "overwrite"), ("--key", "id")])
def test_a_load_that_is_dropped_leaves_nothing_and_its_workers_write_nothing_more(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    made = opened(destination, tmp_path, *mode)
    made.step("run", "0")

    dropped = [made.step("discard") for _ in range(2)]
    late = made.step("run", "1")
    publish = made.step("publish")

    assert [each.code for each in dropped] == [0, 0]
    assert "there is nothing to drop" in dropped[1].out
    assert (late.code, publish.code) == (1, 1)
    assert destination.tables() == []


@in_turn("mode", [("--mode", "append"), ("--key", "id")])
def test_another_load_is_refused_while_one_is_open_and_goes_on_once_it_is_dropped(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    made = opened(destination, tmp_path, *mode)
    file = str(tmp_path / "users.ndjson")

    refused = load(destination, file, *mode, "--name", "another")
    made.step("discard")
    done = load(destination, file, *mode, "--name", "another")

    assert refused.code == 1
    assert "A load is open on" in refused.err
    assert "dataflow shards discard" in refused.err
    assert (done.code, len(destination.rows("users", ["id"]))) == (0, 300)


@in_turn("mode", [("--mode", "append")])
def test_a_load_of_files_that_were_loaded_has_a_plan_without_shards(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    file = str(users(tmp_path))
    load(destination, file, *mode)
    made = Open(str(tmp_path / "plan.json"), ())

    steps = [made.step("open", file, *to(destination), *mode)]
    steps += [made.step("run", "0"), *map(made.step, ("status", "publish", "discard"))]

    assert [step.code for step in steps] == [0] * 5
    assert all("Nothing to load" in step.out for step in steps)
    assert json.loads(Path(made.plan).read_text())["shards"] == 0
    assert made.missing() == []


@in_turn("place", ["before:shard#1", "during:shard#1", "after:shard#1"])
def test_a_worker_that_was_killed_loses_nothing_and_its_shard_is_written_once(
    destination: Destination, tmp_path: Path, place: str
) -> None:
    made = opened(destination, tmp_path, "--mode", "append")

    killed = made.step("run", "1", "--fault", f"{place}=kill")
    there = "1" not in made.missing()
    for shard in made.missing():
        made.step("run", shard)
    published = made.step("publish")

    assert (killed.code, there) == (-9, place.startswith("after"))
    assert published.code == 0
    assert destination.rows("users", ["id", "name"]) == sorted(ROWS, key=repr)


@in_turn("place", ["during:open_temp", "after:open_temp", "before:merge", "during:merge", "after:merge"])
def test_a_step_of_the_coordinator_that_was_killed_is_taken_again(
    destination: Destination, tmp_path: Path, place: str
) -> None:
    made = Open(
        str(tmp_path / "plan.json"), (str(users(tmp_path)), *to(destination), *SHARDS, "--mode", "append")
    )
    fault = ("--fault", f"{place}=kill")

    first = made.step("open", *made.arguments, *(fault if "open" in place else ()))
    if first.code:
        made.step("open", *made.arguments)
    for shard in made.missing():
        made.step("run", shard)
    second = made.step("publish", *(fault if "merge" in place else ()))
    last = made.step("publish")

    assert -9 in (first.code, second.code)
    assert last.code == 0
    assert destination.rows("users", ["id", "name"]) == sorted(ROWS, key=repr)
    assert destination.tables() == ["users"]


@in_turn("part", ["during:merge#2", "during:merge#3", "during:merge#4"])
def test_a_load_is_called_published_only_once_its_rows_are_in_the_table(
    destination: Destination, tmp_path: Path, part: str
) -> None:
    made = opened(destination, tmp_path, "--mode", "append")
    for shard in made.missing():
        made.step("run", shard)
    killed = made.step("publish", "--fault", f"{part}=kill")

    status = made.step("status")
    there = destination.tables() == ["users"] and len(destination.rows("users", ["id"])) == len(ROWS)
    again = made.step("open", *made.arguments)

    # If one commit holds a publication, there is no such part to be killed in.
    assert killed.code in (0, -9)
    assert (status.code, "is being published" in status.out) in ((0, False), (3, True))
    assert there or status.code == 3
    assert (again.code, "Nothing to load" in again.out) == (0, True)
    assert destination.rows("users", ["id", "name"]) == sorted(ROWS, key=repr)
    assert destination.tables() == ["users"]


@in_turn("mode", [("--mode", "append")])
def test_a_file_that_changed_since_the_load_was_opened_is_refused_by_its_worker(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    made = opened(destination, tmp_path, *mode)
    users(tmp_path, ROWS[:7])

    done = made.step("run", "0")

    assert done.code == 1
    assert "changed since the load began" in done.err
    assert made.missing()[0] == "0"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        ("no JSON", "is no plan of a load"),
        ("[]", "is no plan of a load"),
        ('{"load": "x"}', "is no plan of a load"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str | None, complaint: str) -> None:
    plan = tmp_path / "plan.json"
    if text is not None:
        plan.write_text(text)

    done = dataflow("shards", "status", str(plan))

    assert done.code == 1
    assert complaint in done.err
