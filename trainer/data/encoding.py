"""Documents -> token ids, sentence by sentence, with the tokenizer kept busy on all cores.

Sentences of many documents go to the tokenizer together, in slabs: enough for all cores, little enough for the memory,
also where one document is a whole book.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer.data import sentences
from trainer.data.shards import Document

_SLAB = 4096
"""Sentences handed to the tokenizer at once."""
_LONGEST_SENTENCE = 100
"""Tokens. Text without sentence ends (lists, tables, some languages) is cut, so that training sees every part of it."""


def encoded(documents: Iterable[str], tokenizer: Tokenizer) -> Iterator[Document]:
    """Tokenize documents, in order; one without any token is left out."""
    slab: list[list[str]] = []
    waiting = 0
    for document in documents:
        slab.append(sentences.split(document))
        waiting += len(slab[-1])
        if waiting >= _SLAB:
            yield from _encoded_slab(slab, tokenizer)
            slab, waiting = [], 0
    yield from _encoded_slab(slab, tokenizer)


def _encoded_slab(slab: list[list[str]], tokenizer: Tokenizer) -> Iterator[Document]:
    tokens, lengths = _encoded_sentences(list(chain.from_iterable(slab)), tokenizer)
    sentence_ends = np.cumsum([len(document) for document in slab], dtype=np.int64)[:-1]
    token_ends = np.concatenate([[0], np.cumsum(lengths)])[sentence_ends]
    parts = zip(np.split(tokens, token_ends), np.split(lengths, sentence_ends), strict=True)
    return (Document(of_tokens, _cut(of_lengths)) for of_tokens, of_lengths in parts if of_tokens.size)


def _encoded_sentences(texts: list[str], tokenizer: Tokenizer) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    tokens: list[NDArray[np.uint32]] = []
    lengths: list[int] = []
    for start in range(0, len(texts), _SLAB):
        encodings = tokenizer.encode_batch_fast(texts[start : start + _SLAB], add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        lengths += map(len, ids)
        tokens.append(np.fromiter(chain.from_iterable(ids), np.uint32))
    return np.concatenate(tokens) if tokens else np.empty(0, np.uint32), np.array(lengths, np.int64)


def _cut(lengths: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Sentence lengths without the empty sentences, the long ones in pieces."""
    whole = lengths // _LONGEST_SENTENCE
    rest = lengths % _LONGEST_SENTENCE
    pieces = np.column_stack([np.full_like(lengths, _LONGEST_SENTENCE), rest]).ravel()
    return np.repeat(pieces, np.column_stack([whole, rest > 0]).ravel()).astype(np.uint16)
