from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.chunks import Chunk, ChunkIndex, build_chunks
from trainer.data.corpus import Corpus

lengths_of_documents = st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=30), min_size=1, max_size=20)


def one_after_the_other(documents: list[list[int]], max_tokens: int) -> list[Chunk]:
    """The definition, as a loop."""
    chunks: list[Chunk] = []
    for number, lengths in enumerate(documents):
        first = tokens = 0
        for sentence, length in enumerate(lengths):
            if sentence > first and tokens + length > max_tokens:
                chunks.append(Chunk(number, first, sentence))
                first, tokens = sentence, 0
            tokens += length
        chunks.append(Chunk(number, first, len(lengths)))
    return chunks


def as_arrays(documents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(documents).astype(np.uint16), np.cumsum([0, *map(len, documents)])


@given(documents=lengths_of_documents, max_tokens=st.integers(1, 200), shards=st.integers(1, 3))
def test_chunks_are_the_longest_runs_that_fit(documents: list[list[int]], max_tokens: int, shards: int) -> None:
    parts = [documents[start : start + shards] for start in range(0, len(documents), shards)]
    index = ChunkIndex(map(as_arrays, parts), max_tokens)
    assert [index[number] for number in range(len(index))] == one_after_the_other(documents, max_tokens)
    assert index.counts == [len(one_after_the_other(part, max_tokens)) for part in parts]


def test_a_sentence_over_the_length_is_a_chunk_of_its_own() -> None:
    assert build_chunks(*as_arrays([[2, 90, 2, 2]]), max_tokens=10).tolist() == [0, 1, 2]


def test_an_empty_split_has_no_chunks(numbered_corpus: Callable[..., Corpus]) -> None:
    assert len(ChunkIndex(numbered_corpus([]).sentence_lengths(), 10)) == 0
