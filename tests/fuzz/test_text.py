"""Text in every layout that people have it in: documents and their text, or one line."""

import contextlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.sources.reading import texts
from tests.fuzz.damage import REFUSED, at_length, damaged

PLAIN = "The harbour of Berth.\n\nCafé Street \U0001f6a2 is long.\r\n\r\nThe end.\n".encode()
BOOK = b"*** START OF THE BOOK ***\nChapter I\n\nIt was a harbour.\n\n*** END OF THE BOOK ***\n"
DUMP = b"""<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo><sitename>W</sitename></siteinfo><page>
<title>Berth</title><ns>0</ns><id>1</id><revision><id>2</id><text xml:space="preserve">'''Berth''' is a [[town|harbour]]
&lt;ref name="a"&gt;x&lt;/ref&gt; {{cite|a=[[b]]}} {| class="w"
|-
| x || y
|}
== See ==
* one
&lt;math&gt;x&lt;/math&gt; end.</text></revision></page></mediawiki>"""
EXTRACTED = (
    b'<doc id="1" url="u" title="Berth">\nBerth\n\nBerth is a town.\n</doc>\n{"id": "2", "text": "Another one."}\n'
)
LINES = b'{"text": "Berth is a town.", "id": 1}\n{"text": null}\n{"text": "Caf\\u00e9"}\n'
TABLE = pa.table({"text": ["Berth is a town.", None, "Café " * 40], "id": [1, 2, 3]})


def parquet() -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, stream, compression="snappy")
    return stream.getvalue()


def arrow() -> bytes:
    stream = io.BytesIO()
    with pyarrow.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return stream.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


LAYOUTS = {
    "text": ("x.txt", PLAIN),
    "books": ("x.txt", BOOK),
    "mediawiki": ("x.xml", DUMP),
    "wikiextractor": ("wiki_00", EXTRACTED),
    "jsonl": ("x.jsonl", LINES),
    "parquet": ("x.parquet", parquet()),
}


@pytest.mark.parametrize("form", LAYOUTS)
@at_length
@given(draw=st.data())
def test_a_file(folder: Path, form: str, draw: st.DataObject) -> None:
    name, valid = LAYOUTS[form]
    (folder / name).write_bytes(draw.draw(damaged(valid)))
    with contextlib.suppress(REFUSED):
        texts(folder / name, form)


@at_length
@given(data=damaged(arrow()))
def test_a_saved_dataset(folder: Path, data: bytes) -> None:
    dataset = folder / "dataset"
    dataset.mkdir(exist_ok=True)
    (dataset / "data-00000-of-00001.arrow").write_bytes(data)
    (dataset / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    with contextlib.suppress(REFUSED):
        texts(dataset, "datasets")


@at_length
@given(data=damaged(b'{"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_indices_data_files": null}'))
def test_what_names_a_datasets_files(folder: Path, data: bytes) -> None:
    dataset = folder / "state"
    dataset.mkdir(exist_ok=True)
    (dataset / "data-00000-of-00001.arrow").write_bytes(arrow())
    (dataset / "state.json").write_bytes(data)
    with contextlib.suppress(REFUSED):
        texts(dataset, "datasets")
