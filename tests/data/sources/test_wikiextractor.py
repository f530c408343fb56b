import tarfile
from pathlib import Path

import pytest

from tests.data.sources.reading import texts
from trainer.errors import DataError

ELEMENTS = """\
<doc id="10" url="https://en.wikipedia.org/wiki?curid=10" title="AccessibleComputing">
AccessibleComputing



</doc>
<doc id="12" url="https://en.wikipedia.org/wiki?curid=12" title="Anarchism">
Anarchism

Anarchism is &lt;a&gt; philosophy of AT&amp;T.
History.
It began &amp;lt; early.

</doc>
"""
JSON = """\
{"id": "10", "revid": "9", "url": "", "title": "AccessibleComputing", "text": ""}
{"id": "12", "revid": "7", "url": "", "title": "Anarchism", "text": "Anarchism is &lt;a&gt; philosophy of AT&amp;T.\\nHistory.\\nIt began &amp;lt; early."}
"""  # noqa: E501 (a line of JSON is a line)
TEXT = "Anarchism is <a> philosophy of AT&T.\n\nHistory.\n\nIt began &lt; early."


@pytest.mark.parametrize("content", [ELEMENTS, JSON])
def test_titles_and_empty_articles_are_left_out_and_entities_unescaped_once(tmp_path: Path, content: str) -> None:
    (tmp_path / "AA").mkdir()
    (tmp_path / "AA" / "wiki_00").write_text(content)
    assert texts(tmp_path, "wikiextractor") == [TEXT]


def test_each_file_may_have_its_own_form(tmp_path: Path) -> None:
    (tmp_path / "wiki_00").write_text(ELEMENTS)
    (tmp_path / "wiki_01").write_text(JSON)
    assert texts(tmp_path, "wikiextractor") == [TEXT, TEXT]


def test_both_forms_of_a_real_extraction_give_the_same_documents(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "wiki" / "wikiextractor-output.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    elements = texts(tmp_path / "extracted", "wikiextractor")
    assert len(elements) == 105
    assert elements[0].startswith("Anarchism is a political philosophy that advocates")
    assert elements == texts(tmp_path / "extracted_json", "wikiextractor")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (ELEMENTS[:-9], r"the article that begins in line 7 has no </doc>"),
        (f"{ELEMENTS[:110]}\n{ELEMENTS}", r"line 7: an article begins within that of line 1"),
        ("Plain text.\n", r"line 1 is not within <doc \.\.\.> and </doc>, nor JSON"),
        (ELEMENTS + "Plain text.\n", r"line 15 is not within"),
        (JSON + '{"title": "Albedo"}\n', r"line 3 has no field 'text'; its fields are title"),
    ],
)
def test_what_wikiextractor_did_not_write_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "wiki_00").write_text(content)
    with pytest.raises(DataError, match=rf"wiki_00: {problem}"):
        texts(tmp_path, "wikiextractor")
