"""A small run whose text, vocabulary and corpus are prepared for real, on the local disk."""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.config.load import parse
from trainer.config.schema import Run
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.model.pretrained import save_pretrained
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask
from trainer.tracking.tracker import Trackers

NAMES = ["Arlo", "Bente", "Cleo", "Dorian", "Edda", "Falk", "Greta", "Hugo", "Ines", "Jonas"]
PLACES = ["Ashford", "Birkdale", "Colwick", "Dunmore", "Elston", "Farley"]


@dataclass(frozen=True, slots=True)
class Prepared:
    run: Run
    folder: RunFolder


def squad_file() -> dict[str, Any]:
    paragraphs: list[dict[str, Any]] = []
    for number, place in enumerate(PLACES):
        name = NAMES[number]
        context = f"{place} lies on a river. {name} is the mayor of {place}."
        answer = {"text": name, "answer_start": context.index(name)}
        mayor = {"id": f"{number}a", "question": f"Who is the mayor of {place}?", "answers": [answer]}
        founder = {"id": f"{number}b", "question": f"Who founded {place}?", "answers": [], "is_impossible": True}
        paragraphs.append({"context": context, "qas": [mayor | {"is_impossible": False}, founder]})
    return {"version": "v2.0", "data": [{"title": "Places", "paragraphs": paragraphs}]}


def loop_of(task: SquadTask, folder: Path) -> Loop:
    """Fine-tuning from random weights by one worker, to be run; checkpoints go to the folder."""
    return Loop(
        task,
        State.fresh(task.model, task.settings),
        Workers(torch.device("cpu")),
        seed=0,
        checkpoints=Checkpoints(str(folder / "checkpoints"), "", keep=1),
        checkpoint_every=1000,
        tracker=Trackers(),
        stop_requested=lambda: False,
    )


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    rng = random.Random(0)
    sentences = [f"{rng.choice(NAMES)} went from {rng.choice(PLACES)} to {rng.choice(PLACES)}." for _ in range(400)]
    blocks = [" ".join(sentences[start : start + 8]) for start in range(0, 400, 8)]
    (tmp_path / "text.txt").write_text("\n\n".join(blocks))
    (tmp_path / "squad.json").write_text(json.dumps(squad_file()))
    run = parse(
        f"""
name: small
storage: {tmp_path}/runs
corpus: {{sources: [{{path: {tmp_path}/text.txt}}], held_out: 0.1}}
vocab: {{size: 200}}
model:
  hidden_size: 32
  num_hidden_layers: 2
  num_attention_heads: 2
  intermediate_size: 64
  max_position_embeddings: 96
  hidden_dropout_prob: 0.0
  attention_probs_dropout_prob: 0.0
pretrain:
  - {{name: first, batch_size: 12, micro_batch_size: 4, max_length: 64, max_steps: 5}}
  - {{name: second, batch_size: 12, micro_batch_size: 4, max_length: 64, max_steps: 5}}
squad:
  - name: squad
    train: [{tmp_path}/squad.json]
    dev: {tmp_path}/squad.json
    batch_size: 6
    micro_batch_size: 3
    max_length: 64
    max_query_length: 16
    doc_stride: 32
    precision: fp32
    optimizer: {{learning_rate: 3.0e-3}}
""",
        "small",
    )
    folder = RunFolder.of(run)
    prepare(run, folder, lambda part, done, total: None)
    return Prepared(run, folder)


@pytest.fixture
def models(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both kinds of model, untrained, where a run leaves them; the current directory is above `runs`."""
    monkeypatch.chdir(Path(prepared.run.storage).parent)
    torch.manual_seed(0)
    pretrained = PretrainTask(prepared.run, prepared.run.pretrain[-1], prepared.folder)
    save_pretrained(pretrained.model, pretrained.tokenizer, prepared.folder.model("second"))
    squad = SquadTask(prepared.run, prepared.run.squad[0], prepared.folder)
    save_pretrained(squad.model, squad.tokenizer, prepared.folder.model("squad"))
    return Path(prepared.folder.uri)
