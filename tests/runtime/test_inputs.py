from pathlib import Path

import pytest

from trainer.config.corpus import CorpusRun
from trainer.config.load import parse
from trainer.config.schema import Run
from trainer.data.corpus import Corpus
from trainer.engine.folder import RunFolder
from trainer.errors import ConfigError
from trainer.runtime import corpus
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import PretrainTask

RUN = """
name: mine
storage: {folder}/runs
corpus: {corpus}
{more}
model: {{hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}}
pretrain: {{max_steps: 2, batch_size: 4, max_length: 64}}
"""


def silent(_part: str, _done: int, _total: int | None) -> None:
    pass


@pytest.fixture
def settings(tmp_path: Path) -> CorpusRun:
    """A corpus that is prepared by itself."""
    blocks = [f"Town {number} lies by the sea. It has {number % 7} towers." for number in range(300)]
    (tmp_path / "text.txt").write_text("\n\n".join(blocks))
    text = {"sources": [{"path": f"{tmp_path}/text.txt"}], "held_out": 0.1}
    return CorpusRun.model_validate({"storage": f"{tmp_path}/towns", "corpus": text, "vocab": {"size": 150}})


def make(settings: CorpusRun) -> None:
    corpus.prepare(settings.corpus, settings.vocab, RunFolder.of_corpus(settings), silent)


def a_run(folder: Path, text: str, more: str = "") -> Run:
    return parse(RUN.format(folder=folder, corpus=text, more=more), "run")


def test_a_run_trains_on_a_prepared_corpus_as_on_its_own(tmp_path: Path, settings: CorpusRun) -> None:
    make(settings)
    own = a_run(tmp_path / "own", f"{{sources: [{{path: {tmp_path}/text.txt}}], held_out: 0.1}}", "vocab: {size: 150}")
    other = a_run(tmp_path / "other", f"{{prepared: {tmp_path}/towns}}")
    samples: list[list[list[int]]] = []
    for run in (own, other):
        folder = RunFolder.of(run)
        prepare(run, folder, silent)
        task = PretrainTask(run, run.pretrain[0], folder)
        samples.append([batch.inputs.packed.input_ids.tolist() for batch in task.micro_batches(0, 0, 1)])
    assert samples[0] == samples[1]


def test_a_run_is_refused_while_its_corpus_is_not_finished(tmp_path: Path, settings: CorpusRun) -> None:
    run = a_run(tmp_path, f"{{prepared: {tmp_path}/towns}}")
    with pytest.raises(ConfigError, match=r"corpus\.prepared: there is no corpus at .*towns; make it with"):
        prepare(run, RunFolder.of(run), silent)
    assert not (tmp_path / "runs/mine/corpus").exists()


def test_a_run_that_waits_goes_on_when_its_corpus_is_finished(tmp_path: Path, settings: CorpusRun) -> None:
    run = a_run(tmp_path, f"{{prepared: {tmp_path}/towns, wait_minutes: 1}}")
    told: list[str] = []

    def progress(part: str, done: int, total: int | None) -> None:
        told.append(f"{part} {done}/{total}")
        make(settings)

    prepare(run, RunFolder.of(run), progress)
    assert [line for line in told if line.startswith("waiting")] == ["waiting for the corpus 0/None"]
    assert len(Corpus(RunFolder.of(run).corpus, "train")) > 0


def test_a_corpus_is_not_needed_any_more_when_pretraining_is_finished(tmp_path: Path, settings: CorpusRun) -> None:
    make(settings)
    run = a_run(tmp_path, f"{{prepared: {tmp_path}/towns}}")
    folder = RunFolder.of(run)
    prepare(run, folder, silent)
    Path(folder.stage("pretrain")).mkdir()
    Path(folder.result("pretrain")).write_text("{}")
    (tmp_path / "towns").rename(tmp_path / "gone")
    prepare(run, folder, silent)
