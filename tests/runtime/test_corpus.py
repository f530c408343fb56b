"""`berth prepare` as the command that it is, in processes of its own: parts at once, killed and stopped."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import s3fs
from gcp_storage_emulator.server import create_server
from moto.server import ThreadedMotoServer

from tests.data.making import files

Start = Callable[..., subprocess.Popen[str]]

NAMES = ("Arlo", "Bente", "Cleo", "Dorian", "Edda", "Falk")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus to prepare, `corpus.yaml`, some seconds of work."""
    blocks = (
        f"{NAMES[number % 6]} lives in house {number}. It has {number % 11} windows. {NAMES[number % 5]} came by."
        for number in range(30_000)
    )
    (tmp_path / "text.txt").write_text("\n\n".join(blocks))
    (tmp_path / "corpus.yaml").write_text(
        """\
storage: made
corpus: {sources: [{path: text.txt}], documents_per_shard: 1000, held_out: 0.01}
vocab: {size: 400}
"""
    )
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "trainer", "prepare", "corpus.yaml", *arguments]
        environment = os.environ | {"RAYON_NUM_THREADS": "1"} | environment
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def object_store(folder: Path) -> Iterator[dict[str, str]]:
    """A server that speaks S3, with a bucket `texts`: the variables that open it."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3fs.S3FileSystem(endpoint_url=url, key="key", secret="secret", skip_instance_cache=True).mkdir("texts")
    cache = {"BERTH_CACHE": str(folder / "cache")}
    yield {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"} | cache
    server.stop()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.01)


def ended(process: subprocess.Popen[str]) -> str:
    """What was printed; the command must have gone well."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def test_parts_at_once_make_the_same_corpus_though_one_is_killed(folder: Path, start: Start) -> None:
    whole = ended(start("storage=whole"))
    assert f"corpus: {folder}/whole, 30,000 documents, " in whole

    waiting = start("storage=parts", "--part", "1/3")
    wait_for(folder / "parts/corpus/begun.json", waiting)
    killed = start("storage=parts", "--part", "2/3")
    first = start("storage=parts", "--part", "0/3")
    wait_for(folder / "parts/corpus/train-00005.arrow", killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    outputs = [ended(waiting), ended(first)]
    assert all("waiting for the vocabulary 0/1" in output for output in outputs[:1])
    assert all("is done; the corpus: " in output for output in outputs)
    assert not (folder / "parts/corpus/corpus.json").exists()

    kept = (folder / "parts/corpus/train-00005.arrow").stat().st_ino
    assert whole.splitlines()[-1].partition(",")[2] in ended(start("storage=parts", "--part", "2/3"))
    assert (folder / "parts/corpus/train-00005.arrow").stat().st_ino == kept
    assert files(folder / "parts") == files(folder / "whole")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_corpus_is_the_same_wherever_its_preparation_was_killed(folder: Path, start: Start) -> None:
    began = time.monotonic()
    ended(start("storage=whole"))
    whole, seconds = files(folder / "whole"), time.monotonic() - began
    draw = random.Random(0)
    for number in range(10):
        killed = start(f"storage=killed{number}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.wait(draw.uniform(0.2, 1) * seconds)
        killed.kill()
        killed.wait()
        there = len(list((folder / f"killed{number}").rglob("*.arrow")))
        print(f"killed with {there} shards of {len([name for name in whole if name.endswith('.arrow')])}")
        ended(start(f"storage=killed{number}"))
        assert files(folder / f"killed{number}") == whole


def test_parts_meet_on_an_object_store(folder: Path, start: Start, object_store: dict[str, str]) -> None:
    ended(start("storage=whole"))
    parts = [start("storage=s3://texts/parts", "--part", f"{number}/2", **object_store) for number in range(2)]
    outputs = [ended(part) for part in parts]
    assert any("corpus: s3://texts/parts, 30,000 documents, " in output for output in outputs)
    files_there = s3fs.S3FileSystem(
        endpoint_url=object_store["AWS_ENDPOINT_URL"],
        key=object_store["AWS_ACCESS_KEY_ID"],
        secret=object_store["AWS_SECRET_ACCESS_KEY"],
    )
    there = {path.removeprefix("texts/parts/"): files_there.cat_file(path) for path in files_there.find("texts/parts")}
    assert there == files(folder / "whole")


def test_text_and_corpus_may_lie_on_google_s_cloud_storage(folder: Path, start: Start) -> None:
    whole = folder / "whole"
    ended(start(f"storage={whole}"))
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="texts")
    server.start()
    opened_by = {
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{server._api._httpd.server_address[1]}",
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # else it asks Google for credentials, emulator or not
        "BERTH_CACHE": str(folder / "cache"),
    }

    def there(deed: str, *paths: str) -> None:
        program = f"import fsspec, sys; fsspec.filesystem('gs').{deed}(*sys.argv[1:], recursive=True)"
        subprocess.run([sys.executable, "-c", program, *paths], env=os.environ | opened_by, check=True, timeout=60)

    try:
        there("put", str(folder / "text.txt"), "texts/text.txt")
        ended(start("storage=gs://texts/made", "corpus.sources.0.path=gs://texts/text.txt", **opened_by))
        there("get", "texts/made", str(folder / "found"))
    finally:
        server.stop()
    assert files(folder / "found").keys() == files(whole).keys()
    assert (folder / "found/vocab/vocab.txt").read_text() == (whole / "vocab/vocab.txt").read_text()
    for shard in (whole / "corpus").glob("*.arrow"):  # but for the notes in it, which name another source
        found = pa.ipc.open_file(folder / "found/corpus" / shard.name)
        assert found.get_batch(0) == pa.ipc.open_file(shard).get_batch(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_says_so_and_continues(folder: Path, start: Start, number: signal.Signals) -> None:
    stopped = start()
    wait_for(folder / "made/corpus/train-00001.arrow", stopped)
    stopped.send_signal(number)
    _, errors = stopped.communicate(timeout=30)
    assert (stopped.returncode, errors) == (130, "berth: stopped; the same command continues\n")
    assert not [path for path in (folder / "made").rglob("*") if path.name.endswith(".tmp")]
    kept = (folder / "made/corpus/train-00001.arrow").stat().st_ino
    assert "30,000 documents" in ended(start())
    assert (folder / "made/corpus/train-00001.arrow").stat().st_ino == kept


def test_a_waiting_part_can_be_stopped_and_gives_up_in_the_end(folder: Path, start: Start) -> None:
    waiting = start("--part", "1/2")
    wait_for(folder / "made/corpus/begun.json", waiting)
    waiting.terminate()
    assert waiting.wait(30) == 130
    late = start("--part", "1/2", "--wait-minutes", "0.01")
    _, errors = late.communicate(timeout=60)
    assert late.returncode == 2
    assert errors == (
        f"berth: {folder}/made/vocab: part 0 has not finished the vocabulary after 0.01 minutes; "
        "look after part 0, or raise --wait-minutes\n"
    )
