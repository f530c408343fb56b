"""`berth export`: what a finished stage left becomes a directory for other programs, with a card that the hub reads."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import onnxruntime
import pytest
import torch
import transformers
import yaml
from click.testing import CliRunner, Result

from tests.model import foreign
from tests.tasks.conftest import Prepared
from trainer import storage
from trainer.cli import main
from trainer.config.load import parse
from trainer.data import manifest
from trainer.data.manifest import Manifest, Totals
from trainer.data.shared_corpus import load_tokenizer
from trainer.engine.state import State
from trainer.model import tokenizer as tokenizer_files
from trainer.model.encoder import BertModel
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.packing import pack
from trainer.model.pretrained import from_pretrained, save_pretrained
from trainer.tasks.squad import SquadTask

RESULT: dict[str, Any] = {
    "steps": 2500,
    "samples": 30_000,
    "tokens": 1_234_567,
    "seconds": 5400.0,
    "workers": 2,
    "parameters": 25_000,
    "finished": "2026-11-24T12:00:00+00:00",
}
PRETRAINED = {"kind": "pretrain", "metrics": {"eval/mlm_loss": 2.3456, "eval/mlm_accuracy": 0.5}}
OFFICIAL = {"squad/exact": 80.125, "squad/f1": 88.5, "squad/total": 10_570}
OWN = {"squad/exact": 50.0, "squad/f1": 60.0, "squad/total": 12, "squad/NoAns_exact": 40.0}
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "arlo", "is", "the", "mayor", "who", "?", "."]
RUN = """
name: small
corpus: {sources: [{path: text.txt}]}
model: {hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64}
pretrain:
  - {name: first, max_steps: 2500, batch_size: 12}
  - {name: second, max_steps: 2500, batch_size: 12}
squad: [{name: squad, train: [train.json], dev: dev.json}]
"""
MANIFEST = Manifest(
    settings={},
    kind="documents",
    weights=(1,),
    vocab_size=len(PIECES),
    totals={"train": Totals(documents=4321, tokens=7_654_321), "held_out": Totals()},
    left_out={},
    unknown_rate=0,
    unknown_words={},
    unigram_entropy=6,
    text_sha256="0123abcd",
    shards=(),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder with all stages finished; the weights are random and the figures invented."""
    run = tmp_path / "small"
    config = parse(RUN, "run.yaml").model
    tokenizer = tokenizer_files.of_vocabulary("\n".join(PIECES), "memory")
    storage.write_text(str(run / "run.yaml"), RUN)
    manifest.write(str(run / "corpus" / "corpus.json"), MANIFEST)
    for name in ("first", "second"):
        save_pretrained(BertForPreTraining(config, len(PIECES), True), tokenizer, str(run / name / "model"))
        storage.write_text(str(run / name / "result.json"), json.dumps(RESULT | PRETRAINED))
    save_pretrained(BertForQuestionAnswering(config, len(PIECES)), tokenizer, str(run / "squad" / "model"))
    finish(run, OFFICIAL)
    return run


def finish(run: Path, metrics: dict[str, float]) -> None:
    (run / "squad" / "result.json").write_text(json.dumps(RESULT | {"kind": "squad", "metrics": metrics}))


def berth(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def exported(stage: Path, destination: Path, *options: str) -> Path:
    result = berth("export", str(stage), str(destination), *options)
    assert result.exit_code == 0, result.output
    return destination


def test_the_export_opens_in_hugging_face_with_the_same_weights(folder: Path, tmp_path: Path) -> None:
    made = exported(folder / "second", tmp_path / "made")

    _, notes = transformers.BertForPreTraining.from_pretrained(made, output_loading_info=True)

    assert not any(notes.values()), notes
    original, copy = (from_pretrained(str(uri))[0] for uri in (folder / "second" / "model", made))
    assert all(a.equal(b) for a, b in zip(original.parameters(), copy.parameters(), strict=True))


def test_the_card_of_a_squad_stage_is_read_by_the_hub(folder: Path, tmp_path: Path) -> None:
    card = huggingface_hub.ModelCard.load(exported(folder / "squad", tmp_path / "made") / "README.md")

    scores = {(score.dataset_type, score.metric_type): score.metric_value for score in card.data.eval_results or []}
    assert scores == {("squad", "exact_match"): 80.12, ("squad", "f1"): 88.5}
    assert (card.data.pipeline_tag, card.data.datasets, card.data.license) == ("question-answering", ["squad"], None)
    assert card.data.tags == ["bert", "berth"]
    text = card.text
    assert "| this one | 80.12 | 88.50 |" in text
    assert "| NVIDIA’s `qa_squadv1_1_bertbase` | 82.78 | 89.97 |" in text
    assert "not the card’s: 2 layers of 32 here" in text
    assert "| second | 2,500 | 1,234,567 | 2 | 1 h 30 min | 3.00 |" in text
    assert "4,321 documents, 7,654,321 tokens (SHA-256 of the text: `0123abcd`)" in text
    assert "name: small" in text


def test_other_questions_than_the_official_ones_are_not_called_squad(folder: Path, tmp_path: Path) -> None:
    finish(folder, OWN)

    card = huggingface_hub.ModelCard.load(exported(folder / "squad", tmp_path / "made") / "README.md")

    assert {score.dataset_type for score in card.data.eval_results or []} == {"own"}
    assert card.data.datasets is None
    assert "cannot be compared with the card’s" in card.text


def test_the_card_names_the_language_the_hubs_datasets_and_a_model_that_was_begun_with(
    folder: Path, tmp_path: Path
) -> None:
    settings = yaml.safe_load(RUN)
    settings["corpus"]["sources"] = [{"path": "hf://datasets/wikimedia/wikipedia/20231101.en/*.parquet"}]
    settings["corpus"]["cleaning"] = {"languages": ["en"]}
    settings["squad"][0]["model"] = "s3://key:secret@models/bert"
    (folder / "run.yaml").write_text(yaml.safe_dump(settings))

    card = huggingface_hub.ModelCard.load(exported(folder / "squad", tmp_path / "made") / "README.md")

    assert (card.data.language, card.data.datasets) == (["en"], ["wikimedia/wikipedia", "squad"])
    assert "Fine-tuned by Berth from `s3://***@models/bert`" in card.text
    assert "secret" not in card.text
    assert "| second | 2,500 |" not in card.text


def test_the_card_of_a_phase_counts_the_phases_before_and_none_after(folder: Path, tmp_path: Path) -> None:
    first = (exported(folder / "first", tmp_path / "a") / "README.md").read_text()
    second = (exported(folder / "second", tmp_path / "b") / "README.md").read_text()

    assert "| mlm_loss | 2.3456 |" in first
    assert [f"| {name} | 2,500 |" in first for name in ("first", "second", "squad")] == [True, False, False]
    assert [f"| {name} | 2,500 |" in second for name in ("first", "second", "squad")] == [True, True, False]


def test_a_foreign_model_becomes_a_directory_of_hugging_face(folder: Path, tmp_path: Path) -> None:
    model, tokenizer = from_pretrained(str(folder / "second" / "model"))
    nemo = foreign.write_tar(tmp_path / "theirs.nemo", foreign.nemo_files(model, tokenizer, {"tokenizer": None}))
    vocabulary = str(folder / "second" / "model" / "vocab.txt")

    made = exported(nemo, tmp_path / "made", "--vocabulary", vocabulary)

    theirs, notes = transformers.BertForPreTraining.from_pretrained(made, output_loading_info=True)
    assert not any(notes.values()), notes
    assert torch.equal(theirs.cls.predictions.bias, model.predictions.bias)  # type: ignore[union-attr]
    card = huggingface_hub.ModelCard.load(made / "README.md")
    assert card.data.pipeline_tag == "fill-mask"
    assert f"Opened from `{nemo}`" in card.text


def test_onnx_stands_beside_the_tokenizer_and_answers_as_the_model_does(folder: Path, tmp_path: Path) -> None:
    made = exported(folder / "squad", tmp_path / "made", "--format", "onnx")

    assert sorted(path.name for path in made.iterdir()) == [
        "config.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]
    inputs = transformers.AutoTokenizer.from_pretrained(made)("Who?", "Arlo is the mayor.", return_tensors="np")
    graph = onnxruntime.InferenceSession(made / "model.onnx", providers=["CPUExecutionProvider"])
    starts, ends = graph.run(["start_logits", "end_logits"], {name: inputs[name] for name in inputs})
    model, _ = from_pretrained(str(folder / "squad" / "model"))
    with torch.no_grad():
        expected = model(pack([inputs["input_ids"][0]], [inputs["token_type_ids"][0]]))
    np.testing.assert_allclose(starts[0], expected[0].numpy(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(ends[0], expected[1].numpy(), rtol=0, atol=1e-4)


def test_a_destination_that_holds_something_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").write_text("mine")

    result = berth("export", str(folder / "second"), str(tmp_path / "made"))

    assert result.exit_code == 2
    assert "the directory is not empty; name a new one" in result.stderr
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["thesis.txt"]


def test_a_squad_stage_starts_from_an_encoder_by_its_name(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = load_tokenizer(prepared.folder.vocab)
    encoder = BertModel(prepared.run.model, tokenizer.get_vocab_size(), pooler=True)
    save_pretrained(encoder, tokenizer, str(tmp_path / "encoder"))
    (tmp_path / "catalogue.yaml").write_text(f"theirs: {tmp_path}/encoder\n")
    monkeypatch.setenv("BERTH_CATALOGUE", str(tmp_path / "catalogue.yaml"))
    stage = prepared.run.squad[0].model_copy(update={"model": "theirs"})

    task = SquadTask(prepared.run, stage, prepared.folder)
    task.start(State.fresh(task.model, stage))

    taken = task.model.bert.state_dict()
    assert all(torch.equal(taken[name], tensor) for name, tensor in encoder.bert.state_dict().items())
