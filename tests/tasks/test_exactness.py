"""A run's history does not show in its result: the real loop on real processes that are killed, stopped and resized.

Whole runs, with Ray and signals from outside, are in tests/end_to_end and tests/chaos.
"""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
import torch.distributed as dist

from tests.points import computed
from tests.processes import forked, meeting_place
from tests.tasks.conftest import Prepared
from trainer.config.load import fingerprint
from trainer.config.schema import Pretrain
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import MicroBatch, Sums
from trainer.tasks.pretrain import Inputs, PretrainTask
from trainer.tracking.tracker import Trackers

pytestmark = pytest.mark.slow

STEPS = 8
EVERY = 3
EVAL_EVERY = 4
STAGES = ("first", "second")


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL of a worker at some point of a stage."""

    at: str
    """"forward": within a step; "evaluate"; "save": while a checkpoint is written; "start": between two stages."""
    stage: str
    step: int = 0
    rank: int = 0


class Exposed(PretrainTask):
    """Notes which samples each worker has in a step, and is killed where that is asked for."""

    def __init__(self, prepared: Prepared, stage: Pretrain, rank: int, kill: Kill | None) -> None:
        super().__init__(prepared.run, stage, prepared.folder)
        self._notes = Path(prepared.folder.uri, "samples")
        self._kill = kill if kill is not None and (kill.stage, kill.rank) == (stage.name, rank) else None
        self.state: State | None = None
        if self._kill is not None and self._kill.at == "save":
            folder = Path(prepared.folder.checkpoints(stage.name), f"step-{self._kill.step:08d}")
            threading.Thread(target=_die_when, args=[folder.exists], daemon=True).start()

    def start(self, state: State) -> None:
        self._die("start", 0)
        super().start(state)

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:
        batches = super().micro_batches(step, rank, world_size)
        self._notes.mkdir(exist_ok=True)
        note = self._notes / f"{self.settings.name}-{step}-{world_size}-{rank}.json"
        note.write_text(json.dumps([sample for batch in batches for sample in _samples(batch.inputs)]))
        return batches

    def losses(self, model: torch.nn.Module, inputs: Inputs) -> Sums:
        if model.training and self.state is not None:
            self._die("forward", self.state.step)
        return super().losses(model, inputs)

    def evaluate(self, workers: Workers) -> dict[str, float]:
        if self.state is not None:
            self._die("evaluate", self.state.step)
        return super().evaluate(workers)

    def _die(self, at: str, step: int) -> None:
        if self._kill is not None and (self._kill.at, self._kill.step) == (at, step):
            os.kill(os.getpid(), signal.SIGKILL)


def _samples(inputs: Inputs) -> list[str]:
    """Each sample's hash: of its tokens, masks and all."""
    lengths = inputs.packed.cu_seqlens.diff().tolist()
    return [hashlib.sha256(ids.numpy().tobytes()).hexdigest() for ids in inputs.packed.input_ids.split(lengths)]


def _die_when(sign: Callable[[], bool]) -> None:
    while not sign():
        time.sleep(1e-4)
    os.kill(os.getpid(), signal.SIGKILL)


def _work(
    rank: int, world_size: int, store: str, prepared: Prepared, kill: Kill | None, stop_after: int | None
) -> None:
    """What a worker does with the stages of a run."""
    torch.set_num_threads(1)
    if world_size > 1:
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world_size)
    workers, asked = Workers(torch.device("cpu")), count(1)
    for stage in prepared.run.pretrain:
        torch.manual_seed(prepared.run.seed)
        task = Exposed(prepared, stage, rank, kill)
        state = task.state = State.fresh(task.model, stage)
        checkpoints = Checkpoints(
            prepared.folder.checkpoints(stage.name), fingerprint(prepared.run, stage.name), keep=2
        )
        if not checkpoints.load_latest(state):
            task.start(state)
        finished = Loop(
            task,
            state,
            workers,
            seed=prepared.run.seed,
            checkpoints=checkpoints,
            checkpoint_every=EVERY,
            tracker=Trackers(),
            stop_requested=lambda: stop_after is not None and next(asked) > stop_after,
        ).run()
        workers.wait()
        if not finished:
            return


def train(prepared: Prepared, world_size: int, kill: Kill | None = None, stop_after: int | None = None) -> bool:
    """Train with a group until all stages are done or somebody is killed, which ends the group; whether all came to
    their end.
    """
    store = meeting_place()
    arguments = [(rank, world_size, store, prepared, kill, stop_after) for rank in range(world_size)]
    processes = [forked.Process(target=_work, args=given) for given in arguments]
    for process in processes:
        process.start()
    while all(process.exitcode in (None, 0) for process in processes) and any(p.exitcode is None for p in processes):
        time.sleep(0.01)
    for process in processes:
        if any(other.exitcode not in (None, 0) for other in processes):
            process.kill()
        process.join()
    return all(process.exitcode == 0 for process in processes)


def in_a_folder_of_its_own(prepared: Prepared, name: str, dropout: float) -> Prepared:
    """The same run with the same corpus, of which nothing is trained yet."""
    copy = Path(prepared.folder.uri).with_name(name)
    copy.mkdir()
    for part in ("corpus", "vocab"):
        (copy / part).symlink_to(Path(prepared.folder.uri, part))
    stages = tuple(
        stage.model_copy(update={"max_steps": STEPS, "eval_every": EVAL_EVERY, "log_every": 1, "precision": "fp32"})
        for stage in prepared.run.pretrain
    )
    model = prepared.run.model.model_copy(
        update={"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    )
    run = prepared.run.model_copy(update={"pretrain": stages, "model": model})
    return Prepared(run, RunFolder(str(copy), prepared.folder.base))


def last_checkpoint(prepared: Prepared, stage: str) -> dict[str, str]:
    """The hashes of weights and optimizer state after the last step."""
    folder = Path(prepared.folder.checkpoints(stage), f"step-{STEPS:08d}")
    sums = json.loads((folder / "complete.json").read_text())["sha256"]
    return {name: sums[name] for name in ("model.safetensors", "optimizer.safetensors")}


def curve(prepared: Prepared, stage: str) -> list[dict[str, Any]]:
    """All points, without what depends on the time of day."""
    folder = Path(prepared.folder.checkpoints(stage), f"step-{STEPS:08d}")
    return [computed(json.loads(line)) for line in (folder / "history.jsonl").read_text().splitlines()]


def seen(prepared: Prepared) -> dict[tuple[str, int], dict[int, list[str]]]:
    """(stage, step) -> world size -> the samples that its workers had together."""
    found: dict[tuple[str, int], dict[int, list[str]]] = {}
    for note in sorted(Path(prepared.folder.uri, "samples").iterdir()):
        stage, step, world_size, _ = note.stem.split("-")
        found.setdefault((stage, int(step)), {}).setdefault(int(world_size), []).extend(json.loads(note.read_text()))
    return found


def assert_same(one: Prepared, other: Prepared) -> None:
    for stage in STAGES:
        assert last_checkpoint(one, stage) == last_checkpoint(other, stage)
        assert curve(one, stage) == curve(other, stage)


def test_workers_killed_anywhere_change_no_bit(prepared: Prepared) -> None:
    """In a step, in an evaluation, in a save, between two stages; at steps and ranks that a seed draws."""
    undisturbed = in_a_folder_of_its_own(prepared, "undisturbed", dropout=0.1)
    assert train(undisturbed, 2)
    disturbed = in_a_folder_of_its_own(prepared, "disturbed", dropout=0.1)
    draw = Random(7)
    kills: Sequence[Kill] = [
        Kill("forward", "first", step=draw.randrange(1, EVERY), rank=draw.randrange(2)),
        Kill("save", "first", step=EVERY),
        Kill("evaluate", "first", step=EVAL_EVERY, rank=draw.randrange(2)),
        Kill("save", "first", step=2 * EVERY),
        Kill("evaluate", "first", step=STEPS, rank=draw.randrange(2)),
        Kill("start", "second", rank=draw.randrange(2)),
        Kill("forward", "second", step=draw.randrange(EVERY, STEPS), rank=draw.randrange(2)),
        Kill("save", "second", step=STEPS),
    ]
    for kill in kills:
        assert not train(disturbed, 2, kill), f"nobody was killed by {kill}"
    assert train(disturbed, 2)
    assert_same(undisturbed, disturbed)


def test_a_resized_run_sees_the_same_samples_in_every_step_and_its_curve_differs_by_rounding_alone(
    prepared: Prepared,
) -> None:
    """1 -> 2 -> 3 -> 1 workers, beside a run of one worker. Dropout is off: each rank draws its own. The bound on a
    loss is 1e-5 of it; what was seen is 1e-7, a unit in the last place of fp32.
    """
    alone = in_a_folder_of_its_own(prepared, "alone", dropout=0.0)
    assert train(alone, 1)
    resized = in_a_folder_of_its_own(prepared, "resized", dropout=0.0)
    sizes = ((1, 2), (2, 3), (3, 6), (1, None))
    for world_size, steps in sizes:
        assert train(resized, world_size, stop_after=steps)

    order = {place: samples[1] for place, samples in seen(alone).items()}
    assert len(order) == 2 * STEPS
    assert all(len(set(samples)) == prepared.run.pretrain[0].batch_size for samples in order.values())
    for place, by_world_size in seen(resized).items():
        for world_size, samples in by_world_size.items():
            assert sorted(samples) == sorted(order[place]), f"{place} with {world_size} workers"

    worlds = [point["train/world_size"] for stage in STAGES for point in curve(resized, stage)]
    assert worlds == [1] * 2 + [2] * 3 + [3] * 6 + [1] * 5
    differences = [
        abs(one[name] - other[name]) / one[name]
        for stage in STAGES
        for one, other in zip(curve(alone, stage), curve(resized, stage), strict=True)
        for name in _losses(one.keys() & other.keys())
    ]
    print(f"largest difference of a loss: {max(differences):.1e} of it")
    assert 0 < max(differences) < 1e-5


def _losses(names: Collection[str]) -> list[str]:
    return [name for name in names if name.endswith("loss")]
