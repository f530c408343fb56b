"""MediaWiki's wikitext -> plain text: what a reader of the page sees in its paragraphs and lists.

mwparserfromhell parses. Kept are paragraphs, lists (an item a line), the labels of links, and headings, each as a
sentence of its own as wikiextractor has them, if anything stands below. Left out are templates, tables, footnotes,
files, categories, links to other languages, formulas and code. Nothing is expanded: the text is the same on any day.
"""

import html
import re
from collections.abc import Iterable, Iterator

import mwparserfromhell
from mwparserfromhell.definitions import SINGLE, is_parsable
from mwparserfromhell.nodes import ExternalLink, Heading, HTMLEntity, Node, Tag, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode

_HIDDEN_LINKS = frozenset({"category", "file", "image", "media"})
"""Understood by all wikis, beside the names in their own language."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple")
# Beside those whose content is not wikitext (math, gallery, nowiki, syntaxhighlight ...), which the parser knows.
_HIDDEN_TAGS = frozenset(
    {"includeonly", "indicator", "mapframe", "maplink", "ref", "references", "script", "style", "table"}
)
_BLOCK_TAGS = frozenset({"blockquote", "center", "div", "hr", "p", "poem"})
_LINE_TAGS = frozenset({"br", "caption", "td", "th", "tr"})
_LIST_TAGS = frozenset({"dd", "dt", "li"})

_SWITCH = re.compile(r"__\w+?__")  # __NOTOC__
_QUOTES = re.compile(r"'{2,}")
"""Italic and bold. The parser would pair them across lines, as MediaWiki does not, and one without its partner in a
footnote or table hides that one's end: of 106 real pages Alaska lost a third of its text so, and Angola a sixth."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")  # one without its partner
_MARKUP = ("{{", "}}", "[[", "]]", "{|", "|}", "|-", "<!--", "-->", "<ref", "[http")
_EMPTY_BRACKETS = re.compile(r"\s*\([\s,;:]*\)")  # where only a template or a footnote stood in them
_AFTER_BRACKET = re.compile(r"(?<=\()[\s,;]+")
_BEFORE_COMMA = re.compile(r"\s+(?=[,.)](?:\s|$))")
_HEADING = "\0"
"""Before a heading's level and title; no XML holds this character."""

_MOST_WORK = 1e7
"""For each opening without an end the parser reads to the end of the page, at 10 MB/s: this is 1 s. The most that any
of the 106 real pages needs is a twentieth of it."""
_PAIRS = (
    re.compile(r"(?P<opens>\{[{|])|\}\}|\|\}"),
    re.compile(r"(?P<opens>\[\[|\[(?=\w+:))|\]\]?"),
    re.compile(rf"(?P<opens><(?!(?:{'|'.join(SINGLE)})\b)[a-zA-Z!])|</|/>|-->"),
)


def document(hidden_links: Iterable[str], wikitext: str) -> str:
    """A page for `text`, with the wiki's own names of the namespaces of files and categories."""
    return f"{'|'.join(hidden_links)}\n{wikitext}"


def text(document: str) -> str:
    """The plain text of a page; paragraphs are parted by a blank line.

    Lines in which markup is left that the parser could not make out are left out.
    """
    names, _, wikitext = document.partition("\n")
    hidden_links = _HIDDEN_LINKS | set(filter(None, names.lower().split("|")))
    parsed = (mwparserfromhell.parse(piece, skip_style_tags=True) for piece in _pieces(wikitext))
    shown = "".join(_shown(piece, hidden_links) for piece in parsed)
    return "\n".join(_with_headings(map(_tidied, shown.split("\n")))).strip("\n")


def _shown(code: Wikicode, hidden_links: frozenset[str]) -> str:
    return "".join(_node(node, hidden_links) for node in code.nodes)


def _node(node: Node, hidden_links: frozenset[str]) -> str:
    shown = ""
    match node:
        case Text():
            shown = _TAG.sub("", node.value)
        case HTMLEntity():
            shown = html.unescape(str(node))
        case Heading():
            shown = f"\n{_HEADING}{node.level}{' '.join(_shown(node.title, hidden_links).split())}\n"
        case Wikilink():
            shown = _link(node, hidden_links)
        case ExternalLink():
            if node.title is not None:
                shown = _shown(node.title, hidden_links)
            elif not node.brackets:
                shown = str(node.url)
        case Tag():
            shown = _tag(node, hidden_links)
        case _:  # templates, comments
            pass
    return shown


def _link(link: Wikilink, hidden_links: frozenset[str]) -> str:
    prefix, colon, _ = str(link.title).strip().partition(":")
    if colon and prefix.strip().lower() in hidden_links:
        return ""
    if link.text is not None:
        return _shown(link.text, hidden_links)
    if colon and _LANGUAGE.fullmatch(prefix):
        return ""
    return _shown(link.title, hidden_links).strip().removeprefix(":")


def _tag(tag: Tag, hidden_links: frozenset[str]) -> str:
    name = str(tag.tag).strip().lower()
    if name in _HIDDEN_TAGS or not is_parsable(name):
        return ""
    shown = _shown(tag.contents, hidden_links) if tag.contents else ""
    if name in _BLOCK_TAGS:
        return f"\n\n{shown}\n\n"
    if name in _LINE_TAGS:
        return f"\n{shown}\n" if shown else "\n"
    if name in _LIST_TAGS:
        return f"\n{shown}\n" if shown else " "
    return shown


def _tidied(line: str) -> str:
    """The line single-spaced, without what is left of markup; empty where nothing to read is left."""
    line = _SWITCH.sub(lambda switch: "" if switch[0].isupper() else switch[0], line)
    line = _QUOTES.sub(_apostrophes, line)
    if line.startswith("|") or any(mark in line for mark in _MARKUP):
        return ""
    line = _AFTER_BRACKET.sub("", _EMPTY_BRACKETS.sub("", " ".join(line.split())))
    line = _BEFORE_COMMA.sub("", line).lstrip(" ,;:").rstrip()
    return line if any(map(str.isalnum, line)) else ""


def _apostrophes(quotes: re.Match[str]) -> str:
    """MediaWiki shows the fourth as an apostrophe, and those beyond five."""
    count = len(quotes[0])
    return "'" if count == 4 else "'" * (count - 5)


def _with_headings(lines: Iterable[str]) -> Iterator[str]:
    """Blank lines single; headings without text below them left out, the others between blank lines."""
    headings: list[str] = []
    blank = True
    for line in lines:
        if line.startswith(_HEADING):
            level, title = line[1], line[2:].strip()
            headings = [heading for heading in headings if heading[0] < level] + [level + title] * bool(title)
        elif line:
            for heading in headings:
                title = heading[1:]
                yield from ("", title if title.endswith((".", "!", "?")) else f"{title}.")
            if headings or blank:
                yield ""
            headings = []
            yield line
        blank = not line


def _pieces(wikitext: str) -> Iterator[str]:
    """The whole page, or its lines where the parser would take too long for that; the worst of the lines are left out.

    Time is foretold, not measured, so that the text is the same on a slow machine.
    """
    if _work(wikitext) <= _MOST_WORK:
        yield wikitext
    else:
        yield from (line for line in wikitext.splitlines(keepends=True) if _work(line) <= _MOST_WORK)


def _work(wikitext: str) -> int:
    return sum(_unclosed(pair.finditer(wikitext)) for pair in _PAIRS) * len(wikitext)


def _unclosed(brackets: Iterable[re.Match[str]]) -> int:
    unclosed = 0
    for bracket in brackets:
        unclosed = unclosed + 1 if bracket["opens"] else max(0, unclosed - 1)
    return unclosed
