"""Training on instances that others made, against the same rows taken straight from their file."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.data.preprocessed.making import World, write_dle
from tests.data.preprocessed.preparing import write_vocab
from trainer.config.load import parse
from trainer.config.schema import Run
from trainer.data.cutting import is_held_out
from trainer.data.order import Order
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import MicroBatch
from trainer.model.packing import pack
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import Inputs, PretrainTask

ROWS = 5000
STEPS = 50
BATCH = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's layout: 5,000 rows of up to 64 tokens, masked once."""
    folder = tmp_path_factory.mktemp("given")
    world = World.of(towns=200)
    write_dle(folder / "rows.hdf5", world.rows(ROWS))
    write_vocab(folder, world)
    return folder


def run_of(folder: Path, masks: str) -> Run:
    return parse(
        f"""
name: {masks}
storage: {folder}/runs
corpus: {{sources: [{{path: {folder}/rows.hdf5, format: hdf5, masks: {masks}}}], held_out: 0.1}}
vocab: {{path: {folder}/vocab.txt}}
model:
  hidden_size: 32
  num_hidden_layers: 1
  num_attention_heads: 2
  intermediate_size: 64
  hidden_dropout_prob: 0.0
  attention_probs_dropout_prob: 0.0
pretrain: {{batch_size: {BATCH}, micro_batch_size: 4, max_length: 64, max_steps: {STEPS}, precision: fp32,
  optimizer: {{learning_rate: 3.0e-3}}}}
""",
        "given",
    )


def prepared(folder: Path, masks: str) -> PretrainTask:
    run = run_of(folder, masks)
    prepare(run, RunFolder.of(run), lambda part, done, total: None)
    torch.manual_seed(0)
    return PretrainTask(run, run.pretrain[0], RunFolder.of(run))


class File:
    """The rows of the file that are trained on, and batches of them as NVIDIA's loop would see them."""

    def __init__(self, path: Path) -> None:
        with h5py.File(path) as file:
            self._file = {key: file[key][:] for key in file}
        self._rows = np.array([number for number in range(ROWS) if not is_held_out(number, 0.1)])
        self._order = Order([len(self._rows)], [1], seed=0)

    def micro_batches(self, step: int) -> list[MicroBatch]:
        _, numbers = self._order(step * BATCH, (step + 1) * BATCH)
        return [self._micro_batch(self._rows[numbers[start : start + 4]]) for start in range(0, BATCH, 4)]

    def _micro_batch(self, rows: np.ndarray) -> MicroBatch:
        lengths = self._file["input_mask"][rows].sum(axis=1)
        input_ids = [self._file["input_ids"][row, :length] for row, length in zip(rows, lengths, strict=True)]
        segments = [self._file["segment_ids"][row, :length] for row, length in zip(rows, lengths, strict=True)]
        counts = (self._file["masked_lm_positions"][rows] != 0).sum(axis=1)
        starts = np.cumsum([0, *lengths])[:-1]
        positions = [
            self._file["masked_lm_positions"][row, :count] + start
            for row, count, start in zip(rows, counts, starts, strict=True)
        ]
        labels = [self._file["masked_lm_ids"][row, :count] for row, count in zip(rows, counts, strict=True)]
        inputs = Inputs(
            pack([ids.astype(np.int32) for ids in input_ids], [segment.astype(np.uint8) for segment in segments]),
            torch.from_numpy(np.concatenate(positions).astype(np.int64)),
            torch.from_numpy(np.concatenate(labels).astype(np.int64)),
            torch.from_numpy(self._file["next_sentence_labels"][rows].astype(np.int64)),
        )
        return MicroBatch(inputs, (int(counts.sum()), len(rows)), int(lengths.sum()), 0.0)


def trained(task: PretrainTask, state: State, batches: list[MicroBatch]) -> Tensor:
    """One optimizer step; the two mean losses."""
    state.optimizer.zero_grad()
    sums = [task.losses(task.model, batch.inputs).losses for batch in batches]
    losses = torch.stack(sums).sum(dim=0) / torch.tensor([batch.counts for batch in batches]).sum(dim=0)
    losses.sum().backward()
    state.optimizer.step()
    return losses.detach()


def test_kept_masks_train_as_the_rows_of_the_file_do(folder: Path) -> None:
    ours, theirs, file = prepared(folder, "keep"), prepared(folder, "keep"), File(folder / "rows.hdf5")
    states = [State.fresh(task.model, task.settings) for task in (ours, theirs)]
    losses: list[Tensor] = []
    for step in range(STEPS):
        losses.append(trained(ours, states[0], ours.micro_batches(step, 0, 1)))
        direct = trained(theirs, states[1], file.micro_batches(step))
        assert torch.allclose(losses[-1], direct, rtol=0, atol=1e-6), f"step {step}"
    mlm = torch.stack(losses)[:, 0]
    assert mlm[-10:].mean() < mlm[:5].mean() - 0.5, "the masked LM has learned nothing"


def test_drawn_masks_train_on_the_same_rows_with_others(folder: Path) -> None:
    task, file = prepared(folder, "draw"), File(folder / "rows.hdf5")
    for step in range(3):
        for drawn, direct in zip(task.micro_batches(step, 0, 1), file.micro_batches(step), strict=True):
            tokens = [_undone(batch.inputs) for batch in (drawn, direct)]
            assert torch.equal(*tokens)
            assert not torch.equal(drawn.inputs.packed.input_ids, direct.inputs.packed.input_ids)
            assert drawn.inputs.next_sentence_labels is not None
            assert torch.equal(drawn.inputs.next_sentence_labels, direct.inputs.next_sentence_labels)  # pyright: ignore[reportArgumentType]


def test_validation_is_on_the_held_out_rows(folder: Path) -> None:
    figures = prepared(folder, "keep").evaluate(Workers(torch.device("cpu")))
    losses_and_accuracies = {"eval/mlm_loss", "eval/mlm_accuracy", "eval/nsp_loss", "eval/nsp_accuracy"}
    assert set(figures) == losses_and_accuracies | {"eval/perplexity"}


def _undone(inputs: Inputs) -> Tensor:
    ids = inputs.packed.input_ids.clone()
    ids[inputs.masked_positions] = inputs.labels.to(ids.dtype)
    return ids
