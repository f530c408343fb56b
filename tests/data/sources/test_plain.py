import gzip
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import documents
from trainer.errors import DataError, StorageError


def read(path: Path | str, documents_are: str = "block") -> list[str]:
    return list(documents(Source.model_validate({"path": str(path), "documents": documents_are}), str(path)))


def test_a_block_is_what_stands_between_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\none\ntwo\n  \n\t\nthree\n\n")
    assert read(tmp_path / "a.txt") == ["one\ntwo", "three"]


def test_a_file_may_be_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert read(tmp_path / "a.txt", "file") == ["one\n\ntwo"]


def test_a_line_may_be_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\nthree")
    assert read(tmp_path / "a.txt", "line") == ["one", "two", "three"]


@pytest.mark.parametrize("documents_are", ["block", "file"])
def test_a_document_is_cut_at_a_line_s_end_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents_are: str
) -> None:
    monkeypatch.setattr("trainer.data.sources.plain._LONGEST_DOCUMENT", 10)
    (tmp_path / "a.txt").write_text("one two\nthree\nfour\nfive and six and seven\nend")
    assert read(tmp_path / "a.txt", documents_are) == ["one two", "three\nfour", "five and six and seven", "end"]


def test_byte_order_mark_and_carriage_returns_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n\r\nthree")
    assert read(tmp_path / "a.txt") == ["one\ntwo", "three"]


def test_a_folder_is_read_in_the_order_of_its_names_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c/d.txt", ".a.txt.1234.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert read(tmp_path) == ["a.txt", "b.txt", "c/d.txt"]
    assert read(tmp_path / "*.txt") == ["a.txt", "b.txt"]


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_files_are_unpacked(tmp_path: Path, ending: str, compress: "type[bytes]") -> None:
    (tmp_path / f"a.txt{ending}").write_bytes(compress("grüße".encode()))
    assert read(tmp_path) == ["grüße"]


def test_text_may_lie_on_any_storage() -> None:
    storage.write_text("memory://test-sources/a.txt", "one\n\ntwo")
    assert read("memory://test-sources") == ["one", "two"]


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufeff")
"""Without what ends a line or a document, and the byte order mark, which is left out where a file begins."""


@given(st.lists(st.text(CHARACTERS, min_size=1), min_size=1))
def test_every_document_is_read_back(texts: list[str]) -> None:
    storage.write_text("memory://test-sources-back/a.txt", "\n\n".join(texts))
    assert read("memory://test-sources-back/a.txt") == texts


def test_documents_are_read_one_at_a_time(tmp_path: Path) -> None:
    text = "".join(f"document {number}\n\n" for number in range(100_000))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode())[:-100])
    stream = documents(Source(path="a"), str(tmp_path))
    assert next(stream) == "document 0"
    with pytest.raises(StorageError, match=r"a\.txt\.gz: damaged or cut short"):
        list(stream)


def test_text_that_is_not_utf8_is_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("eins\nGrüße\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt: line 2 is not UTF-8: byte 0xfc in column 3; convert"):
        read(tmp_path)


def test_a_character_cut_in_half_at_the_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("über ü".encode()[:-1])
    with pytest.raises(DataError, match="line 1 is not UTF-8"):
        read(tmp_path)


@pytest.mark.parametrize("path", ["missing.txt", "missing/*.txt", "empty"])
def test_a_source_of_no_files_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no such file or folder, or it is empty; check the path"):
        read(tmp_path / path)


@pytest.mark.parametrize("documents_are", ["block", "file"])
def test_a_source_of_blank_files_is_refused(tmp_path: Path, documents_are: str) -> None:
    (tmp_path / "a.txt").write_text("\n \n")
    (tmp_path / "b.txt").touch()
    with pytest.raises(DataError, match="there is no text in it"):
        read(tmp_path, documents_are)
