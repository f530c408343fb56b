"""Makes small vocabularies and corpora by the real functions, on the local disk."""

from pathlib import Path

from trainer.config.schema import Corpus, TextSource, Vocab
from trainer.data.manifest import Manifest
from trainer.data.parts import WHOLE, Part
from trainer.data.prepare import prepare, prepare_vocab
from trainer.data.prepared import load_tokenizer


def silent(_what: str, _done: int, _all: int | None) -> None:
    pass


def write_text(folder: Path, documents: int = 400) -> TextSource:
    blocks = [
        f"Town {number} lies by the sea. It has {number % 7} towers.\nIts people fish." for number in range(documents)
    ]
    (folder / "text.txt").write_text("\n\n".join(blocks))
    return TextSource(path=str(folder / "text.txt"))


def make(folder: Path, source: TextSource, **settings: object) -> Manifest:
    """The vocabulary and the corpus below `folder`."""
    made = make_part(folder, source, WHOLE, **settings)
    assert made is not None
    return made


def make_part(folder: Path, source: TextSource, part: Part, **settings: object) -> Manifest | None:
    sources = [(source, source.path)]
    corpus = Corpus.model_validate({"sources": [source], "documents_per_shard": 100, "held_out": 0.1, **settings})
    words = prepare_vocab(Vocab(size=200), None, sources, str(folder / "vocab"), progress=silent)
    tokenizer = load_tokenizer(str(folder / "vocab"))
    return prepare(corpus, sources, tokenizer, words, str(folder / "corpus"), progress=silent, part=part)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
