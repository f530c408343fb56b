import bz2
import html
import json
import re
import tarfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.corpus import Source
from trainer.data.sources import documents, wikitext

DUMP = Path("wiki", "enwiki-pages-articles-206-pages.xml.bz2")
NS = "{http://www.mediawiki.org/xml/export-0.10/}"
MARKUP = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|\|-|''|</?[a-z]|<!--"
    r"|&[a-z]+;|&#|__[A-Z]+__|^(?:[*#:;|]|==)|\bthumb\||category:|\[https?:",
    re.MULTILINE,
)


def shown(source: str) -> str:
    return wikitext.text(wikitext.document([], source))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'''Aal''' is an ''eel''.", "Aal is an eel."),
        ("A [[town]], a [[city|large city]], [[sea]]s, [[:Category:C]].", "A town, a large city, seas, Category:C."),
        ("A [https://a.org label] and [https://b.org].", "A label and."),
        ("A town.<ref>Smith, ''p. 3</ref> It<ref name=a /> is old.", "A town. It is old."),
        ("{{Infobox\n|name = [[A]]\n|{{b|c}}\n}}\nA town of {{convert|5|km}}.", "A town of."),
        ("A (from {{lang|la|B}}, {{IPA|b}}; born 1900) town ({{IPA|b}}).", "A (from, ; born 1900) town."),
        ("{| class=x\n|-\n| a || b\n{|\n| c\n|}\n|}\nA town.", "A town."),
        ("[[File:A.jpg|thumb|A [[b]] {{c}}.]]A town.[[Category:Towns]]\n[[de:Stadt]]\n[[fr:Ville]]", "A town."),
        ("A town.<!-- not\n\nshown -->\n\n__NOTOC__\n{{DEFAULTSORT:Town}}", "A town."),
        ("A<math>x^2</math> b<nowiki>[[c]]</nowiki> d<gallery>\nA.jpg|b\n</gallery>", "A b d"),
        ("5&nbsp;km &amp; more &ndash; &lt;b&gt; &#8211; caf&eacute;", "5 km & more – <b> – café"),
        ("== History ==\nOld.\n=== Empty ===\n== Really? ==\nNew.", "History.\n\nOld.\n\nReally?\n\nNew."),
        ("== A ==\n=== B ===\nText.\n== {{Anchor|C}} ==\nMore.", "A.\n\nB.\n\nText.\n\nMore."),
        ("No such&#xD800; letter", "No such\ufffd letter"),
        ("Three:\n* one\n** [[two]]\n# three\n; term : meaning", "Three:\none\ntwo\nthree\nterm meaning"),
        ("One\nline.\n\n\n\nTwo.", "One\nline.\n\nTwo."),
        ("One<br>two<br />three<p>four</p>", "One\ntwo\nthree\n\nfour"),
        ("O''''Neill'' and '''''both'''''", "O'Neill and both"),
        ("Unpaired ''marks\n\ndo no harm<ref>''a</ref> here.<ref>b</ref>", "Unpaired marks\n\ndo no harm here."),
        ("Good.\n{{broken\n\nGood too.", "Good.\n\nGood too."),
        ("A<sub>2</sub> <small>b</small> <span style='x'>c</span> {{{1|d}}}", "A2 b c"),
        ("{{#if: a | b }}{{CURRENTDATE}}[[Image:a.png]]", ""),
    ],
)  # fmt: skip
def test_a_reader_s_text_is_kept(source: str, text: str) -> None:
    assert shown(source) == text


PIECES = [
    "{{",
    "}}",
    "[[",
    "]]",
    "{|",
    "|}",
    "|-",
    "|",
    "'",
    "'''",
    "<ref>",
    "</ref>",
    "<b>",
    "</b>",
    "<!--",
    "-->",
    "=",
]


@given(st.lists(st.sampled_from([*PIECES, "==", "\n", "*", "a", "b.", "&amp;", "[http://a", "File:", "{", "}"])))
def test_no_markup_is_left_whatever_is_written(pieces: list[str]) -> None:
    text = shown("".join(pieces))
    assert not re.search(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<!--|-->|<ref|''", text)
    assert "\0" not in text


@pytest.mark.parametrize(
    "opening",
    ["[[a|", "{{a|b=", "{{{a|", "{|\n", "<ref>", "<b>", "<a b={{", "[http://a ", "<!--", "{{[[<ref>{|''", "</b>"],
)
@pytest.mark.parametrize("size", [4_000, 300_000])
def test_a_page_of_openings_without_ends_takes_seconds_and_costs_only_itself(opening: str, size: int) -> None:
    begun = time.process_time()
    text = shown(f"Before.\n\n{opening * (size // len(opening))}\n\nAfter.")
    assert time.process_time() - begun < 10  # hours if it were parsed whole
    assert text.startswith("Before.")
    assert opening[0] == "<" or text.endswith("After.")


class Article(NamedTuple):
    title: str
    ours: str
    theirs: str
    """wikiextractor's, with its entities unescaped; empty where it found no text."""


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> ElementTree.Element:
    """The real dump, read by another reader than ours."""
    return ElementTree.fromstring(bz2.decompress((shared_data / DUMP).read_bytes()))


@pytest.fixture(scope="module")
def extracted(shared_data: Path) -> dict[str, str]:
    """wikiextractor's text of each page that it has a document of."""
    with tarfile.open(shared_data / "wiki" / "wikiextractor-output.tar.gz") as archive:
        files = [archive.extractfile(member) for member in archive if "_json/" in member.name and member.isfile()]
        rows = [json.loads(line) for file in files if file for line in file]
    return {row["title"]: html.unescape(row["text"]) for row in rows}


@pytest.fixture(scope="module")
def articles(shared_data: Path, pages: ElementTree.Element, extracted: dict[str, str]) -> list[Article]:
    titles = [page.findtext(f"{NS}title", "") for page in pages.iter(f"{NS}page") if is_article(page)]
    source = Source(path=str(shared_data / DUMP), format="mediawiki")
    texts = [wikitext.text(document) for document in documents(source, source.path)]
    return [Article(title, text, extracted[title]) for title, text in zip(titles, texts, strict=True)]


def is_article(page: ElementTree.Element) -> bool:
    return page.find(f"{NS}redirect") is None and page.findtext(f"{NS}ns") == "0"


def test_the_articles_are_those_of_wikiextractor(articles: list[Article], extracted: dict[str, str]) -> None:
    """All 106 of the dump. wikiextractor also has an empty document for each of 99 redirects, and finds no text in
    one article, which is a list from its first line to its last; lists are text to us.
    """
    assert len(articles) == 106
    assert [article.title for article in articles if not article.theirs] == ["List of anthropologists"]
    assert not any(extracted[title] for title in extracted.keys() - {article.title for article in articles})
    assert len(extracted) == 106 + 99
    assert all(article.ours for article in articles)


def test_no_markup_is_left_in_real_articles(articles: list[Article]) -> None:
    assert {article.title: MARKUP.findall(article.ours) for article in articles if MARKUP.search(article.ours)} == {}


def test_nearly_all_words_of_wikiextractor_are_in_our_text(articles: list[Article]) -> None:
    """It has a number for each formula, and leaves the markup of some categories and pictures in, which explains most
    of the rest. Ours has more words than it: those of lists.
    """
    shares = sorted((share_in_common(article), article.title) for article in articles if article.theirs)
    for share, title in shares:
        print(f"{share:.4f} {title}")
    assert shares[0][0] > 0.95
    assert sum(share for share, _ in shares) / len(shares) > 0.997


def share_in_common(article: Article) -> float:
    ours, theirs = (Counter(re.findall(r"\w+", text.lower())) for text in (article.ours, article.theirs))
    theirs = Counter({word: count for word, count in theirs.items() if not re.match(r"(formula|codice)_\d", word)})
    return (ours & theirs).total() / theirs.total()


def test_paragraphs_and_headings_are_parted_by_blank_lines(articles: list[Article]) -> None:
    albedo = next(article for article in articles if article.title == "Albedo")
    paragraphs = albedo.ours.split("\n\n")
    assert paragraphs[0].startswith('Albedo or reflection coefficient, derived from Latin albedo "whiteness"')
    assert "Terrestrial albedo." in paragraphs
