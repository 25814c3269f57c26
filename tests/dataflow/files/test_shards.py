"""Shards: how files are cut, written down and known again."""

import gzip
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from attrs import evolve
from pyarrow import parquet

from dataflow.errors import ConfigError, InternalError
from dataflow.files.listing import InputFile, find
from dataflow.files.places import Status
from dataflow.files.shards import (
    Shard,
    changed_since,
    cut,
    files_of,
    load_id,
    mark_of,
    shard_bytes_for,
    shard_from_text,
    shard_to_text,
    sort_out,
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[InputFile, ...]:
    """Three small files, and a large one of each format."""
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n")
    (tmp_path / "d.ndjson").write_text('{"id":1}\n' * 100)
    (tmp_path / "e.ndjson.gz").write_bytes(gzip.compress(b'{"id":1}\n' * 100, 0))
    (tmp_path / "f.csv").write_text("id\n" + "1\n" * 400)
    parquet.write_table(pa.table({"id": list(range(1000))}), tmp_path / "g.parquet", row_group_size=100)
    return find([str(tmp_path / "*")])


def shape(shards: tuple[Shard, ...]) -> list[list[tuple[str, int | None, int | None]]]:
    return [[(piece.file.name, piece.begin, piece.end) for piece in shard.pieces] for shard in shards]


def test_small_files_share_a_shard_and_large_ones_are_cut_where_they_can_be(
    files: tuple[InputFile, ...],
) -> None:
    assert shape(cut("n", files[:6], 300)) == [
        [("a.csv", None, None), ("b.csv", None, None), ("c.csv", None, None)],
        [("d.ndjson", 0, 300)],
        [("d.ndjson", 300, 600)],
        [("d.ndjson", 600, 900)],
        [("e.ndjson.gz", None, None)],
        [("f.csv", None, None)],
    ]


def test_a_parquet_file_is_cut_between_row_groups_and_none_is_left_out(files: tuple[InputFile, ...]) -> None:
    shards = cut("n", files[6:], files[6].size // 3)

    bounds = [(piece.begin, piece.end) for shard in shards for piece in shard.pieces]
    assert len(bounds) > 2
    assert (bounds[0][0], bounds[-1][1]) == (0, 10)
    assert all(one[1] == other[0] for one, other in pairwise(bounds))


def test_a_shard_is_read_again_from_its_text(files: tuple[InputFile, ...]) -> None:
    shards = cut("my load", files, 300)

    assert tuple(shard_from_text(shard_to_text(shard)) for shard in shards) == shards
    assert files_of(shards) == files


@pytest.mark.parametrize("text", ["", "{}", '{"name":"n","pieces":[{}]}', '{"name":"n","pieces":7}'])
def test_a_text_that_describes_no_shard_is_a_defect(text: str) -> None:
    with pytest.raises(InternalError, match="description of a shard cannot be read"):
        shard_from_text(text)


def test_the_id_of_a_load_depends_on_the_files_and_on_the_way_and_not_on_the_cuts(
    files: tuple[InputFile, ...],
) -> None:
    same = {load_id(["orders", "append"], files) for _ in range(2)}

    others = {load_id(["orders", "append"], files[1:]), load_id(["orders", "dedup"], files)}
    assert len(same) == 1
    assert len(same | others) == 3


def test_files_that_were_loaded_are_left_out_and_a_changed_one_is_refused_unless_it_is_asked_again(
    files: tuple[InputFile, ...],
) -> None:
    before = [mark_of(file) for file in files[:2]]
    Path(files[1].uri).write_text("id\n1\n2\n")
    now = find([file.uri for file in files])

    with pytest.raises(ConfigError, match="was loaded before, and has changed since"):
        sort_out(now, before)
    found = sort_out(now, before, [str(now[1])])
    assert found.loaded == (now[0],)
    assert found.new == now[1:]
    assert sort_out(now[:1], before, [now[0].uri]).new == now[:1]


def test_a_file_that_is_to_be_loaded_again_must_be_among_the_files(files: tuple[InputFile, ...]) -> None:
    with pytest.raises(ConfigError, match="of --again is not among the files"):
        sort_out(files, [], ["nothing.csv"])


def test_files_that_changed_or_are_gone_are_found(files: tuple[InputFile, ...]) -> None:
    Path(files[0].uri).unlink()
    Path(files[1].uri).write_text("id\n")

    assert changed_since(files) == files[:2]


def test_shards_are_smaller_where_several_workers_would_not_have_enough_of_them(
    files: tuple[InputFile, ...],
) -> None:
    large = [evolve(file, status=Status(1 << 30, "1")) for file in files[:2]]

    sizes = [shard_bytes_for(large, workers) for workers in (1, 8, 100)]

    assert sizes == [128 << 20, 64 << 20, 8 << 20]
