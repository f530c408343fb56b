"""Runs all parts of the doctor over one corpus."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer

from trainer import storage
from trainer.config import schema
from trainer.data import manifest, vocab
from trainer.data.corpus import Corpus, described
from trainer.data.doctor import advice, checksums, language_hints
from trainer.data.doctor.census import Census
from trainer.data.doctor.diagnosis import Amount, Diagnosis, Drawn, Stranger
from trainer.data.doctor.drawing import draw
from trainer.data.doctor.language_hints import Reader
from trainer.data.doctor.oddest_documents import Strange, Strangers
from trainer.data.doctor.rows import Block, Rows
from trainer.data.drawn_instances import DrawnInstances
from trainer.data.given_instances import GivenInstances
from trainer.data.manifest import SPLITS, Manifest, Shard, SplitName, VocabManifest
from trainer.data.masking import Masking
from trainer.data.progress import Progress
from trainer.data.shared_corpus import load_tokenizer
from trainer.errors import DataError

STRANGERS = 20
_LOOKED_THROUGH = 400
"""Strange documents, to find so many that begin in different ways."""
_CHARACTERS = 80
_LONGEST_START = 60
"""Tokens; they have more than `_CHARACTERS` characters in any case."""


def examine(
    corpus_uri: str, vocab_uri: str, stages: Sequence[schema.Pretrain], *, most_tokens: int | None, tell: Progress
) -> Diagnosis:
    """Look at a prepared corpus.

    Args:
        corpus_uri: the folder of corpus.json.
        vocab_uri: the folder of vocab.txt and vocab.json.
        stages: whose instances are drawn; without any, those of Berth's default stage.
        most_tokens: look at about so many only, and do not compare shards with their SHA-256; None is all and do.
        tell: told how far it is.

    Raises:
        DataError: there is no whole corpus, a shard is damaged, or the vocabulary is another.
        StorageError: the storage cannot be read.
    """
    found = described(corpus_uri)
    words = manifest.read(storage.join(vocab_uri, "vocab.json"), VocabManifest)
    tokenizer = load_tokenizer(vocab_uri)
    if tokenizer.get_vocab_size() != found.vocab_size:
        problem = f"has {tokenizer.get_vocab_size()} pieces, and the corpus was made with {found.vocab_size}"
        raise DataError(storage.join(vocab_uri, "vocab.txt"), problem, "give the vocabulary of the corpus")
    if most_tokens is None:
        checksums.verify(corpus_uri, found, lambda done: tell("checksums", done, len(found.shards)))
    return _Examination(corpus_uri, found, words, tokenizer, most_tokens, tell).diagnosis(stages)


class _Examination:
    def __init__(
        self,
        uri: str,
        made: Manifest,
        words: VocabManifest,
        tokenizer: Tokenizer,
        most_tokens: int | None,
        tell: Progress,
    ) -> None:
        self._uri = uri
        self._made = made
        self._of_text = made.kind == "documents"
        self._words = words
        self._tokenizer = tokenizer
        self._reader = Reader(tokenizer)
        self._checked = most_tokens is None
        self._tell = tell
        self._rows = {split: Rows(uri, made, split) for split in SPLITS}
        self._tokens = sum(shard.tokens for shard in made.shards)
        self._share = 1.0 if most_tokens is None else most_tokens / max(self._tokens, 1)

    def diagnosis(self, stages: Sequence[schema.Pretrain]) -> Diagnosis:
        made = self._made
        census, strangers = self._pass_over()
        pieces = vocab.pieces(self._tokenizer)
        languages = language_hints.languages(self._rows["train"], self._reader)
        samples = languages.total()
        found = Diagnosis(
            corpus=made.location or self._uri,
            kind=made.kind,
            text_sha256=made.text_sha256,
            examined=census.tokens / max(self._tokens, 1),
            checked=self._checked,
            amounts=self._amounts(),
            left_out=made.left_out,
            vocab_size=made.vocab_size,
            lowercase=self._words.lowercase,
            unigram_entropy=made.unigram_entropy,
            unknown_rate=made.unknown_rate,
            unknown_words=made.unknown_words,
            duplicate_documents=census.duplicate_documents,
            duplicate_sentences=census.duplicate_sentences if self._of_text else None,
            single_sentences=census.single_sentences if self._of_text else None,
            repetitive=strangers.repetitive,
            capitals=None if self._words.lowercase else language_hints.capitals(pieces, census.token_counts),
            idle_capitals=language_hints.with_capitals(pieces) if self._words.lowercase else 0,
            languages={code: count / samples for code, count in languages.most_common()},
            language_samples=samples,
            drawn=tuple(self._drawn(stage) for stage in stages or (self._usual_stage(),)),
            assumed=not stages,
            strangers=self._strangers(strangers),
        )
        return found.model_copy(update={"warnings": advice.warnings(found)})

    def _pass_over(self) -> tuple[Census, Strangers]:
        """Twice over the rows: what is strange is known only when all are counted."""
        census = Census(self._made.vocab_size)
        for split in SPLITS:
            census.over(self._blocks(split, 0))
        strangers = Strangers(census.token_counts)
        for split in SPLITS:
            strangers.over(split, self._blocks(split, 1))
        return census, strangers

    def _blocks(self, split: SplitName, turn: int) -> Iterator[Block]:
        rows = sum(len(self._rows[each]) for each in SPLITS)
        before = turn * rows + (len(self._rows["train"]) if split == "held_out" else 0)
        for block in self._rows[split].blocks(self._share):
            yield block
            self._tell("documents", before + block.first + block.sizes.size, 2 * rows)

    def _usual_stage(self) -> schema.Pretrain:
        """Berth's default, as long as it must be for instances that were made elsewhere."""
        usual = schema.Pretrain()
        longest = 0 if self._of_text else self._rows["train"].longest()
        return usual.model_copy(update={"max_length": max(usual.max_length, longest)})

    def _drawn(self, stage: schema.Pretrain) -> Drawn:
        self._tell("instances", 0, None)
        special = vocab.special_ids(self._tokenizer)
        masking = Masking(special, vocab.continuations(self._tokenizer), stage)
        instances = (
            DrawnInstances(Corpus(self._uri, "train"), stage, special, masking)
            if self._of_text
            else GivenInstances(self._uri, "train", stage, masking)
        )
        return draw(instances, self._made.weights, stage, special.mask)

    def _amounts(self) -> tuple[Amount, ...]:
        sources = self._made.settings.get("corpus.sources") or []
        shards = defaultdict[tuple[SplitName, int], list[Shard]](list)
        for shard in self._made.shards:
            shards[shard.split, shard.source].append(shard)
        return tuple(
            Amount(
                split=split,
                source=str(sources[source]["path"]) if source < len(sources) else f"source {source}",
                documents=sum(shard.documents for shard in of_both),
                sentences=sum(shard.sentences for shard in of_both),
                tokens=sum(shard.tokens for shard in of_both),
            )
            for (split, source), of_both in sorted(
                shards.items(), key=lambda item: (SPLITS.index(item[0][0]), item[0][1])
            )
        )

    def _strangers(self, found: Strangers) -> tuple[Stranger, ...]:
        """The strangest ones; of those that begin alike only the first, since one is enough to know them all."""
        by_text: dict[str, Stranger] = {}
        for strange in found.strangest(_LOOKED_THROUGH):
            stranger = self._stranger(strange)
            by_text.setdefault(stranger.text, stranger)
        repetitive = [stranger for stranger in by_text.values() if stranger.why == "repetitive"][: STRANGERS // 2]
        surprising = [stranger for stranger in by_text.values() if stranger.why == "surprising"]
        return tuple((repetitive + surprising)[:STRANGERS])

    def _stranger(self, strange: Strange) -> Stranger:
        rows = self._rows[strange.split]
        shard, row = rows.place(strange.number)
        return Stranger(
            shard=shard,
            row=row,
            tokens=strange.tokens,
            surprise=strange.surprise,
            repeated=strange.repeated,
            why=strange.why,
            text=self._reader.text(rows.tokens(strange.number)[:_LONGEST_START])[:_CHARACTERS],
        )
