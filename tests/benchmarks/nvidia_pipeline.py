"""Preparation the way of NVIDIA's DeepLearningExamples and LDDL, written anew for comparison.

    text -> sentences (NLTK's punkt) -> pieces, a sentence at a time -> [CLS] A [SEP] B [SEP] -> masked -> parquet

Pieces by `transformers`' tokenizer in Python, as in DeepLearningExamples' scripts, or by its fast one, as in LDDL. The
instances are those of Devlin et al. (2018): B is the wrong text in half of them, one document in ten is cut into
shorter ones, 15 % of the tokens are masked. A document is used once (`duplicate_factor` 1): the least that they do.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from nltk.tokenize.punkt import PunktSentenceTokenizer
from transformers import BertTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

Pieces = list[str]
Document = list[Pieces]

_MAX_LENGTH = 128
_SHORT = 0.1
_MASKED = 0.15


@dataclass(frozen=True)
class Instance:
    """A row as LDDL writes it."""

    A: str
    B: str
    is_random_next: bool
    masked_lm_positions: list[int]
    masked_lm_labels: str


class Pipeline:
    """Text of some documents -> a parquet file of instances."""

    def __init__(self, vocab: Path, fast: bool, punkt: PunktSentenceTokenizer) -> None:
        kind = BertTokenizer if fast else BertTokenizerLegacy
        self._tokenize: Callable[[str], Pieces] = kind(str(vocab), do_lower_case=True).tokenize
        self._words = vocab.read_text().split("\n")[:-1]
        self._punkt = punkt
        self._random = random.Random(0)

    def __call__(self, texts: list[str], file: Path) -> int:
        """The number of instances written."""
        documents = [document for document in map(self._document, texts) if document]
        rows = [self._masked(*pair) for n in range(len(documents)) for pair in self._pairs(documents, n)]
        self._random.shuffle(rows)
        pq.write_table(pa.Table.from_pylist([vars(row) for row in rows]), file)
        return len(rows)

    def _document(self, text: str) -> Document:
        pieces = (self._tokenize(sentence) for sentence in self._punkt.tokenize(text))
        return [of_sentence for of_sentence in pieces if of_sentence]

    def _pairs(self, documents: list[Document], number: int) -> Iterator[tuple[Pieces, Pieces, bool]]:
        document = documents[number]
        room = _MAX_LENGTH - 3
        wanted = self._random.randint(2, room) if self._random.random() < _SHORT else room
        start = 0
        while start < len(document):
            end, length = start, 0
            while end < len(document) and length < wanted:
                length += len(document[end])
                end += 1
            middle = start + (self._random.randint(1, end - start - 1) if end - start > 1 else 1)
            first = list(chain.from_iterable(document[start:middle]))
            is_random = end - start == 1 or self._random.random() < 0.5
            if is_random:
                second = self._other(documents, number, wanted - len(first))
                start = middle  # what B would have been is used again
            else:
                second = list(chain.from_iterable(document[middle:end]))
                start = end
            self._cut(first, second, room)
            yield first, second, is_random

    def _other(self, documents: list[Document], number: int, length: int) -> Pieces:
        others = (self._random.randrange(len(documents)) for _ in range(10))
        document = documents[next((other for other in others if other != number), number)]
        pieces: Pieces = []
        for sentence in document[self._random.randrange(len(document)) :]:
            pieces += sentence
            if len(pieces) >= length:
                break
        return pieces

    def _cut(self, first: Pieces, second: Pieces, room: int) -> None:
        while len(first) + len(second) > room:
            longer = first if len(first) > len(second) else second
            longer.pop(0 if self._random.random() < 0.5 else -1)

    def _masked(self, first: Pieces, second: Pieces, is_random: bool) -> Instance:
        pieces = ["[CLS]", *first, "[SEP]", *second, "[SEP]"]
        places = [place for place, piece in enumerate(pieces) if piece not in ("[CLS]", "[SEP]")]
        self._random.shuffle(places)
        chosen = sorted(places[: max(1, round(len(pieces) * _MASKED))])
        labels = [pieces[place] for place in chosen]
        for place in chosen:
            draw = self._random.random()
            if draw < 0.9:
                pieces[place] = "[MASK]" if draw < 0.8 else self._random.choice(self._words)
        end = 1 + len(first)
        return Instance(" ".join(pieces[1:end]), " ".join(pieces[end + 1 : -1]), is_random, chosen, " ".join(labels))
