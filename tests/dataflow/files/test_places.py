"""Files of this machine, of a store, of the web. Their rows come, and no error shows what gives access."""

import os
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyarrow.fs import FileSystem

from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.files.listing import find
from tests.dataflow.files.reading import cells, read

CSV = b"id,name\n1,A\n2,B\n"
ROWS = [(1, "A"), (2, "B")]
SECRET = "do-not-show"


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"id": [1, 2], "name": ["A", "B"]}), sink)
    return bytes(sink.getvalue())


def as_zst(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


# -- this machine


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_is_read_to_its_end_and_one_that_was_cut_off_is_refused(
    tmp_path: Path, suffix: str
) -> None:
    whole, cut = tmp_path / f"a.csv{suffix}", tmp_path / f"b.csv{suffix}"
    with pa.output_stream(whole, compression="detect") as out:
        out.write(CSV)
    cut.write_bytes(whole.read_bytes()[:-5])

    assert cells(read([str(whole)])) == ROWS
    with pytest.raises(ConfigError, match=r"b\.csv.*its compressed content is damaged or was cut off"):
        read([str(cut)])


def test_what_is_no_file_is_refused_with_what_to_name_instead(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "a.parquet.gz").write_bytes(b"x")

    with pytest.raises(ConfigError, match=r"is a folder\..*\*\.csv"):
        find([str(tmp_path)])
    with pytest.raises(ConfigError, match="is a pipe or a device"):
        find([str(tmp_path / "pipe.csv")])
    with pytest.raises(ConfigError, match="Decompress it"):
        find([str(tmp_path / "a.parquet.gz")])


def test_a_file_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    path = Path(f"{tmp_path}/caf\udce9.csv")
    path.write_bytes(CSV)

    with pytest.raises(ConfigError, match=r"caf\\udce9.csv' is not UTF-8.*Rename it"):
        find([str(path)])


def test_a_name_with_brackets_spaces_or_a_colon_is_a_file_and_no_pattern(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a[1] b.csv", "c:d.csv", "é#?.csv")]
    for path in paths:
        path.write_bytes(CSV)

    found = find([str(paths[0]), str(paths[1]), paths[2].as_uri()])

    assert [file.name for file in found] == [path.name for path in paths]


def test_a_file_has_one_address_however_the_way_to_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "a.csv").write_bytes(CSV)

    (straight,) = find([str(folder / "a.csv")])
    (back,) = find([str(folder / ".." / "orders" / "." / "a.csv")])

    assert back.uri == straight.uri
    assert straight.uri == str(folder / "a.csv")


# -- an object store


@pytest.fixture(scope="module")
def bucket() -> Iterator[FileSystem]:
    """A bucket named shop, and an environment that leads to it."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "key")
        patched.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patched.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store, _ = FileSystem.from_uri("s3://shop?allow_bucket_creation=true")
        store.create_dir("shop")
        yield store
    server.stop()


def put(store: FileSystem, path: str, content: bytes) -> str:
    with store.open_output_stream(f"shop/{path}", compression=None) as out:
        out.write(content)
    return f"s3://shop/{path}"


def test_objects_of_a_bucket_are_read_by_name_and_by_pattern(bucket: FileSystem) -> None:
    put(bucket, "day/b c.parquet", as_parquet())
    put(bucket, "day/a.csv.zst", as_zst(CSV))
    put(bucket, "day/deep/d.csv", CSV)
    put(bucket, "day/e.ndjson", b'{"id":3}')

    assert cells(read(["s3://shop/day/b c.parquet"])) == ROWS
    assert [str(file) for file in find(["s3://shop/day/*.[cp]*"])] == [
        "s3://shop/day/a.csv.zst",
        "s3://shop/day/b c.parquet",
    ]
    assert [file.name for file in find(["s3://shop/**/*.csv"])] == ["d.csv"]
    assert cells(read(["s3://shop/day/*", "s3://shop/day/deep/d.csv"])) == [*ROWS, *ROWS, (3, None), *ROWS]


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("s3://shop/none.csv", "'s3://shop/none.csv' cannot be read: No such file"),
        ("s3://shop/none/*.csv", "No file matches the pattern 's3://shop/none/"),
        ("s3://nobody/a/*.csv", "No file matches the pattern 's3://nobody/a/"),
    ],
)
def test_an_object_that_is_not_there_is_named_without_what_gives_access(
    bucket: FileSystem, uri: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        find([uri])
    with pytest.raises(ConfigError) as caught:
        find([f"{uri.replace('//', f'//key:{SECRET}@')}?session_token={SECRET}".replace("?session", "?x")])

    assert SECRET not in str(caught.value)


def test_an_object_that_is_replaced_while_it_is_read_is_refused(bucket: FileSystem) -> None:
    uri = put(bucket, "changing.csv", CSV)
    (file,) = find([uri])
    put(bucket, "changing.csv", CSV.replace(b"A", b"a"))

    with pytest.raises(ConfigError, match="changed since the load began"):
        file.expect_unchanged()


# -- the web


class Web(ThreadingHTTPServer):
    """Serves contents by their paths, whole or in ranges. A content may be a status in its place."""

    contents: Mapping[str, bytes | int]


class _Served(BaseHTTPRequestHandler):
    server: Web

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        content = self.server.contents.get(self.path, 404)
        if isinstance(content, int):
            self.send_error(content)
            return b""
        first, last = 0, len(content) - 1
        if wanted := self.headers.get("Range"):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(begin), min(int(end or last), last)
        part = content[first : last + 1]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return part

    def log_message(self, *_: Any) -> None:
        """It is quiet."""


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(("127.0.0.1", 0), _Served) as server:
        Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def address(web: Web, path: str) -> str:
    return f"http://127.0.0.1:{web.server_port}{path}"


def test_files_of_the_web_are_read(web: Web) -> None:
    token = f"?token={SECRET}"
    web.contents = {f"/a.csv{token}": CSV, "/b.parquet": as_parquet(), "/c.ndjson.zst": as_zst(b'{"id":3}\n')}

    chunks = read([address(web, path) for path in (f"/a.csv{token}", "/b.parquet", "/c.ndjson.zst")])

    assert cells(chunks) == [*ROWS, *ROWS, (3, None)]


@pytest.mark.parametrize(
    ("status", "complaint", "kind"),
    [
        (404, "the server answered 404", ConfigError),
        (403, "the server answered 403", ConfigError),
        (503, "the server answered 503", TransientError),
    ],
)
def test_a_file_of_the_web_that_does_not_come_is_named_without_what_gives_access(
    web: Web, status: int, complaint: str, kind: type[DataflowError]
) -> None:
    web.contents = {f"/a.csv?token={SECRET}": status}

    with pytest.raises(kind, match=rf"/a\.csv' (cannot|could not) be read: {complaint}") as caught:
        find([address(web, f"/a.csv?token={SECRET}").replace("//", f"//user:{SECRET}@")])

    assert SECRET not in str(caught.value)


# -- everything else


@pytest.mark.parametrize(
    ("uri", "remedy"),
    [
        ("sftp://host/a.csv", r"pip install 'fsspec\[sftp\]'"),
        (
            "carrier-pigeon://loft/a.csv",
            "No package is known that reads files of the scheme carrier-pigeon://",
        ),
    ],
)
def test_a_scheme_whose_package_is_missing_says_what_to_install(uri: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy):
        find([uri])


def test_without_fsspec_a_file_of_the_web_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)

    with pytest.raises(ConfigError, match=r"pip install 'fsspec\[http\]'"):
        find(["https://shop.example/a.csv"])


def test_a_pattern_of_another_store_is_matched_by_fsspec() -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    for name in ("b.csv", "a.csv"):
        store.pipe(f"/orders/{name}", CSV)

    chunks = read(["memory://orders/*.csv"])

    assert [file.name for file in find(["memory://orders/*.csv"])] == ["a.csv", "b.csv"]
    assert cells(chunks) == [*ROWS, *ROWS]
