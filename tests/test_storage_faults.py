"""Object storage that is busy, slow, breaks off and resets: our functions on it, and a whole `berth prepare`."""

import gzip
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from tests.faulty_s3 import PASSING, Fault, FaultyS3
from tests.ports import free_port
from trainer import storage
from trainer.errors import StorageError, StorageMissing, StorageUnavailable

DATA = random.Random(1).randbytes(100_000)
PLACE = "s3://bucket/folder"

CORPUS = f"""\
storage: {PLACE}/faultless
corpus:
  sources:
    - {{path: {PLACE}/text}}
    - {{path: {PLACE}/towns.jsonl.gz, format: jsonl}}
    - {{path: "{PLACE}/*.parquet", format: parquet}}
  documents_per_shard: 40
  held_out: 0.1
vocab: {{size: 200}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyS3]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    with FaultyS3(moto.get_host_and_port(), seed=3).listening() as proxy:
        yield proxy
    moto.stop()


@pytest.fixture
def faulty(server: FaultyS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyS3]:
    """A server with a bucket, faultless as yet."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))
    s3fs.S3FileSystem.clear_instance_cache()  # it keeps those of another test's server
    server.misbehave()
    s3fs.S3FileSystem(endpoint_url=server.endpoint).makedirs("bucket", exist_ok=True)
    yield server
    s3fs.S3FileSystem.clear_instance_cache()


def write_and_read(folder: str) -> None:
    for name in ("a.bin", "b.bin"):
        storage.write_bytes(f"{folder}/{name}", DATA)
    with storage.new_file(f"{folder}/c.txt.gz") as path:
        path.write_bytes(gzip.compress(DATA))
    assert storage.names(folder) == ["a.bin", "b.bin", "c.txt.gz"]
    assert storage.matching(f"{folder}/*.bin") == [f"{folder}/a.bin", f"{folder}/b.bin"]
    assert storage.read_bytes(f"{folder}/c.txt.gz") == DATA
    assert storage.fetch(f"{folder}/a.bin").read_bytes() == DATA
    storage.remove(f"{folder}/b.bin")
    assert not storage.exists(f"{folder}/b.bin")


def test_a_file_that_is_replaced_all_the_time_is_read_whole_at_any_moment(faulty: FaultyS3) -> None:
    versions, over = {str(number).encode() * 200 for number in range(10)}, threading.Event()
    storage.write_bytes(f"{PLACE}/lease", b"0" * 200)

    def replace() -> None:
        while not over.is_set():
            for version in versions:
                storage.write_bytes(f"{PLACE}/lease", version)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        assert {storage.read_bytes(f"{PLACE}/lease") for _ in range(100)} <= versions
    finally:
        over.set()
        writer.join()


def test_what_is_written_is_read_all_the_same(faulty: FaultyS3) -> None:
    faulty.misbehave(*PASSING, share=0.6)
    write_and_read(f"{PLACE}/some")
    assert set(faulty.injected) == set(PASSING)


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING)
def test_what_is_written_is_read_though_every_request_fails_twice(faulty: FaultyS3, fault: Fault) -> None:
    faulty.misbehave(fault, share=1, in_a_row=2)
    write_and_read(f"{PLACE}/{fault}")
    assert faulty.injected[fault] >= 10


def test_a_large_file_whose_transfer_breaks_off_is_fetched_whole(faulty: FaultyS3) -> None:
    """Over 50 MB, s3fs would fetch parts at the same time, and ask for none of them again."""
    data = DATA * 530
    storage.write_bytes(f"{PLACE}/large.bin", data)
    for read in (storage.read_bytes, lambda uri: storage.fetch(uri).read_bytes()):
        faulty.misbehave("truncate", share=0.7)
        assert read(f"{PLACE}/large.bin") == data
        assert faulty.injected["truncate"] >= 1


def test_a_parquet_file_is_read_all_the_same(faulty: FaultyS3) -> None:
    table = pa.table({"text": [f"Town {number}" for number in range(10_000)]})
    with storage.new_file(f"{PLACE}/towns.parquet") as path:
        pq.write_table(table, path)
    faulty.misbehave("truncate", share=1)
    files, path_there = storage.arrow_filesystem(f"{PLACE}/towns.parquet")
    assert pq.read_table(path_there, filesystem=files) == table
    assert faulty.injected["truncate"] >= 1


def test_a_server_that_stays_busy_is_given_up_with_its_own_words(
    faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage.write_bytes(f"{PLACE}/a.bin", DATA)
    faulty.misbehave("slow_down", share=1, in_a_row=100)
    with pytest.raises(StorageError, match=r"b\.bin: cannot be written: Please reduce your request rate"):
        storage.write_bytes(f"{PLACE}/b.bin", DATA)
    assert 2 <= faulty.requests <= 10


def test_a_transfer_that_always_breaks_off_is_given_up(faulty: FaultyS3) -> None:
    storage.write_bytes(f"{PLACE}/a.bin", DATA)
    faulty.misbehave("truncate", share=1, in_a_row=100)
    with pytest.raises(StorageError, match=r"a\.bin: cannot be read: .*not completed"):
        storage.read_bytes(f"{PLACE}/a.bin")


def test_a_server_that_is_not_there_is_told(faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", nobody)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with pytest.raises(StorageError, match=rf'a\.bin: cannot be read: .*"{nobody}/bucket/folder/a\.bin"; mend'):
        storage.read_bytes(f"{PLACE}/a.bin")


def test_missing_credentials_are_told(faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageError, match=r"a\.bin: cannot be read: Unable to locate credentials"):
        storage.read_bytes(f"{PLACE}/a.bin")


def test_a_bucket_that_refuses_us_is_not_asked_again(faulty: FaultyS3) -> None:
    faulty.misbehave("denied", share=1, in_a_row=100)
    with pytest.raises(StorageError, match=r"a\.txt: cannot be read: permission denied; check .* the credentials"):
        storage.read_bytes(f"{PLACE}/a.txt")
    with pytest.raises(StorageError, match=r"folder: cannot be read: permission denied"):
        storage.matching(PLACE)
    with pytest.raises(StorageError, match=r"a\.txt: cannot be written: permission denied"):
        storage.write_bytes(f"{PLACE}/a.txt", b"")
    assert faulty.requests == 3


def test_a_bucket_that_is_not_there_is_not_asked_again(faulty: FaultyS3) -> None:
    with pytest.raises(StorageError, match=r"s3://backet/a\.txt: no such bucket; check the spelling"):
        storage.read_bytes("s3://backet/a.txt")
    with pytest.raises(StorageError, match=r"s3://backet/a\.txt: no such bucket"):
        storage.write_bytes("s3://backet/a.txt", b"")
    assert faulty.requests <= 4


def test_what_may_pass_is_told_from_what_will_not(faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for fault in ("slow_down", "reset"):
        faulty.misbehave(fault, share=1, in_a_row=100)
        with pytest.raises(StorageUnavailable):
            storage.write_bytes(f"{PLACE}/a.bin", DATA)
    faulty.misbehave("denied", share=1, in_a_row=100)
    with pytest.raises(StorageError) as denied:
        storage.write_bytes(f"{PLACE}/a.bin", DATA)
    assert type(denied.value) is StorageError
    faulty.misbehave()
    with pytest.raises(StorageMissing):
        storage.read_bytes(f"{PLACE}/nothing.bin")


def test_patience_outlasts_what_the_driver_gives_up(
    faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    faulty.misbehave("slow_down", share=1, in_a_row=7)
    storage.patiently(lambda: storage.write_bytes(f"{PLACE}/late.bin", DATA), minutes=1)
    assert "late.bin: cannot be written: Please reduce your request rate.; it is tried again" in caplog.text
    faulty.misbehave()
    assert storage.read_bytes(f"{PLACE}/late.bin") == DATA


def test_patience_ends_with_its_length_and_with_a_word(faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    faulty.misbehave("slow_down", share=1, in_a_row=100)
    with pytest.raises(
        StorageUnavailable, match=r"request rate\. \(tried again for 0\.[01] minutes\); mend the storage"
    ):
        storage.patiently(lambda: storage.write_bytes(f"{PLACE}/a.bin", DATA), minutes=0.03)
    enough = threading.Event()
    enough.set()
    with pytest.raises(StorageUnavailable, match=r"tried again for 0\.0 minutes"):
        storage.patiently(lambda: storage.write_bytes(f"{PLACE}/a.bin", DATA), minutes=10, give_up=enough)


def test_patience_is_not_for_what_no_waiting_mends(faulty: FaultyS3) -> None:
    faulty.misbehave("denied", share=1, in_a_row=100)
    with pytest.raises(StorageError, match="permission denied; check"):
        storage.patiently(lambda: storage.write_bytes(f"{PLACE}/a.bin", DATA), minutes=10)
    assert faulty.requests == 1


@pytest.mark.slow
def test_a_corpus_that_is_prepared_on_it_is_the_same(faulty: FaultyS3, tmp_path: Path) -> None:
    rows = [{"text": f"Town {number} lies by the sea. It has {number % 7} towers."} for number in range(120)]
    for number in range(3):
        text = "\n\n".join(f"Village {number}.{block} is small.\nIt has no tower." for block in range(40))
        storage.write_text(f"{PLACE}/text/{number}.txt", text)
    with storage.new_file(f"{PLACE}/towns.jsonl.gz") as path:
        path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    with storage.new_file(f"{PLACE}/towns.parquet") as path:
        pq.write_table(pa.Table.from_pylist(rows), path)
    (tmp_path / "corpus.yaml").write_text(CORPUS)

    prepare(tmp_path, f"{PLACE}/faultless")
    faulty.misbehave(*PASSING, share=0.25, in_a_row=2)
    prepare(tmp_path, f"{PLACE}/faulty")
    assert all(faulty.injected[fault] >= 2 for fault in PASSING), faulty.injected
    faulty.misbehave()
    made = files(f"{PLACE}/faultless")
    assert {"/corpus/corpus.json", "/corpus/train-00000.arrow", "/vocab/vocab.txt"} <= made.keys()
    assert files(f"{PLACE}/faulty") == made


def prepare(folder: Path, uri: str) -> None:
    command = [sys.executable, "-m", "trainer", "prepare", "corpus.yaml", f"storage={uri}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def files(uri: str) -> dict[str, bytes]:
    return {file.removeprefix(uri): storage.read_bytes(file) for file in storage.matching(uri)}
