"""Text -> vocabulary and corpus in a folder: as a part of a run, or by themselves with `berth prepare`.

Everything that is written appears whole or not at all, so this may be stopped anywhere; the same command goes on. Many
processes may work on one corpus, each on its part. Nothing here needs torch, so that such a pod is small.
"""

import signal

from rich.console import Console

from trainer import storage
from trainer.config.corpus import Corpus, CorpusRun, Vocab
from trainer.data import prepare as text
from trainer.data import shared_corpus
from trainer.data.corpus_parts import WHOLE, Part
from trainer.data.manifest import Manifest, VocabManifest
from trainer.data.processes import available
from trainer.data.progress import Progress
from trainer.data.texts import Sources
from trainer.engine.folder import RunFolder
from trainer.errors import DataError
from trainer.runtime.display import Display


def execute(settings: CorpusRun, part: Part, wait_minutes: float, console: Console) -> str:
    """Prepare a part of a corpus and say in a line how far the whole is.

    Args:
        wait_minutes: how long to wait for the vocabulary, which part 0 makes.

    Raises:
        InputError: a person must mend something.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same call continues.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background command starts with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    folder = RunFolder.of_corpus(settings)
    with Display(console) as display:
        made = prepare(settings.corpus, settings.vocab, folder, display.show, part, wait_minutes)
    if made is None:
        return f"part {part} is done; the corpus: {shared_corpus.how_far(folder.uri).told}"
    documents = sum(totals.documents for totals in made.totals.values())
    tokens = sum(totals.tokens for totals in made.totals.values())
    return f"corpus: {folder.uri}, {documents:,} documents, {tokens:,} tokens"


def prepare(
    corpus: Corpus,
    vocab: Vocab,
    folder: RunFolder,
    progress: Progress,
    part: Part = WHOLE,
    wait_minutes: float = 0,
) -> Manifest | None:
    """Make the vocabulary and the corpus of text, or a part of it.

    Args:
        part: which shards to make; part 0 makes the vocabulary, the others wait for it.
        wait_minutes: how long they do.

    Returns:
        The manifest of the whole corpus, or None while other parts are not finished.

    Raises:
        InputError: text or vocabulary is not what it should be, or there is no vocabulary in time.
    """
    text.begin(corpus, vocab, folder.corpus, part)
    if part.number:
        _wait_for_vocabulary(folder, wait_minutes, progress)
    processes, sources = available(), _sources(corpus, folder)
    look = text.surveyor(corpus, sources, progress=_named("text", progress), processes=processes)
    if not part.number:
        text.find_duplicates(corpus, look, folder.corpus)
    words = text.prepare_vocab(vocab, _given(vocab, folder), corpus, look, folder.vocab)
    return text.prepare(
        corpus,
        sources,
        shared_corpus.load_tokenizer(folder.vocab),
        words,
        folder.corpus,
        progress=_named("corpus", progress),
        processes=processes,
        part=part,
    )


def prepare_vocabulary(corpus: Corpus | None, vocab: Vocab, folder: RunFolder, progress: Progress) -> VocabManifest:
    """Make or copy the vocabulary alone; a run that only fine-tunes needs no more."""
    look = None
    if corpus is not None:
        sources = _sources(corpus, folder)
        look = text.surveyor(corpus, sources, progress=_named("text", progress), processes=available())
    return text.prepare_vocab(vocab, _given(vocab, folder), corpus, look, folder.vocab)


def _given(vocab: Vocab, folder: RunFolder) -> str | None:
    return folder.resolve(vocab.path) if vocab.path else None


def _wait_for_vocabulary(folder: RunFolder, minutes: float, progress: Progress) -> None:
    def there() -> bool:
        return "vocab.json" in storage.names(folder.vocab)

    if not shared_corpus.wait(there, minutes, lambda: progress("waiting for the vocabulary", 0, 1)):
        problem = f"part 0 has not finished the vocabulary after {minutes:g} minutes"
        raise DataError(folder.vocab, problem, "look after part 0, or raise --wait-minutes")


def _sources(corpus: Corpus, folder: RunFolder) -> Sources:
    return [(source, folder.resolve(source.path)) for source in corpus.sources]


def _named(part: str, progress: Progress) -> Progress:
    return lambda _, done, total: progress(part, done, total)
