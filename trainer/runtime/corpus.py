"""A corpus by itself, from beginning to end or a part of it: what `berth prepare` does.

Everything that is written appears whole or not at all, so this may be stopped anywhere; the same command goes on. Many
of these work on one corpus, each on its part.
"""

import signal

from rich.console import Console

from trainer.config.schema import CorpusRun
from trainer.data import parts
from trainer.data.parts import Part
from trainer.engine.folder import RunFolder
from trainer.runtime.display import Display
from trainer.runtime.prepare import prepare_corpus


def execute(settings: CorpusRun, part: Part, wait_minutes: float, console: Console) -> str:
    """Prepare a part of a corpus and say in a line how far the whole is.

    Args:
        wait_minutes: how long to wait for the vocabulary, which part 0 makes.

    Raises:
        InputError: a person must mend something.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same call continues.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = RunFolder.of_corpus(settings)
    with Display(console) as display:
        made = prepare_corpus(settings.corpus, settings.vocab, folder, display.show, part, wait_minutes)
    if made is None:
        return f"part {part} is done; {parts.done(folder.corpus, part.of)} of {part.of} parts are"
    documents = sum(totals.documents for totals in made.totals.values())
    tokens = sum(totals.tokens for totals in made.totals.values())
    return f"corpus: {folder.uri}, {documents:,} documents, {tokens:,} tokens"
