"""A corpus that was prepared by itself -> the vocabulary and the corpus of a run.

The run's folder gets what is small: the vocabulary, and the manifest with a note of where the shards lie. The manifest
holds a SHA-256 of every shard, so it is the corpus's identity: the corpus may move, but not become another one.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from tokenizers import Tokenizer

from trainer import storage
from trainer.data import corpus_parts, manifest, vocab
from trainer.data.manifest import Begun, Manifest, VocabManifest
from trainer.errors import ConfigError

_LOOK_EVERY = 2.0
"""Seconds between two looks at the storage."""


class HowFar(NamedTuple):
    """How far a corpus is."""

    finished: bool
    done: int
    parts: int | None
    """None where nobody has begun."""
    told: str


def how_far(uri: str) -> HowFar:
    """How far the corpus in the folder `uri` is."""
    corpus = storage.join(uri, "corpus")
    names = storage.names(corpus)
    if "corpus.json" in names:
        return HowFar(True, 0, None, "finished")
    if "begun.json" not in names:
        return HowFar(False, 0, None, "there is none")
    of = manifest.read(storage.join(corpus, "begun.json"), Begun).parts
    if "vocab.json" not in storage.names(storage.join(uri, "vocab")):
        return HowFar(False, 0, of, "its vocabulary is being made")
    done = corpus_parts.done(corpus, of)
    return HowFar(False, done, of, f"{done} of {of} parts are done")


def wait(there: Callable[[], bool], minutes: float, tell: Callable[[], None]) -> bool:
    """Look now and then until something is there; False if it is not so many minutes later."""
    deadline = time.monotonic() + 60 * minutes
    while not there():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        tell()
        time.sleep(min(_LOOK_EVERY, left))
    return True


def wait_until_finished(uri: str, minutes: float, tell: Callable[[HowFar], None]) -> None:
    """Return when the corpus in the folder `uri` is finished.

    Args:
        uri: the prepared corpus's folder.
        minutes: how long to wait at most.
        tell: told now and then how far it is; may raise to stop the waiting.

    Raises:
        ConfigError: it is not finished by then.
    """
    state = how_far(uri)

    def finished() -> bool:
        nonlocal state
        state = how_far(uri)
        return state.finished

    if not wait(finished, minutes, lambda: tell(state)):
        raise _refusal(uri, minutes, state)


def _refusal(uri: str, minutes: float, state: HowFar) -> ConfigError:
    waited = f" after {minutes:g} minutes" if minutes else ""
    if state.parts is None:
        return ConfigError("corpus.prepared", f"there is no corpus at {uri}{waited}", "make it with `berth prepare`")
    problem = f"the corpus at {uri} is not finished{waited}: {state.told}"
    remedy = "look after its `berth prepare`"
    if not minutes:
        remedy = "wait for its `berth prepare`, or set corpus.wait_minutes"
    return ConfigError("corpus.prepared", problem, remedy)


def adopt(uri: str, vocab_folder: str, corpus_folder: str) -> None:
    """Copy vocabulary and manifest of the finished corpus in the folder `uri` to a run's folders.

    Raises:
        ConfigError: the run was begun with another corpus.
    """
    shards = storage.join(uri, "corpus")
    found = manifest.read(storage.join(shards, "corpus.json"), Manifest)
    mine = storage.join(corpus_folder, "corpus.json")
    if storage.exists(mine):
        before = manifest.read(mine, Manifest)
        if before.model_copy(update={"location": None}) != found:
            problem = f"the corpus at {uri} is not the one that {corpus_folder} was begun with"
            raise ConfigError("corpus.prepared", problem, "give the run another name, or set the first one's place")
    for name in ("vocab.txt", "vocab.json"):
        text = storage.read_bytes(storage.join(uri, "vocab", name))
        storage.write_bytes(storage.join(vocab_folder, name), text)
    manifest.write(mine, found.model_copy(update={"location": shards}))


def load_tokenizer(vocab_folder: str) -> Tokenizer:
    """The tokenizer of a prepared vocabulary.

    Raises:
        DataError, StorageError: as `vocab.load`.
    """
    made = manifest.read(storage.join(vocab_folder, "vocab.json"), VocabManifest)
    return vocab.load(storage.join(vocab_folder, "vocab.txt"), made.lowercase)
