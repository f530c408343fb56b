"""A recipe for text, trained on instances that others made."""

import json
from pathlib import Path

import pytest

from tests.data.preprocessed.making import World, write_dle, write_lddl, write_mlperf
from tests.data.preprocessed.preparing import write_vocab
from tests.end_to_end.conftest import Start

SMALL = (
    "name=given",
    "vocab.path=vocab.txt",
    "model={hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64}",
    "pretrain.max_steps=50",
    "pretrain.batch_size=16",
    "pretrain.micro_batch_size=8",
    "pretrain.eval_every=50",
    "pretrain.log_every=5",
    "pretrain.optimizer.learning_rate=5.0e-3",
    "squad=[]",
    "scaling={num_workers: 2}",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_recipe_is_trained_on_files_of_every_layout(berth: Start, tmp_path: Path) -> None:
    world = World.of(towns=100)
    (tmp_path / "dle").mkdir()
    for number in range(2):
        write_dle(tmp_path / "dle" / f"{number}.hdf5", world.rows(400, 512, 80, seed=number), 512, 80)
    write_mlperf(tmp_path / "mlperf.hdf5", world.rows(400, 512, 80, seed=2))
    write_lddl(tmp_path / "part.0.parquet", world.rows(400, 512, 80, seed=3), world.pieces)
    write_vocab(tmp_path, world)
    sources = (
        "corpus.sources=[{path: dle, format: hdf5, masks: keep}, {path: mlperf.hdf5, format: hdf5, masks: keep}, "
        "{path: part.0.parquet, format: lddl, masks: keep, weight: 2}]"
    )
    code, output = berth(tmp_path, "run", "bert-base-uncased", sources, "corpus.held_out=0.05", *SMALL).wait()
    assert code == 0, output

    folder = tmp_path / "runs" / "given"
    described = json.loads((folder / "corpus" / "corpus.json").read_text())
    assert described["kind"] == "instances"
    assert sum(totals["documents"] for totals in described["totals"].values()) == 1600
    first = json.loads((folder / "pretrain" / "history.jsonl").read_text().splitlines()[0])
    reached = json.loads((folder / "pretrain" / "result.json").read_text())["metrics"]["eval/mlm_loss"]
    assert reached < first["train/mlm_loss"] - 0.5
