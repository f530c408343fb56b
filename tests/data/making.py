"""Makes small vocabularies and corpora by the real functions, on the local disk."""

from collections.abc import Callable
from pathlib import Path

from trainer.config.corpus import Corpus, Source, Vocab
from trainer.data.corpus_parts import WHOLE, Part
from trainer.data.manifest import Manifest, VocabManifest
from trainer.data.prepare import find_duplicates, prepare, prepare_vocab, surveyor
from trainer.data.shared_corpus import load_tokenizer
from trainer.data.survey import Survey


def silent(_what: str, _done: int, _all: int | None) -> None:
    pass


def write_text(folder: Path, documents: int = 400) -> Source:
    blocks = [
        f"Town {number} lies by the sea. It has {number % 7} towers.\nIts people fish." for number in range(documents)
    ]
    (folder / "text.txt").write_text("\n\n".join(blocks))
    return Source(path=str(folder / "text.txt"))


def make(folder: Path, source: Source, **settings: object) -> Manifest:
    """The vocabulary and the corpus below `folder`."""
    made = make_part(folder, source, WHOLE, **settings)
    assert made is not None
    return made


def make_part(folder: Path, source: Source, part: Part, processes: int = 1, **settings: object) -> Manifest | None:
    sources = [(source, source.path)]
    corpus = Corpus.model_validate({"sources": [source], "documents_per_shard": 100, "held_out": 0.1, **settings})
    words = make_vocab(Vocab(size=200), source, str(folder / "vocab"), corpus=corpus)
    tokenizer, where = load_tokenizer(str(folder / "vocab")), str(folder / "corpus")
    find_duplicates(corpus, looking(corpus, processes), where)
    return prepare(corpus, sources, tokenizer, words, where, progress=silent, processes=processes, part=part)


def make_vocab(vocab: Vocab, source: Source, uri: str, corpus: Corpus | None = None) -> VocabManifest:
    """A vocabulary that is trained on a source."""
    corpus = corpus or Corpus(sources=(source,))
    return prepare_vocab(vocab, None, corpus, looking(corpus), uri)


def looking(corpus: Corpus, processes: int = 1) -> Callable[[], Survey]:
    sources = [(source, source.path) for source in corpus.sources]
    return surveyor(corpus, sources, progress=silent, processes=processes)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
