"""The settings of what a run learns from: text, what is made of it, and the vocabulary."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from trainer.config.section import Count, Section

PREPROCESSED = ("hdf5", "lddl")
"""Formats whose rows are instances already."""


class Source(Section):
    """Text, or what others made of text, in one of the layouts that people have it in."""

    path: str
    """A file, a folder or a glob, as an fsspec URI; .gz, .bz2 and .xz are unpacked. `run://`: the run's own folder."""
    format: Literal["text", "books", "mediawiki", "wikiextractor", "jsonl", "parquet", "datasets", "hdf5", "lddl"] = (
        "text"
    )
    """`text`: plain UTF-8. `books`: a book a file, Project Gutenberg's header and footer left out. `mediawiki`: an XML
    dump. `wikiextractor`: its output, `<doc>` or JSON. `jsonl`, `parquet`: a document a row. `datasets`: a folder of
    Hugging Face's `save_to_disk`, of one split. `hdf5`: instances of NVIDIA's or MLPerf's scripts. `lddl`: those of
    NVIDIA's LDDL.
    """
    documents: Literal["block", "line", "file"] = "block"
    """Only `text`. What a document is: a `block` of lines between blank lines, a `line`, or a whole `file`."""
    field: str = "text"
    """Only `jsonl`, `parquet`, `datasets`: the name of the field with the text."""
    namespaces: tuple[int, ...] = (0,)
    """Only `mediawiki`: which kinds of page; 0 are articles."""
    masks: Literal["draw", "keep"] = "draw"
    """Only `hdf5`, `lddl`: `draw` undoes the masks in the data and draws others in each epoch; `keep` uses them."""
    weight: Annotated[float, Field(gt=0)] = 1
    """How often an epoch goes through the source: 2 is twice, 0.5 is another half of it in each epoch."""


class Cleaning(Section):
    """What is left out of the text, or changed in it. Nothing unless it is named; corpus.json counts what it did."""

    duplicates: Literal["keep", "exact", "near"] = "keep"
    """`exact` leaves out a document that came before, letter by letter; `near` also one much like one before."""
    similarity: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Only `near`: the share of 5-word runs that two documents have in common (Jaccard) from which one goes."""
    languages: tuple[str, ...] = ()
    """Documents in other languages are left out; ISO 639-1 codes such as `en`."""
    min_characters: Annotated[int, Field(ge=0)] = 0
    """Shorter documents are left out."""
    unicode: Literal["NFC", "NFKC"] | None = None
    """Normalise Unicode first."""


class Corpus(Section):
    """What is read before training starts, and how it is laid out: text, or a corpus that `berth prepare` made."""

    sources: tuple[Source, ...] = ()
    """Where the text comes from; read in this order."""
    cleaning: Cleaning = Cleaning()
    documents_per_shard: Count = 10_000
    """Documents in one Arrow file; fewer where they are long."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """Share of the documents that is kept from training, for the validation loss."""
    prepared: str | None = None
    """Instead of `sources`: the folder of a prepared corpus, as a URI. It brings its vocabulary and its settings."""
    wait_minutes: Annotated[float, Field(ge=0)] = 0
    """Only `prepared`: how long to wait for a corpus that is still being made, before the run is refused."""

    @property
    def is_preprocessed(self) -> bool:
        """Whether the sources are instances, not text."""
        return any(source.format in PREPROCESSED for source in self.sources)

    @model_validator(mode="after")
    def _text_or_a_prepared_corpus(self) -> "Corpus":
        if self.prepared is None:
            if not self.sources:
                raise ValueError("sources is not set, nor is prepared, so there is no text; set one of them")
            return self
        for name in ("sources", "cleaning", "documents_per_shard", "held_out"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is set, and the corpus at {self.prepared} has its own; remove it or prepared")
        return self

    @model_validator(mode="after")
    def _instances_are_not_mixed_with_text(self) -> "Corpus":
        if not self.is_preprocessed:
            return self
        if any(source.format not in PREPROCESSED for source in self.sources):
            raise ValueError("sources are text and instances (hdf5, lddl); make a corpus of each, or choose one kind")
        if len({source.masks for source in self.sources}) > 1:
            raise ValueError("masks is `keep` for some sources and `draw` for others; choose one for all")
        if self.cleaning != Cleaning():
            raise ValueError("cleaning is set, and instances (hdf5, lddl) cannot be cleaned any more; remove it")
        return self


class Vocab(Section):
    """The WordPiece vocabulary: given, or trained on the corpus."""

    path: str | None = None
    """A `vocab.txt`, a `tokenizer.json` or a Hugging Face directory. Without it one is trained on the corpus."""
    size: Annotated[int, Field(ge=32)] = 30_522
    """Pieces in a trained vocabulary, rounded up to a multiple of 8 with `[unused0]`, `[unused1]` ..."""
    lowercase: bool = True
    """Lower-case and strip accents, as `bert-base-uncased` does."""


def refuse_without_vocabulary(corpus: Corpus, vocab: Vocab) -> None:
    """Do nothing unless the corpus is instances, whose ids say nothing without their vocabulary, and none is given.

    Raises:
        ValueError: for pydantic to tell of.
    """
    if corpus.is_preprocessed and vocab.path is None:
        raise ValueError(
            "vocab.path is not set, and instances (hdf5, lddl) are of the vocabulary that they were made with; "
            "set it to that one"
        )


class Text(Corpus):
    """The text of a corpus that is prepared by itself, and how it is laid out."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """Where the text comes from; read in this order."""
    prepared: SkipJsonSchema[str | None] = None
    wait_minutes: SkipJsonSchema[float] = 0


class CorpusRun(Section):
    """A corpus that is prepared by itself, once, for many runs."""

    storage: str
    """The corpus's folder, as an fsspec URI; runs name it as `corpus.prepared`."""
    corpus: Text
    vocab: Vocab = Vocab()

    @model_validator(mode="after")
    def _instances_bring_their_vocabulary(self) -> "CorpusRun":
        refuse_without_vocabulary(self.corpus, self.vocab)
        return self
