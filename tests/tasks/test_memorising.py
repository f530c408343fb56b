"""Two hundred real questions are learned by heart: windows, losses, gradients and post-processing agree."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from tests.tasks.conftest import loop_of
from trainer.config.load import parse
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.runtime.inputs import prepare
from trainer.tasks.squad import SquadTask

RUN = """\
name: memorising
storage: {folder}/runs
vocab: {{path: {data}/bert-base-uncased-vocab.txt}}
model:
  hidden_size: 64
  num_hidden_layers: 2
  num_attention_heads: 2
  intermediate_size: 256
  hidden_dropout_prob: 0.0
  attention_probs_dropout_prob: 0.0
  initializer_range: 0.05
squad:
  - name: squad
    train: [{folder}/questions.json]
    dev: {folder}/questions.json
    batch_size: 20
    micro_batch_size: 20
    max_length: 320
    epochs: 30
    optimizer: {{learning_rate: 3.0e-3}}
"""


def write_questions(data: Path, file: Path, count: int) -> None:
    """The first questions of the official dev set's first article, but for those of long paragraphs."""
    article = json.loads(gzip.decompress((data / "squad" / "dev-v1.1.json.gz").read_bytes()))["data"][0]
    paragraphs = []
    for paragraph in article["paragraphs"]:
        if count and len(paragraph["context"]) <= 700:
            paragraphs.append(paragraph | {"qas": paragraph["qas"][:count]})
            count -= len(paragraphs[-1]["qas"])
    file.write_text(json.dumps({"version": "1.1", "data": [article | {"paragraphs": paragraphs}]}))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_questions_are_memorised(shared_data: Path, tmp_path: Path) -> None:
    write_questions(shared_data, tmp_path / "questions.json", 200)
    run, alone = parse(RUN.format(folder=tmp_path, data=shared_data), "memorising"), Workers(torch.device("cpu"))
    (stage,), folder = run.squad, RunFolder.of(run)
    prepare(run, folder, lambda part, done, total: None)
    torch.manual_seed(0)
    task = SquadTask(run, stage, folder)
    loop_of(task, tmp_path).run()
    scores = task.finish(alone, str(tmp_path / "stage"))
    assert scores["squad/total"] == 200
    assert scores["squad/exact"] >= 95
