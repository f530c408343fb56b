from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.berth import Berth
from tests.test_storage_faults import faulty, server  # noqa: F401 - fixtures

RUN = """\
name: tiny
world: {towns: 60, dev_towns: 8}
corpus: {sources: [{path: "run://world/articles.txt"}], held_out: 0.05}
vocab: {size: 600}
model:
  hidden_size: 32
  num_hidden_layers: 2
  num_attention_heads: 2
  intermediate_size: 64
  max_position_embeddings: 128
pretrain:
  max_steps: 100
  batch_size: 8
  micro_batch_size: 2
  max_length: 64
  eval_every: 50
  optimizer: {learning_rate: 1.0e-3}
squad:
  - name: squad
    train: ["run://world/train-v2.0.json"]
    dev: "run://world/dev-v2.0.json"
    batch_size: 8
    micro_batch_size: 2
    max_length: 128
    max_query_length: 32
    doc_stride: 64
    epochs: 4
    optimizer: {learning_rate: 1.0e-3}
scaling: {num_workers: 2}
checkpoint: {every: 25}
"""


def new_folder(folder: Path) -> Path:
    """A folder with the small run of these tests, `tiny.yaml`."""
    folder.mkdir()
    (folder / "tiny.yaml").write_text(RUN)
    return folder


Start = Callable[..., Berth]


@pytest.fixture(scope="session")
def berth() -> Iterator[Start]:
    """Starts the command `berth` in a folder: `berth(folder, "run", "tiny.yaml")`."""
    started: list[Berth] = []

    def start(folder: Path, *arguments: str) -> Berth:
        started.append(Berth(folder, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture(scope="session")
def undisturbed(berth: Start, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which `berth run tiny.yaml` ran to its end with nothing in its way."""
    folder = new_folder(tmp_path_factory.mktemp("end-to-end") / "undisturbed")
    code, output = berth(folder, "run", "tiny.yaml").wait()
    assert code == 0, output
    return folder
