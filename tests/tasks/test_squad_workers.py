"""One model, real questions, one to three real workers that exchange over gloo: one set of predictions."""

import gzip
import json
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from trainer.config.load import parse
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.runtime.inputs import prepare
from trainer.tasks.squad import SquadTask

FILES = ("predictions.json", "nbest_predictions.json", "null_odds.json")


def run_of(data: Path, folder: Path) -> Run:
    """Two paragraphs of each of the first five articles of v2.0; windows are many and of all lengths."""
    content = json.loads(gzip.decompress((data / "squad" / "dev-v2.0-reconstructed.json.gz").read_bytes()))
    articles = [article | {"paragraphs": article["paragraphs"][:2]} for article in content["data"][:5]]
    (folder / "dev.json").write_text(json.dumps({"version": "v2.0", "data": articles}))
    return parse(
        f"""
name: few
storage: {folder}/runs
vocab: {{path: {data}/bert-base-uncased-vocab.txt}}
model: {{hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64, initializer_range: 0.2}}
squad: [{{name: squad, train: [{folder}/dev.json], dev: {folder}/dev.json, max_length: 128, max_query_length: 32,
         doc_stride: 64, precision: fp32, eval_every: 1}}]
""",
        "few",
    )


def work(rank: int, world_size: int, run: Run, folder: Path) -> None:
    if world_size > 1:
        meeting = f"file://{folder}/meeting-{world_size}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world_size)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    task = SquadTask(run, run.squad[0], RunFolder.of(run))
    workers = Workers(torch.device("cpu"))
    figures = task.evaluate(workers)
    (folder / f"evaluated-{world_size}-{rank}.json").write_text(json.dumps(figures))
    task.finish(workers, str(folder / str(world_size)))
    if world_size > 1:
        dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_two_and_three_workers_predict_the_same(shared_data: Path, tmp_path: Path) -> None:
    run = run_of(shared_data, tmp_path)
    prepare(run, RunFolder.of(run), lambda part, done, total: None)
    for world_size in (1, 2, 3):
        torch.multiprocessing.spawn(work, (world_size, run, tmp_path), nprocs=world_size)
    one, *more = ([json.loads((tmp_path / str(n) / file).read_text()) for file in FILES] for n in (1, 2, 3))
    assert len(one[0]) > 50
    assert len(set(one[0].values())) > 30, "answers differ, so a mix-up would show"
    evaluated = [json.loads(file.read_text()) for file in tmp_path.glob("evaluated-*-*.json")]
    assert len(evaluated) == 6
    assert evaluated[0]["eval/f1"] > 0
    assert all(figures == evaluated[0] for figures in evaluated), "every worker has to stop at the same step"
    for other in more:
        assert other[0] == one[0]
        assert other[2] == pytest.approx(one[2], abs=1e-4)
        assert [[found["text"] for found in best] for best in other[1].values()] == [
            [found["text"] for found in best] for best in one[1].values()
        ]
