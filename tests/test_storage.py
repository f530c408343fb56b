"""Storage on the local disk, on a server that speaks S3, and on fsspec's in-memory file system, which is a real remote
to our code: no paths, no rename.
"""

import errno
import gzip
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from trainer import storage
from trainer.errors import StorageError


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on an S3 server that listens on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "key")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(params=["local", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "local":
            return str(tmp_path)
        case "memory":
            return f"memory://{uuid.uuid4().hex}"
        case _:
            return f"{request.getfixturevalue('bucket')}/{uuid.uuid4().hex}"


def test_what_is_written_is_read(place: str) -> None:
    uri = storage.join(place, "a", "b.txt")
    storage.write_text(uri, "Grüße\n")
    assert storage.exists(uri)
    assert storage.read_text(uri) == "Grüße\n"
    assert storage.names(storage.join(place, "a")) == ["b.txt"]


def test_a_byte_order_mark_is_no_text(place: str) -> None:
    uri = storage.join(place, "bom.txt")
    storage.write_bytes(uri, b"\xef\xbb\xbfhello")
    assert storage.read_text(uri) == "hello"


def test_a_file_that_is_not_utf8_is_named_with_the_place(place: str) -> None:
    uri = storage.join(place, "latin.txt")
    storage.write_bytes(uri, b"caf\xe9")
    with pytest.raises(StorageError, match=r"latin\.txt: not UTF-8 at byte 3; convert"):
        storage.read_text(uri)


def test_an_error_while_writing_leaves_nothing(place: str) -> None:
    uri = storage.join(place, "torn.bin")

    def write_half() -> None:
        with storage.new_file(uri) as path:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(StorageError, match=r"torn\.bin: cannot be written: no space left on device"):
        write_half()
    assert storage.names(place) == []


def test_a_failed_overwrite_keeps_the_old_file(place: str) -> None:
    uri = storage.join(place, "kept.txt")
    storage.write_text(uri, "old")

    def overwrite() -> None:
        with storage.new_file(uri) as path:
            path.write_text("new")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        overwrite()
    assert storage.read_text(uri) == "old"


def test_a_compressed_file_that_is_cut_short_is_a_clear_error(place: str) -> None:
    uri = storage.join(place, "text.txt.gz")
    storage.write_bytes(uri, gzip.compress(b"some text" * 1000)[:-12])
    with pytest.raises(StorageError, match=r"text\.txt\.gz: damaged or cut short"):
        storage.read_text(uri)


def test_a_missing_file_is_a_clear_error(place: str) -> None:
    with pytest.raises(StorageError, match=r"gone\.txt: no such file or folder"):
        storage.read_bytes(storage.join(place, "gone.txt"))
    assert storage.names(storage.join(place, "nowhere")) == []


def test_a_folder_is_removed_with_all_in_it(place: str) -> None:
    storage.write_text(storage.join(place, "x", "y", "z.txt"), "")
    storage.remove(storage.join(place, "x"))
    storage.remove(storage.join(place, "x"))
    assert not storage.exists(storage.join(place, "x"))


def test_files_folders_and_globs_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md", "deep/d.txt"):
        storage.write_text(str(tmp_path / name), name)
    everything = [str(tmp_path / name) for name in ("a.txt", "b.txt", "c.md", "deep/d.txt")]
    assert storage.matching(str(tmp_path)) == everything
    assert storage.matching(str(tmp_path / "*.txt")) == everything[:2]
    assert storage.matching(str(tmp_path / "c.md")) == everything[2:3]
    assert storage.matching(str(tmp_path / "*.json")) == []


def test_a_remote_file_is_fetched_once_and_anew_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))
    uri = f"memory://{uuid.uuid4().hex}/shard.bin"
    storage.write_bytes(uri, b"one")
    first = storage.fetch(uri)
    assert first.read_bytes() == b"one"
    assert storage.fetch(uri) == first
    storage.write_bytes(uri, b"two")
    assert storage.fetch(uri).read_bytes() == b"two"


def test_a_local_file_is_used_where_it_lies(tmp_path: Path) -> None:
    assert storage.fetch(str(tmp_path / "shard.bin")) == tmp_path / "shard.bin"


def test_relative_paths_become_absolute_and_remote_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("runs", "/elsewhere") == "/elsewhere/runs"
    assert storage.absolute("runs") == os.fspath(tmp_path / "runs")
    assert storage.absolute("memory://runs") == "memory://runs"
    assert storage.from_here(storage.absolute("runs/a")) == "runs/a"
    assert storage.from_here("/elsewhere/runs") == "/elsewhere/runs"
    assert storage.from_here("memory://runs") == "memory://runs"


def test_a_working_folder_reaches_remote_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))
    uri = f"memory://{uuid.uuid4().hex}/wandb"
    folder = storage.working_folder(uri)
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "run.wandb").write_bytes(b"record")
    storage.upload(uri)
    assert storage.read_bytes(storage.join(uri, "deep", "run.wandb")) == b"record"


def test_an_unknown_kind_of_storage_is_refused() -> None:
    with pytest.raises(StorageError, match="floppy://a: no such kind of storage"):
        storage.exists("floppy://a")


def test_a_place_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        storage.write_text(str(tmp_path / "file" / "below.txt"), "")


@pytest.mark.parametrize("place", ["local", "s3"], indirect=True)
def test_what_another_process_did_is_seen(place: str) -> None:
    """A run's driver looks again and again for what its workers write."""
    stage = storage.join(place, "stage")
    storage.write_text(storage.join(stage, "begun.json"), "{}")
    assert storage.names(stage) == ["begun.json"]
    code = "import sys; from trainer import storage; storage.write_text(sys.argv[1], 'done')"
    subprocess.run([sys.executable, "-c", code, storage.join(stage, "result.json")], check=True)
    assert storage.exists(storage.join(stage, "result.json"))
    assert storage.names(stage) == ["begun.json", "result.json"]
