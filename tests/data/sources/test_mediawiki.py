"""Reading the XML of dumps; what becomes of the wikitext is tested beside this."""

import bz2
import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.data.sources.reading import texts
from trainer.config.corpus import Source
from trainer.data.sources import documents, mediawiki
from trainer.errors import DataError, StorageError

HEAD = """\
<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <namespaces>
      <namespace key="-2">Medium</namespace>
      <namespace key="0" />
      <namespace key="6">Datei</namespace>
      <namespace key="14">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""


def page(text: str, namespace: int = 0, inside: str = "", model: str = "wikitext") -> str:
    return (
        f"  <page><title>Aal &amp; Co</title><ns>{namespace}</ns><id>1</id>{inside}\n"
        f"    <revision><id>2</id><model>{model}</model>"
        f'<text bytes="3" xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


def dump(*pages: str) -> bytes:
    return f"{HEAD}{''.join(pages)}</mediawiki>".encode()


def test_a_document_is_a_page(tmp_path: Path) -> None:
    (tmp_path / "dump.xml").write_bytes(dump(page("Der Aal ist <b>ein</b> Fisch & mehr."), page("Zwei."), page(" \n")))
    assert texts(tmp_path, "mediawiki") == ["Der Aal ist ein Fisch & mehr.", "Zwei."]


def test_redirects_other_namespaces_and_other_models_are_left_out(tmp_path: Path) -> None:
    pages = [
        page("#REDIRECT [[Eins]]", inside='<redirect title="Eins" />'),
        page("Diskussion.", namespace=1),
        page("return 1", model="Scribunto"),
        page("Eins."),
    ]
    (tmp_path / "dump.xml").write_bytes(dump(*pages))
    assert texts(tmp_path, "mediawiki") == ["Eins."]
    assert texts(tmp_path, "mediawiki", namespaces=[1, 0]) == ["Diskussion.", "Eins."]


def test_files_and_categories_are_known_by_the_wiki_s_own_names(tmp_path: Path) -> None:
    hidden = "[[Datei:Aal.jpg|mini|Ein [[Aal]]]][[Medium:A.ogg|x]][[Kategorie:Fisch]][[Image:a.png]]"
    (tmp_path / "dump.xml").write_bytes(dump(page(f"Ein Aal. {hidden} [[Star Trek: V]]")))
    assert texts(tmp_path, "mediawiki") == ["Ein Aal. Star Trek: V"]


def test_of_several_revisions_the_last_is_read(tmp_path: Path) -> None:
    (tmp_path / "dump.xml").write_bytes(dump(page("Neu.", inside="<revision><text>Alt.</text></revision>")))
    assert texts(tmp_path, "mediawiki") == ["Neu."]


def test_a_dump_of_several_streams_is_read_wholly(tmp_path: Path) -> None:
    content = dump(*(page(f"Seite {number}.") for number in range(30)))
    streams = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    (tmp_path / "a.xml.bz2").write_bytes(b"".join(map(bz2.compress, streams)))
    (tmp_path / "b.xml.gz").write_bytes(b"".join(map(gzip.compress, streams)))
    assert texts(tmp_path, "mediawiki") == [f"Seite {number}." for number in range(30)] * 2


def test_memory_holds_one_page_however_long_the_dump_is(tmp_path: Path) -> None:
    with bz2.open(tmp_path / "dump.xml.bz2", "wb", compresslevel=1) as stream:
        stream.write(HEAD.encode())
        for number in range(120):  # 26 MB
            stream.write(page(f"{number} lies by the sea. " * 10_000).encode())
        stream.write(b"</mediawiki>")
    source = Source(path=str(tmp_path / "dump.xml.bz2"), format="mediawiki")
    tracemalloc.start()
    count = sum(1 for _ in documents(source, source.path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 120
    assert peak < 10e6


BOMB = b'<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", r"it is no XML \(line 1, column 1: no element found\); give an XML export of MediaWiki"),
        (b"Plain text.", r"it is no XML \(line 1, column 1: syntax error\)"),
        (b"<rss><page/></rss>", "its root element is <rss>, and a dump's <mediawiki>; give an XML export"),
        (b"<!DOCTYPE html>\n<html></html>", r"line 1: it has a document type \(html\), and no dump has one"),
        (BOMB + dump(page("&b;")), r"line 1: it has a document type \(lolz\), and no dump has one"),
        (
            dump(page("Eins."))[:-20],
            r"damaged or cut short \(line 12, column 108: no element found\); copy the dump again",
        ),
        (dump(page("Eins.")).replace(b"</page>", b"</pag>"), r"damaged or cut short \(line 12, .*mismatched tag\)"),
        (dump(page("Eins.")).replace(b"Eins.", b"Eins\xfc."), r"damaged or cut short \(line 12, .*invalid token\)"),
        (dump(page("Eins.")).replace(b"<ns>0</ns>", b""), r"page 'Aal & Co' has no <ns>, so the dump is older"),
        (dump(), r"there is no text in it, read as mediawiki; check the source's path, its format"),
        (dump(page("Nur Diskussion.", namespace=1)), r"there is no text in it, read as mediawiki"),
    ],
)
def test_what_is_no_dump_is_refused_with_its_place(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "dump.xml").write_bytes(content)
    with pytest.raises(DataError, match=rf"dump\.xml: {problem}"):
        texts(tmp_path / "dump.xml", "mediawiki")


def test_a_dump_whose_compression_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dump.xml.bz2").write_bytes(bz2.compress(dump(page("Eins.")))[:-10])
    with pytest.raises(StorageError, match=r"dump\.xml\.bz2: damaged or cut short"):
        texts(tmp_path, "mediawiki")


def test_a_page_without_end_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "dump.xml.gz", "wb", compresslevel=1) as stream:
        stream.writelines(endless())
    with pytest.raises(DataError, match=r"line 12: page 'Aal & Co' is longer than 64 MB"):
        texts(tmp_path, "mediawiki")


def endless() -> Iterator[bytes]:
    before, after = dump(page("|")).split(b"|")
    yield before
    for _ in range(mediawiki.LONGEST_PAGE // 10**6 + 2):
        yield b"a" * 10**6
    yield after
