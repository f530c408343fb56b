"""The text of a shard -> the shard: what each of the processes does that prepare a corpus."""

from tokenizers import Tokenizer

from trainer.config.corpus import Corpus
from trainer.data.cutting import ShardText
from trainer.data.encoding import Encoder
from trainer.data.manifest import Settings, most_frequent
from trainer.data.shards import Counted, Notes, finished_shard, made_from, write_shard
from trainer.data.texts import Texts


class ShardMaker:
    """Makes shards of one corpus, or finds them finished.

    Args:
        corpus: says how text is made of documents.
        tokenizer: as `vocab.load` makes it.
        settings: all that shapes a shard beside its text.
        uri: the folder to write to.
    """

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, settings: Settings, uri: str) -> None:
        self._texts = Texts(corpus)
        self._encode = Encoder(tokenizer)
        self._vocab_size = tokenizer.get_vocab_size()
        self._settings = settings
        self._uri = uri

    def __call__(self, text: ShardText) -> Counted:
        source = made_from(self._settings, text.sha256)
        before = finished_shard(self._uri, text.place, vocab_size=self._vocab_size, made_from=source)
        return self._make(text, source) if before is None else before

    def _make(self, text: ShardText, source: str) -> Counted:
        left_out = text.left_out.copy()
        kept: list[str] = []
        for document in text.documents:
            found, reason = self._texts(text.place.source, document)
            if found is None:
                left_out[reason or "empty"] += 1
            else:
                kept.append(found)
        self._encode.unknown_words.clear()
        documents = list(self._encode(kept))
        if len(documents) < len(kept):
            left_out["empty"] += len(kept) - len(documents)
        notes = Notes(source, dict(left_out), most_frequent(self._encode.unknown_words))
        return write_shard(self._uri, text.place, documents, vocab_size=self._vocab_size, notes=notes)
