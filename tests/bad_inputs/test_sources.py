"""`berth prepare` on text that is not what the configuration says: one line that names the file and the place."""

import bz2
import itertools
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.bad_inputs.refusing import refusal

DUMP = b"""\
<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">
<page><title>Town</title><ns>0</ns><revision><text>Town.</text></revision></page>
</mediawiki>
"""
NUMBERS = itertools.count()
"""Of the folders that are prepared: each refusal has its own."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.yaml").write_text("storage: towns\ncorpus: {sources: [{path: x}]}\nvocab: {size: 200}\n")
    return tmp_path


def refused(folder: Path, name: str, form: str, **settings: str) -> str:
    source = json.dumps([{"path": name, "format": form, **settings}])
    line = refusal("prepare", "corpus.yaml", f"corpus.sources={source}", f"storage=towns-{next(NUMBERS)}")
    assert line.startswith(f"{folder}/{name}"), line
    return line.removeprefix(f"{folder}/{name}")


@pytest.mark.parametrize(
    ("name", "content", "form", "told"),
    [
        ("a.xml.bz2", bz2.compress(DUMP)[:-10], "mediawiki", ": damaged or cut short (Compressed file ended"),
        ("a.xml.bz2", DUMP, "mediawiki", ": damaged, or not bzip2; copy the file again"),
        ("a.xml", b"", "mediawiki", ": it is no XML (line 1, column 1: no element found); give an XML export"),
        ("a.xml", DUMP.replace(b"<ns>0", b"<ns>4"), "mediawiki", ": there is no text in it, read as mediawiki; check"),
        ("a.xml", b"<rss></rss>", "mediawiki", ": its root element is <rss>, and a dump's <mediawiki>; give an"),
        ("a.xml", DUMP[:-30], "mediawiki", ": damaged or cut short (line 2, column 64: unclosed token); copy"),
        ("a.xml", b"<!DOCTYPE html>" + DUMP, "mediawiki", ": line 1: it has a document type (html), and no dump"),
        ("a.txt", "über ü".encode()[:-1], "text", ": line 1 is not UTF-8: byte 0xc3 in column 7; convert the file"),
        ("a.txt", "über ü".encode()[:-1], "books", ": line 1 is not UTF-8: byte 0xc3 in column 7; convert the file"),
        ("wiki_00", b"A town.\n", "wikiextractor", ": line 1 is not within <doc ...> and </doc>, nor JSON; give"),
        ("wiki_00", b'<doc id="1">\nTown\n\nA town.\n', "wikiextractor", ": the article that begins in line 1 has no"),
        ("a.jsonl", b'{"text": "A town."}\nA town.\n', "jsonl", ": line 2 is not JSON (Expecting value in col"),
        ("a.jsonl", b"[1]\n", "jsonl", ": line 1 is no JSON object: [1]; give one JSON object a line"),
        ("a.jsonl", b'{"body": "A town."}', "jsonl", ": line 1 has no field 'text'; its fields are body; set the"),
        ("a.jsonl", b'{"text": 3}', "jsonl", ": line 1: 'text' is no text but 3; set the source's `field`"),
        ("a.parquet", b"A town.", "parquet", ": it cannot be read as Parquet ("),
        ("gone", b"", "datasets", ": there is no such file or folder, or it is empty; check the path"),
    ],
)  # fmt: skip
def test_text_that_is_not_what_is_said(folder: Path, name: str, content: bytes, form: str, told: str) -> None:
    if name != "gone":
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert refused(folder, name, form).startswith(told)


def test_a_line_without_end(folder: Path) -> None:
    with (folder / "a.txt").open("wb") as stream:
        stream.truncate(300_000_000)
    for form in ("text", "books", "wikiextractor", "jsonl"):
        assert refused(folder, "a.txt", form).startswith(": line 1 is longer than 64 MB; break it into lines, or name")


def test_a_column_that_parquet_has_not_or_that_is_no_text(folder: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"id": [1], "body": ["A town."]}), folder / "a.parquet")
    assert refused(folder, "a.parquet", "parquet") == (
        ": there is no column 'text'; its columns are id, body; set the source's `field`"
    )
    assert refused(folder, "a.parquet", "parquet", field="id") == (
        ": column 'id' is no text but int64; set the source's `field`"
    )


def test_a_folder_that_save_to_disk_did_not_write(folder: Path) -> None:
    (folder / "wiki" / "train").mkdir(parents=True)
    (folder / "wiki" / "train" / "state.json").write_text('{"_data_files": []}')
    assert refused(folder, "wiki", "datasets").startswith(": it has no state.json; give a folder that save_to_disk")
    assert refused(folder, "wiki/train", "datasets").startswith(": there is no such file or folder, or it is empty")
    (folder / "wiki" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    assert refused(folder, "wiki", "datasets") == (
        f": it holds several datasets: train; name one of them, such as {folder}/wiki/train"
    )
