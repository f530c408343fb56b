from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tasks.conftest import Prepared
from trainer.config.schema import Squad
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.errors import ConfigError
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.pretrained import save_pretrained
from trainer.tasks.given_model import given_model
from trainer.tasks.squad import SquadTask

ALONE = Workers(torch.device("cpu"))


def stage(prepared: Prepared, model: Path, **changes: Any) -> Squad:
    return prepared.run.squad[0].model_copy(update={"model": str(model)} | changes)


@pytest.fixture
def answering(prepared: Prepared, tmp_path: Path) -> Path:
    """A model for questions, of random weights."""
    torch.manual_seed(7)
    first = SquadTask(prepared.run.model_copy(update={"pretrain": ()}), prepared.run.squad[0], prepared.folder)
    save_pretrained(first.model, first.tokenizer, str(tmp_path / "answering"))
    return tmp_path / "answering"


@pytest.fixture
def pretrained(prepared: Prepared, answering: Path) -> Path:
    """A model without a head for questions."""
    _, tokenizer = given_model(stage(prepared, answering), prepared.folder)
    model = BertForPreTraining(prepared.run.model, tokenizer.get_vocab_size(), next_sentence_prediction=False)
    save_pretrained(model, tokenizer, str(answering.parent / "pretrained"))
    return answering.parent / "pretrained"


def started(prepared: Prepared, settings: Squad) -> SquadTask:
    task = SquadTask(prepared.run, settings, prepared.folder)
    task.start(State.fresh(task.model, settings))
    return task


def test_a_model_that_answers_keeps_its_head(prepared: Prepared, answering: Path) -> None:
    given, _ = given_model(stage(prepared, answering), prepared.folder)
    assert isinstance(given, BertForQuestionAnswering)
    assert torch.equal(started(prepared, stage(prepared, answering)).model.qa_outputs.weight, given.qa_outputs.weight)


def test_a_new_head_is_that_of_the_stages_seed(prepared: Prepared, pretrained: Path) -> None:
    heads = []
    for trial in stage(prepared, pretrained, seeds=2).trials(0):
        torch.manual_seed(prepared.run.seed_of(trial))
        heads.append(started(prepared, trial).model.qa_outputs.weight)
    assert not torch.equal(*heads)


def test_each_seed_has_an_order_of_its_own(prepared: Prepared, pretrained: Path) -> None:
    first, second = (started(prepared, trial) for trial in stage(prepared, pretrained, seeds=2).trials(0))
    tokens = [task.micro_batches(0, 0, 1)[0].inputs.packed.input_ids.tolist() for task in (first, second)]
    assert tokens[0] != tokens[1]


def test_without_training_files_the_model_is_scored_as_it_is(
    prepared: Prepared, answering: Path, tmp_path: Path
) -> None:
    task = started(prepared, stage(prepared, answering, train=()))
    assert task.steps == 0
    assert task.finish(ALONE, str(tmp_path / "stage"))["squad/total"] == 12
    given, _ = given_model(stage(prepared, answering), prepared.folder)
    for name, tensor in given.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], tensor)


def test_a_model_that_cannot_answer_is_not_scored(prepared: Prepared, pretrained: Path) -> None:
    with pytest.raises(ConfigError, match=r"squad\.model: .* answers no questions, and there is nothing to train it"):
        given_model(stage(prepared, pretrained, train=()), prepared.folder)


def test_windows_over_the_models_positions_are_refused(prepared: Prepared, answering: Path) -> None:
    with pytest.raises(ConfigError, match=r"squad\.max_length: 128 is over the 96 positions of its model; lower it"):
        given_model(stage(prepared, answering, max_length=128), prepared.folder)
