"""Saves of a tiny BERT, thousands of them, on a folder or on S3: what stays is what should, and nothing grows.

The state is that of a run that has gone on for long, whose curve has all the points that it ever has. The loss on
held-out text is lowest a third of the way, so that one checkpoint stays beside the newest.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import psutil
import torch
from fsspec.core import url_to_fs
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from tests.benchmarks.real_text import show
from tests.soak.growth import Held, growing, held, slope, tenths
from trainer.config.schema import Model, Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.saver import Saver
from trainer.engine.state import State, thinned
from trainer.model.heads import BertForPreTraining

KEEP = 3
FILES = 6
"""Of a checkpoint."""
FIRST = 1_000_000
"""The step of the first save."""
LOG_EVERY = 100
MOST_SLOWER = 1.5
"""The processor's time of a save in the last tenth over that in the first."""
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


@dataclass(frozen=True, slots=True)
class Saves:
    seconds: Sequence[float]
    processor: Sequence[float]
    """Seconds of all threads."""
    held: Sequence[Held]


def soak(uri: str, saves: int, minutes: float = inf) -> list[str]:
    """Print what the saves took and left; what is wrong, in words.

    Args:
        uri: an empty folder.
        saves: one after the other.
        minutes: after which none begins.
    """
    checkpoints = Checkpoints(uri, "soak", keep=KEEP)
    best = saves // 3
    done = _saved(checkpoints, saves, best, minutes)
    saves = len(done.held)
    filesystem, path = url_to_fs(uri, use_listings_cache=False)
    left = sorted(str(file).removeprefix(f"{path}/") for file in filesystem.find(path))
    expected = {FIRST + min(best, saves - 1), *range(FIRST + max(saves - KEEP, 0), FIRST + saves)}
    problems = growing("the process", done.held)
    if {file.partition("/")[0] for file in left} != {f"step-{step:08d}" for step in expected}:
        problems.append(f"not the newest {KEEP} and the best: {', '.join(left)}")
    if len(left) != FILES * len(expected):
        problems.append(f"{len(left)} files instead of {FILES * len(expected)}")
    resumed = _state()
    if not checkpoints.load_latest(resumed) or resumed.step != FIRST + saves - 1:
        problems.append(f"step {resumed.step} is found again")
    first, last = tenths(done.processor)
    if last > MOST_SLOWER * first:
        problems.append(f"a save takes {last / first:.2f} times what it took")
    _show(uri, done, len(left))
    return problems


def _saved(checkpoints: Checkpoints, saves: int, best: int, minutes: float) -> Saves:
    me, seconds, processor, samples = psutil.Process(), list[float](), list[float](), list[Held]()
    state, tokenizer = _state(), Tokenizer(WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    state.history = thinned([_point(step) for step in range(0, FIRST, LOG_EVERY)], LOG_EVERY, 10 * LOG_EVERY)
    last = time.perf_counter() + 60 * minutes
    with Saver(checkpoints) as saver:
        for number in range(saves):
            state.step = FIRST + number
            state.held_out_loss = 1 + abs(number - best) / saves
            state.history = thinned([*state.history, _point(state.step)], LOG_EVERY, 10 * LOG_EVERY)
            begin, spent = time.perf_counter(), time.process_time()
            if begin > last:
                break
            saver.save(state, tokenizer)
            saver.wait()
            seconds.append(time.perf_counter() - begin)
            processor.append(time.process_time() - spent)
            samples.append(held(me, number))
    return Saves(seconds, processor, samples)


def _state() -> State:
    """Of one optimizer step, so that there are moments."""
    torch.manual_seed(0)
    model = BertForPreTraining(Model(**SHAPE), 96, next_sentence_prediction=True)
    state = State.fresh(model, Training(batch_size=8, micro_batch_size=8, max_length=64))
    sum(parameter.sum() for parameter in model.parameters()).backward()
    state.optimizer.step()
    state.optimizer.zero_grad()
    return state


def _point(step: int) -> dict[str, float]:
    return {"step": step, "seconds": step / 7, "train/tokens": 4096 * step, "train/loss": 1 / (step + 1)}


def _show(uri: str, done: Saves, left: int) -> None:
    wall, processor = tenths(done.seconds), tenths(done.processor)
    begin, end = done.held[0], done.held[-1]
    rows = [
        ["seconds of a save", *(f"{each:.3f}" for each in wall)],
        ["of the processor", *(f"{each:.3f}" for each in processor)],
        ["MiB", f"{begin.mib:.1f}", f"{end.mib:.1f}"],
        ["open files", str(begin.files), str(end.files)],
        ["threads", str(begin.threads), str(end.threads)],
    ]
    grows = f"{1024 * 1000 * slope(done.held):,.1f} KiB per 1,000 saves after the warm-up; {left} files stay"
    kind = uri.partition("://")[0] if "://" in uri else "a folder"
    show(f"{len(done.seconds):,} checkpoints on {kind}", ["", "first tenth", "last tenth"], rows, grows)
