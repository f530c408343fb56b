"""The ONNX graph, run by onnxruntime, against our packed model on ragged batches."""

import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from trainer.config import schema
from trainer.errors import ConfigError
from trainer.model import onnx_file
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

CONFIG = schema.Model(
    hidden_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=96,
    max_position_embeddings=64,
    initializer_range=0.2,
)
RAGGED = [[19, 5, 33], [7], [1, 2], [64, 64]]
"""Batches of one to three sequences, of one token to all that there are positions for."""


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(graph: onnxruntime.InferenceSession, batch: Any) -> Sequence[np.ndarray[Any, Any]]:
    """What the graph says of the tokens, padding left out."""
    inside = batch.inside.numpy()
    return [
        output[inside] for output in graph.run(None, {name: batch.padded[name].numpy() for name in onnx_file.INPUTS})
    ]


def test_a_model_for_questions_gives_the_same_logits(make_batch: Any, tmp_path: Path) -> None:
    model = BertForQuestionAnswering(CONFIG, 97).eval()
    onnx_file.write(model, tmp_path / "model.onnx")
    graph = session(tmp_path / "model.onnx")

    assert [node.name for node in graph.get_inputs()] == list(onnx_file.INPUTS)
    assert [node.name for node in graph.get_outputs()] == ["start_logits", "end_logits"]
    assert {tuple(node.shape) for node in graph.get_inputs()} == {("batch_size", "sequence_length")}
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    for lengths in RAGGED:
        batch = make_batch(lengths)
        with torch.no_grad():
            expected = model(batch.packed)
        for got, ours in zip(run(graph, batch), expected, strict=True):
            np.testing.assert_allclose(got, ours.numpy(), rtol=0, atol=1e-4)


def test_a_pretrained_model_gives_the_same_hidden_states(make_batch: Any, tmp_path: Path) -> None:
    model = BertForPreTraining(CONFIG, 97, next_sentence_prediction=True)
    onnx_file.write(model, tmp_path / "model.onnx")
    graph = session(tmp_path / "model.onnx")

    assert [node.name for node in graph.get_outputs()] == ["last_hidden_state"]
    assert model.bert.training, "what is exported is left as it was"
    for lengths in RAGGED:
        batch = make_batch(lengths)
        with torch.no_grad():
            ours = model.eval().bert(batch.packed)
        (got,) = run(graph, batch)
        np.testing.assert_allclose(got, ours.numpy(), rtol=0, atol=1e-4)


def test_without_its_packages_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.machinery.PathFinder.find_spec
    monkeypatch.setattr(
        importlib.machinery.PathFinder,
        "find_spec",
        lambda name, path=None, target=None: None if name == "onnx" else find(name, path, target),
    )
    monkeypatch.delitem(sys.modules, "onnx", raising=False)

    with pytest.raises(
        ConfigError, match=r"^--format onnx: needs onnx and onnxscript; run `pip install 'berth\[onnx\]'`"
    ):
        onnx_file.write(BertForQuestionAnswering(CONFIG, 97), tmp_path / "model.onnx")

    assert list(tmp_path.iterdir()) == []
