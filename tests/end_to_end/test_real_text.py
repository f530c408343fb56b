"""A whole run on real text: 12 books and 105 Wikipedia articles, BERT's own vocabulary, then real SQuAD split by
article.

Far too little text and time for good scores; what it shows is that the loss goes below what word frequencies alone
give.
"""

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Start

RUN = """\
name: real-text
corpus:
  sources: [{{path: {books}, format: books}}, {{path: extracted_json, format: wikiextractor}}]
vocab: {{path: {vocab}}}
model:
  hidden_size: 128
  num_hidden_layers: 2
  num_attention_heads: 2
  intermediate_size: 512
pretrain:
  max_steps: 600
  batch_size: 16
  micro_batch_size: 8
  max_length: 128
  max_predictions: 20
  optimizer: {{learning_rate: 1.0e-3}}
  schedule: {{warmup_ratio: 0.1}}
  eval_every: 600
squad:
  - name: squad-v1.1
    train: [train.json]
    dev: dev.json
    batch_size: 24
    micro_batch_size: 6
    epochs: 0.02
    optimizer: {{learning_rate: 3.0e-4}}
scaling: {{num_workers: 2}}
checkpoint: {{every: 200}}
"""
HELD_OUT_ARTICLES = 8


def split_by_article(dev: Path, folder: Path) -> None:
    articles = json.loads(gzip.decompress(dev.read_bytes()))["data"]
    for name, part in (("train", articles[:-HELD_OUT_ARTICLES]), ("dev", articles[-HELD_OUT_ARTICLES:])):
        (folder / f"{name}.json").write_text(json.dumps({"version": "1.1", "data": part}))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_real_text_is_learned_beyond_word_frequencies(berth: Start, shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "wiki" / "wikiextractor-output.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    split_by_article(shared_data / "squad" / "dev-v1.1.json.gz", tmp_path)
    vocab = shared_data / "bert-base-uncased-vocab.txt"
    (tmp_path / "real-text.yaml").write_text(RUN.format(vocab=vocab, books=shared_data / "books"))

    code, output = berth(tmp_path, "run", "real-text.yaml").wait(2900)
    print(output)
    assert code == 0

    folder = tmp_path / "runs" / "real-text"
    first = json.loads((folder / "pretrain" / "history.jsonl").read_text().splitlines()[0])
    reached = json.loads((folder / "pretrain" / "result.json").read_text())["metrics"]["eval/mlm_loss"]
    entropy = json.loads((folder / "corpus" / "corpus.json").read_text())["unigram_entropy"]
    print(f"MLM loss {first['train/mlm_loss']:.3f} -> {reached:.3f} held out; unigram entropy {entropy:.3f}")
    assert first["train/mlm_loss"] == pytest.approx(10.3, abs=0.5), "ln(30522) = 10.33"
    assert reached < entropy
