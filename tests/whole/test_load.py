"""`dataflow load` into every destination: files become rows, once, whatever kills it on the way."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataflow.files.inference import SAMPLE_BYTES
from tests.whole.command import Destination
from tests.whole.loading import load
from tests.whole.turns import in_turn


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """A file of each format: five users, of whom one comes twice."""
    parquet.write_table(
        pa.table({"id": [1, 2], "name": ["Ada", "Alan"], "score": [0.5, 2.0]}), tmp_path / "a.parquet"
    )
    (tmp_path / "b.csv").write_text("id,name\n3,Grace\n4,\n")
    (tmp_path / "c.ndjson").write_text('{"id": 5, "name": "Edsger"}\n{"id": 1, "name": "Countess"}\n')
    return tuple(str(tmp_path / name) for name in ("a.parquet", "b.csv", "c.ndjson"))


ALL = [(1, "Ada"), (1, "Countess"), (2, "Alan"), (3, "Grace"), (4, None), (5, "Edsger")]
ALL_OF_A = [(1, "Ada"), (2, "Alan")]
LATEST = [(1, "Countess"), *ALL[2:]]


def test_files_of_each_format_become_one_table_and_the_report_counts_their_rows(
    destination: Destination, files: tuple[str, ...]
) -> None:
    done = load(destination, *files, "--stream", "users", "--mode", "overwrite")

    assert (done.code, done.err) == (0, "")
    assert destination.rows("users", ["id", "name"]) == ALL
    assert "Loaded 6 rows of 3 files." in done.out
    assert destination.tables() == ["users"]


def test_a_load_by_key_leaves_the_last_row_of_each_key_and_may_run_again(
    destination: Destination, files: tuple[str, ...]
) -> None:
    loads = [load(destination, *files, "--stream", "users", "--key", "id") for _ in range(2)]

    assert [each.code for each in loads] == [0, 0]
    assert "3 files were loaded before.\nNothing to load.\n" in loads[1].out
    assert destination.rows("users", ["id", "name"]) == LATEST


@in_turn("place", ["during:shard#1", "after:shard#1", "before:swap", "during:swap", "after:swap"])
def test_an_overwrite_that_was_killed_leaves_the_old_table_or_the_new_and_runs_again(
    destination: Destination, files: tuple[str, ...], place: str
) -> None:
    assert load(destination, files[1], "--stream", "users", "--mode", "overwrite").code == 0
    asked = (*files, "--stream", "users", "--mode", "overwrite")

    killed = load(destination, *asked, "--fault", f"{place}=kill")
    between = destination.rows("users", ["id", "name"])
    again = load(destination, *asked)

    assert (killed.code, again.code) == (-9, 0)
    assert between == (ALL if place == "after:swap" else [(3, "Grace"), (4, None)])
    assert destination.rows("users", ["id", "name"]) == ALL
    assert destination.tables() == ["users"]


@in_turn("place", ["after:shard#1", "during:merge", "after:merge", "before:merge", "after:open_temp"])
def test_a_load_by_key_that_was_killed_runs_again_and_nothing_is_lost_or_comes_twice(
    destination: Destination, files: tuple[str, ...], place: str
) -> None:
    asked = (*files, "--stream", "users", "--key", "id")

    killed = load(destination, *asked, "--fault", f"{place}=kill")
    again = load(destination, *asked)

    assert (killed.code, again.code) == (-9, 0)
    assert destination.rows("users", ["id", "name"]) == LATEST
    assert destination.tables() == ["users"]


@in_turn("mode", [("--mode", "overwrite"), ("--key", "id")])
def test_a_file_that_turns_out_to_be_damaged_publishes_nothing(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str], tmp_path: Path
) -> None:
    load(destination, files[1], "--stream", "users", *mode)
    (tmp_path / "d.csv").write_text("id,name\n" + "7,x\n" * 700_000 + '8,"')

    done = load(destination, files[0], str(tmp_path / "d.csv"), "--stream", "users", *mode)

    assert done.code == 1
    assert "ends within a quoted value" in done.err
    assert "Wrote 0 of 1 shard: 0 rows." in done.out
    assert "next sync" not in done.out + done.err
    assert destination.rows("users", ["id", "name"]) == [(3, "Grace"), (4, None)]


@in_turn("case", ["drops column score", "changes column id"])
def test_a_merge_of_which_the_table_would_lose_values_is_refused_before_anything_changes(
    destination: Destination, files: tuple[str, ...], tmp_path: Path, case: str
) -> None:
    load(destination, files[0], "--stream", "users", "--key", "id")
    (tmp_path / "d.csv").write_text("id,name\n9,x\n" if "score" in case else "id,name,score\nnine,x,1.5\n")
    before = destination.rows("users", ["id", "name", "score"])

    done = load(destination, str(tmp_path / "d.csv"), "--stream", "users", "--key", "id")

    assert done.code == 1
    assert f"The table's rows would lose values: the load {case}" in done.err
    assert destination.rows("users", ["id", "name", "score"]) == before


@in_turn("mode", [("--key", "id")])
def test_the_schema_is_shown_written_and_taken_again(
    destination: Destination, files: tuple[str, ...], tmp_path: Path, mode: tuple[str, str]
) -> None:
    schema = tmp_path / "schema.json"
    first = load(destination, files[1], *mode, "--stream", "users", "--schema-out", str(schema))
    widened = json.loads(schema.read_text())
    widened["properties"]["score"] = {"type": "number"}
    schema.write_text(json.dumps(widened))

    taken = ("--schema", str(schema), "--again", files[1])
    done = load(destination, files[1], *mode, "--stream", "users", *taken)

    assert "users: 1 file, 2 fields\n  id    integer\n  name  string\n" in first.out
    assert (done.code, done.err) == (
        0,
        "WARN Stream users: values or columns were changed. " + done.err.partition("changed. ")[2],
    )
    assert [row[0] for row in destination.rows("users", ["id", "score"])] == [3, 4]


@in_turn("mode", [("--mode", "overwrite")])
def test_records_of_the_protocol_are_loaded_and_what_is_left_out_is_reported(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    records = [
        {"type": "RECORD", "record": {"stream": stream, "emitted_at": 1, "data": {"id": number, "name": "x"}}}
        for number, stream in enumerate(("users", "orders", "users"))
    ]
    (tmp_path / "it").write_text("".join(f"{json.dumps(each)}\n" for each in [*records, {"type": "STATE"}]))

    done = load(destination, str(tmp_path / "it"), "--format", "airbyte", "--stream", "users", *mode)

    assert (done.code, done.err) == (0, "")
    assert destination.rows("users", ["id", "name"]) == [(0, "x"), (2, "x")]
    assert "Left out: 1 record of another stream, 1 STATE message." in done.out


@in_turn("mode", [("--key", "id")])
def test_fields_that_first_occur_beyond_what_the_schema_was_made_of_are_named_with_the_remedy(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    (tmp_path / "users.ndjson").write_text(
        f'{{"id":1,"name":"{"x" * SAMPLE_BYTES}"}}\n' * 3 + '{"id":2,"late":3}\n'
    )

    done = load(destination, str(tmp_path / "users.ndjson"), *mode)

    assert done.code == 0
    assert "1 field of the records is not in the schema: late." in done.out
    assert "load again with --schema" in done.err
    assert [row[0] for row in destination.rows("users", ["id"])] == [1, 2]


@in_turn("mode", [("--key", "id"), ("--mode", "overwrite")])
def test_a_dry_run_shows_the_plan_and_changes_nothing(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str]
) -> None:
    done = load(destination, *files, "--stream", "users", *mode, "--dry-run")

    assert done.code == 0
    assert "Nothing was changed by this plan." in done.out
    assert destination.tables() == []


@in_turn("mode", [("--key", "id")])
def test_the_journal_of_a_load_is_kept_as_that_of_a_sync(
    destination: Destination, files: tuple[str, ...], tmp_path: Path, mode: tuple[str, str]
) -> None:
    journal = tmp_path / "journal.jsonl"

    load(destination, *files, "--stream", "users", *mode, "--journal", str(journal))

    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [entry["to"] for entry in entries if entry.get("stream") == "users"][-1] == "done"
    assert entries[-1]["to"] == "done"


@in_turn(
    "case",
    [
        ((), "A load needs to know what becomes of the rows that the table has."),
        (("--key", "nobody"), "There is no field 'nobody', which is to be the key."),
        (("--key", "id", "--cursor", "nobody"), "which is to be the cursor."),
        (
            ("--mode", "overwrite", "--key", "id"),
            "A load in the mode overwrite keeps every row, so it has no key",
        ),
        (("--mode", "append_dedup"), "A load in the mode append_dedup needs a key."),
    ],
)
def test_an_order_that_contradicts_itself_or_the_files_is_refused_with_its_remedy(
    destination: Destination, files: tuple[str, ...], case: tuple[tuple[str, ...], str]
) -> None:
    arguments, complaint = case

    done = load(destination, files[1], "--stream", "users", *arguments)

    assert done.code == 1
    assert complaint in done.err
    assert "Traceback" not in done.err


def test_several_files_need_a_name(destination: Destination, files: tuple[str, ...]) -> None:
    done = load(destination, *files, "--key", "id")

    assert done.code == 1
    assert "The table of several files needs a name." in done.err


@in_turn("again", [True, False])
def test_files_are_appended_once_and_new_ones_alone_by_the_same_command(
    destination: Destination, files: tuple[str, ...], again: bool
) -> None:
    asked = ("--stream", "users", "--mode", "append", *(("--again", files[0]) if again else ()))
    load(destination, *files[:2], *asked)

    done = load(destination, *files, *asked)

    left_out = "1 file was" if again else "2 files were"
    assert done.code == 0
    assert (
        f"{left_out} loaded before.\nLoaded {4 if again else 2} rows of {2 if again else 1} file" in done.out
    )
    assert destination.rows("users", ["id", "name"]) == sorted([*ALL, *(ALL_OF_A if again else ())], key=repr)


@in_turn("mode", [("--key", "id"), ("--mode", "append")])
def test_a_file_that_changed_since_it_was_loaded_is_refused_unless_it_is_asked_again(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str]
) -> None:
    load(destination, *files[1:], "--stream", "users", *mode)
    Path(files[1]).write_text("id,name\n3,Hopper\n")

    refused = load(destination, *files, "--stream", "users", *mode)
    between = destination.rows("users", ["id"])
    done = load(destination, *files, "--stream", "users", *mode, "--again", files[1])

    assert (refused.code, done.code) == (1, 0)
    assert f"The file {files[1]!r} was loaded before, and has changed since." in refused.err
    assert len(between) == 4
    assert (3, "Hopper") in destination.rows("users", ["id", "name"])


@in_turn("place", ["after:open_temp", "during:shard#1", "after:shard#1", "during:merge", "after:merge"])
def test_an_append_that_was_killed_goes_on_and_nothing_is_lost_or_comes_twice(
    destination: Destination, files: tuple[str, ...], place: str
) -> None:
    asked = (*files, "--stream", "users", "--mode", "append", "--shard-bytes", "1")

    killed = load(destination, *asked, "--fault", f"{place}=kill")
    again = load(destination, *asked)

    assert (killed.code, again.code) == (-9, 0)
    assert destination.rows("users", ["id", "name"]) == ALL
    assert destination.tables() == ["users"]


@in_turn("part", ["during:merge#2", "during:merge#3", "during:merge#4"])
def test_an_append_whose_publication_has_not_ended_is_completed_and_its_files_are_not_loaded_again(
    destination: Destination, files: tuple[str, ...], part: str
) -> None:
    asked = (*files, "--stream", "users", "--mode", "append")

    # If one commit holds a publication, there is no such part to be killed in.
    killed = load(destination, *asked, "--fault", f"{part}=kill")
    again = load(destination, *asked)

    assert (killed.code in (0, -9), again.code) == (True, 0)
    assert destination.rows("users", ["id", "name"]) == ALL
    assert destination.tables() == ["users"]


@in_turn("mode", [("--key", "id"), ("--mode", "append"), ("--mode", "overwrite")])
def test_a_load_that_failed_by_its_rows_does_not_keep_out_the_same_files_in_another_way(
    destination: Destination, tmp_path: Path, mode: tuple[str, str]
) -> None:
    path = tmp_path / "users.ndjson"
    path.write_text('{"id": 1, "name": "Ada", "code": null}\n{"id": 2, "name": "Grace", "code": 7}\n')

    failed = load(destination, str(path), "--key", "code")
    done = load(destination, str(path), *mode)

    assert (failed.code, "have no value for the field 'code'" in failed.err) == (1, True)
    assert done.code == 0
    assert destination.rows("users", ["id", "name"]) == [(1, "Ada"), (2, "Grace")]
    assert destination.tables() == ["users"]


@in_turn("mode", [("--key", "id"), ("--mode", "append")])
def test_an_open_load_of_the_name_is_finished_before_new_files_are_loaded(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str]
) -> None:
    asked = ("--stream", "users", *mode, "--shard-bytes", "1")
    load(destination, *files[:2], *asked, "--fault", "after:shard#1=kill")

    done = load(destination, *files, *asked)

    assert done.code == 0
    assert "A load of this name was open, and came first:\nLoaded 4 rows of 2 files." in done.out
    assert len(destination.rows("users", ["id"])) == (5 if "--key" in mode else 6)


@in_turn("mode", [("--mode", "append"), ("--mode", "overwrite")])
def test_a_load_whose_file_was_damaged_is_loaded_again_once_the_file_is_corrected(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str], tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}')
    asked = (*files, "--stream", "users", *mode, "--shard-bytes", "64", "--schema", str(schema))
    damaged, whole = Path(files[2]), Path(files[2]).read_text()
    damaged.write_text(f"{whole}{{")
    failed = load(destination, *asked)
    damaged.write_text(whole)

    done = load(destination, *asked)

    assert (failed.code, done.code) == (1, 0)
    assert "Line 3 of the file" in failed.err
    assert "Wrote 2 of 3 shards: 4 rows." in failed.out
    assert destination.rows("users", ["id", "name"]) == ALL


@in_turn("mode", [("--mode", "append")])
def test_a_sync_and_another_load_are_refused_while_a_load_is_open(
    destination: Destination, files: tuple[str, ...], mode: tuple[str, str]
) -> None:
    load(destination, *files, "--stream", "users", *mode, "--fault", "after:shard#1=kill")

    done = load(destination, *files, "--stream", "users", *mode, "--name", "another")

    assert done.code == 1
    assert "A load is open on" in done.err
    assert "1 of its 1 shard" in done.err


@in_turn("case", ["replaced", "dropped"])
def test_files_whose_rows_are_gone_are_loaded_again(
    destination: Destination, files: tuple[str, ...], case: str
) -> None:
    asked = (files[1], "--stream", "users", "--mode", "append")
    load(destination, *asked)
    if case == "replaced":
        load(destination, files[2], "--stream", "users", "--mode", "overwrite", "--name", "another")
    else:
        destination.execute(f'DROP TABLE "{destination.namespace}"."users"')

    done = load(destination, *asked)

    assert "Loaded 2 rows of 1 file." in done.out
    kept = [row for row in destination.rows("users", ["id", "name"]) if row[0] in (3, 4)]
    assert kept == [(3, "Grace"), (4, None)]
