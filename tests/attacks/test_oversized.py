"""Input that is far more than it seems: refused in a line, by a process whose memory stays within a stated bound."""

import gzip
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.attacks.bounded import refusal
from tests.attacks.test_archives import DEEP, folder, model, nemo, tokenizer  # noqa: F401 - fixtures
from tests.attacks.test_yaml import LAUGHS

pytestmark = pytest.mark.timeout(600)

CORPUS = "storage: made\ncorpus: {{sources: [{{path: {path}, format: {form}}}]}}\nvocab: {{size: 200}}\n"
GIB = 1 << 30
MODEL = 256
"""MiB, of which torch takes 190 for itself where it builds a model, however small."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("*.tmp"))


def sparse(name: str, size: int = 4 * GIB) -> str:
    """A file of zeros that takes no space."""
    with Path(name).open("wb") as file:
        os.truncate(file.fileno(), size)
    return name


def packed(name: str, block: bytes, times: int) -> str:
    """A file that unpacks to so many times the block."""
    with gzip.open(name, "wb", compresslevel=1) as file:
        for _ in range(times):
            file.write(block)
    return name


def test_settings_without_end() -> None:
    assert "more than 4,194,304 characters" in refusal("plan", sparse("run.yaml"), most=64)
    Path("laughs.yaml").write_text(LAUGHS)
    assert "its aliases stand for more" in refusal("render", "quickstart", "--values", "laughs.yaml", most=64)
    Path("deep.yaml").write_text(DEEP)
    assert "nested too deeply" in refusal("plan", "deep.yaml", most=64)


def test_questions_of_four_gibibytes() -> None:
    asked = ("squad", "--model", "m", "--train", sparse("q.json"), "--eval", "q.json")
    assert "q.json: has more than 512 MiB; is it the right file?" in refusal(*asked, most=64)


@pytest.mark.slow
def test_questions_that_unpack_to_four_gibibytes() -> None:
    asked = ("squad", "--model", "m", "--train", packed("q.json.gz", b" " * (64 << 20), 64), "--eval", "q.json.gz")
    assert "q.json.gz: has more than 512 MiB" in refusal(*asked, most=1300)


def test_questions_nested_a_million_deep() -> None:
    Path("q.json").write_text('{"data": ' + DEEP)
    said = refusal("squad", "--model", "m", "--train", "q.json", "--eval", "q.json", most=64)
    assert "not JSON: recursion limit exceeded" in said


def test_a_vocabulary_of_one_long_line(folder: Path) -> None:  # noqa: F811
    (folder / "tokenizer.json").unlink()
    sparse(str(folder / "vocab.txt"), GIB)
    assert "vocab.txt: has more than 64 MiB" in refusal("export", str(folder), "exported", most=MODEL)


def test_descriptions_and_weights_of_four_gibibytes(folder: Path) -> None:  # noqa: F811
    sparse(str(folder / "model.safetensors"))
    assert "torn or not safetensors" in refusal("export", str(folder), "exported", most=MODEL)
    sparse(str(folder / "config.json"))
    assert "config.json: has more than 64 MiB" in refusal("export", str(folder), "exported", most=64)
    assert not Path("exported").exists()


class _Zeros:
    """A stream of them."""

    def read(self, size: int) -> bytes:
        return bytes(size)


@pytest.mark.slow
def test_an_archive_that_unpacks_to_two_gibibytes() -> None:
    with tarfile.open("model.nemo", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("model_weights.ckpt")
        member.size = 2 * GIB
        archive.addfile(member, _Zeros())  # type: ignore[arg-type]
    said = refusal("export", "model.nemo", "exported", most=64)
    assert f"bytes say that they unpack to {2 * GIB:,}; do not use this file" in said


def prepared(path: str, form: str, most: int) -> str:
    Path("corpus.yaml").write_text(CORPUS.format(path=path, form=form))
    return refusal("prepare", "corpus.yaml", most=most)


@pytest.mark.parametrize("form", ["text", "jsonl", "books", "mediawiki", "parquet"])
def test_text_of_four_gibibytes_of_nothing(form: str) -> None:
    assert prepared(sparse("a.txt"), form, most=400)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "jsonl", "books"])
def test_text_that_unpacks_to_four_gibibytes_of_one_line(form: str) -> None:
    assert prepared(packed("a.txt.gz", b"x" * (64 << 20), 64), form, most=400)


@pytest.mark.slow
def test_parquet_that_unpacks_to_half_a_gibibyte() -> None:
    column = pa.array(["x" * (512 << 20)]).dictionary_encode()
    pa.parquet.write_table(pa.table({"text": column}), "a.parquet", compression="zstd")
    assert Path("a.parquet").stat().st_size < 1 << 20
    assert "bytes say that they unpack to 536," in prepared("a.parquet", "parquet", most=64)
