"""What `berth doctor` says of a corpus: a record that is JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from trainer.data.manifest import SplitName


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(_Record):
    """How much text of a source is in a split."""

    split: SplitName
    source: str
    documents: int
    sentences: int
    tokens: int


class Drawn(_Record):
    """Instances of a stage, drawn as training draws them. Shares are from 0 to 1."""

    stage: str
    max_length: int
    mlm_probability: float
    samples: int
    """How many were drawn; the figures are theirs."""
    epoch: int
    """How many there are in an epoch."""
    epochs: float
    """How often the stage's steps go through the corpus."""
    mask_rate: float
    """Share of the tokens that are to be predicted."""
    masked: float
    """Of those: shown as [MASK]."""
    replaced: float
    """Of those: shown as a random piece. The rest is shown as it is."""
    random_next: float | None
    """Share of the pairs whose second part is random; None without next-sentence prediction."""
    padding: float
    """Share of a classic batch, padded to `max_length`, that would be padding. Berth's batches have none."""
    short: float
    """Share of the instances that are shorter than half of `max_length`."""
    long: int
    """95 % of the instances are at most so long."""
    bin_width: int
    """In tokens, of the histogram of lengths."""
    bins: tuple[int, ...]
    """Instances of 1 to `bin_width` tokens, of the next `bin_width`, and so on up to `max_length`."""


class Stranger(_Record):
    """A document that is not like the others."""

    shard: str
    row: int
    tokens: int
    surprise: float
    """Mean -log p of its tokens, in nats; p is the token's frequency in the corpus."""
    repeated: float
    """Share of its runs of 5 tokens that stand in it before."""
    why: Literal["surprising", "repetitive"]
    text: str
    """How it begins."""


class Concern(_Record):
    """Something to look at before training."""

    problem: str
    remedy: str


class Diagnosis(_Record):
    """All that was found. Shares are from 0 to 1."""

    format: Literal[1] = 1
    corpus: str
    """The folder's URI, or that of the prepared corpus it stands for."""
    kind: Literal["documents", "instances"]
    text_sha256: str
    """Of the corpus; says whether a diagnosis is of this one."""
    examined: float
    """Share of the tokens that were looked at for what follows; 1 is all."""
    checked: bool
    """Whether every shard was compared with its SHA-256."""
    amounts: tuple[Amount, ...]
    left_out: dict[str, int]
    vocab_size: int
    lowercase: bool
    unigram_entropy: float
    unknown_rate: float
    unknown_words: dict[str, int]
    duplicate_documents: float
    """Share of the documents that are, token by token, one that came before."""
    duplicate_sentences: float | None
    """The same of sentences of 10 tokens or more; None where rows are instances."""
    single_sentences: float | None
    """Share of the documents that are one sentence; None where rows are instances."""
    repetitive: float
    """Share of the documents of which at least half stands in them twice."""
    capitals: float | None
    """Share of the words, in scripts that have capitals, that begin with one; None where text is lower-cased."""
    idle_capitals: int
    """Pieces of the vocabulary with capitals that lower-cased text can never use."""
    languages: dict[str, float]
    """ISO 639-1 code -> share of the documents looked at."""
    language_samples: int
    drawn: tuple[Drawn, ...]
    assumed: bool
    """Whether the stages in `drawn` are Berth's defaults, because no run was told."""
    strangers: tuple[Stranger, ...]
    warnings: tuple[Concern, ...] = ()

    @property
    def documents(self) -> int:
        return sum(amount.documents for amount in self.amounts)

    @property
    def tokens(self) -> int:
        return sum(amount.tokens for amount in self.amounts)
