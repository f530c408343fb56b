"""Our sentence splitter beside others: speed on one core, agreement with punkt on twelve books, tricky cases.

Punkt is what DeepLearningExamples and LDDL use. It learns abbreviations from text: here, by its own unsupervised
method, from the very books that it then splits, which favours it, and not from what NLTK's download was made of.

Ours keeps a quotation in one piece, where punkt parts it, so the agreement is also given for paragraphs without one.
"""

import os
import re
import time
from collections.abc import Callable
from typing import NamedTuple

import blingfire
import pysbd
from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer
from syntok import segmenter

from tests.benchmarks.real_text import MB, books, paragraphs, show
from tests.benchmarks.tricky_sentences import TRICKY, parts
from trainer.data import sentences

Splitter = Callable[[str], list[str]]

_QUOTATION = re.compile("[\"“”‘]|(?<!\\w)'")
_SECONDS = 30
"""After which a slow one is not given more of the books."""


class Measured(NamedTuple):
    """What a splitter did to the books, or to the first paragraphs of them."""

    speed: float
    """MB/s."""
    boundaries: list[set[int]]
    """Of each paragraph; see `boundaries`."""


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    texts = [paragraph for book in books() for paragraph in paragraphs(book)]
    splitters = {"ours (sentencex)": sentences.split, "NLTK punkt": _punkt(texts)}
    splitters |= {"blingfire": _blingfire, "syntok": _syntok, "pysbd": _pysbd()}
    measured = {name: measure(split, texts) for name, split in splitters.items()}
    punkt = measured["NLTK punkt"]
    plain = [number for number, text in enumerate(texts) if not _QUOTATION.search(text)]
    rows: list[list[str]] = []
    for name, got in measured.items():
        without = [[each.boundaries[n] for n in plain if n < len(got.boundaries)] for each in (got, punkt)]
        agreements = [f"{f1(*each):.3f}" for each in ((got.boundaries, punkt.boundaries), without)]
        rows.append([name, f"{got.speed:.2f}", *agreements, f"{accuracy(splitters[name]):.0%}"])
    size = sum(len(text.encode()) for text in texts) / MB
    title = f"Sentence splitters on {size:.1f} MB of books, one core"
    columns = ["splitter", "MB/s", "F1 beside punkt", "without quotations", f"right of {len(TRICKY)} tricky cases"]
    show(title, columns, rows, "F1: of the places inside paragraphs where a sentence ends.")


def measure(split: Splitter, texts: list[str]) -> Measured:
    """Split as many of the texts as fit into the time."""
    found: list[list[str]] = []
    split(texts[0])  # what it loads when it is first used is not counted
    begun = time.perf_counter()
    for text in texts:
        found.append(split(text))
        if time.perf_counter() - begun > _SECONDS:
            break
    seconds = time.perf_counter() - begun
    size = sum(len(text.encode()) for text in texts[: len(found)])
    return Measured(size / MB / seconds, [boundaries(each) for each in found])


def boundaries(found: list[str]) -> set[int]:
    """Where sentences end inside a text, counted in characters that are no space; the text's own end is left out."""
    ends: set[int] = set()
    position = 0
    for sentence in found:
        ends.add(position)
        position += sum(map(len, sentence.split()))
    return ends - {0, position}


def f1(found: list[set[int]], expected: list[set[int]]) -> float:
    """Agreement of two splitters on the texts that both have split."""
    pairs = list(zip(found, expected, strict=False))
    common = sum(len(ours & theirs) for ours, theirs in pairs)
    return 2 * common / max(sum(len(ours) + len(theirs) for ours, theirs in pairs), 1)


def accuracy(split: Splitter) -> float:
    """Share of the tricky cases that are split in just the right places."""
    right = sum(boundaries(split(" ".join(parts(case)))) == boundaries(parts(case)) for case in TRICKY)
    return right / len(TRICKY)


def _punkt(texts: list[str]) -> Splitter:
    trainer = PunktTrainer()
    trainer.INCLUDE_ALL_COLLOCS = True  # as those who made the downloadable parameters did
    trainer.train("\n\n".join(texts))
    return PunktSentenceTokenizer(trainer.get_params()).tokenize


def _blingfire(text: str) -> list[str]:
    return blingfire.text_to_sentences(text).split("\n")


def _syntok(text: str) -> list[str]:
    return [
        "".join(token.spacing + token.value for token in sentence)
        for paragraph in segmenter.analyze(text)
        for sentence in paragraph
    ]


def _pysbd() -> Splitter:
    return pysbd.Segmenter(language="en", clean=False).segment


if __name__ == "__main__":
    main()
