import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.tasks.conftest import Prepared, loop_of, squad_file
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.errors import ConfigError
from trainer.model import hf
from trainer.model.pretrained import from_pretrained, save_pretrained
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask

ALONE = Workers(torch.device("cpu"))


def unpretrained(prepared: Prepared, **settings: Any) -> SquadTask:
    torch.manual_seed(0)
    stage = prepared.run.squad[0].model_copy(update=settings)
    return SquadTask(prepared.run.model_copy(update={"pretrain": ()}), stage, prepared.folder)


def test_the_loss_is_that_of_transformers(prepared: Prepared) -> None:
    task = unpretrained(prepared)
    task.model.eval()
    config = transformers.BertConfig(**prepared.run.model.model_dump(), vocab_size=task.tokenizer.get_vocab_size())
    theirs = transformers.BertForQuestionAnswering(config).eval()
    theirs.load_state_dict(hf.to_hf(task.model), strict=False)
    inputs = task.micro_batches(0, 0, 1)[0].inputs
    ours = task.losses(task.model, inputs).losses
    rows = [
        theirs(
            input_ids=ids[None],
            token_type_ids=types[None],
            start_positions=start[None],
            end_positions=end[None],
        ).loss
        for ids, types, start, end in zip(
            inputs.packed.input_ids.split(inputs.packed.cu_seqlens.diff().tolist()),
            inputs.packed.token_type_ids.split(inputs.packed.cu_seqlens.diff().tolist()),
            inputs.start_positions,
            inputs.end_positions,
            strict=True,
        )
    ]
    torch.testing.assert_close(ours[0], torch.stack(rows).sum(), rtol=1e-5, atol=1e-5)


def test_an_epoch_is_every_question_once(prepared: Prepared) -> None:
    task = unpretrained(prepared, epochs=1)
    assert task.steps == 2
    assert sum(batch.counts[0] for step in range(task.steps) for batch in task.micro_batches(step, 0, 1)) == 12


def test_a_few_questions_can_be_memorised(prepared: Prepared, tmp_path: Path) -> None:
    task = unpretrained(prepared, epochs=60)
    assert loop_of(task, tmp_path).run()
    scores = task.finish(ALONE, str(tmp_path / "stage"))
    assert scores["squad/exact"] == 100
    assert scores["squad/NoAns_exact"] == 100

    predictions = json.loads((tmp_path / "stage" / "predictions.json").read_text())
    assert predictions["0a"] == "Arlo"
    assert predictions["0b"] == ""
    assert json.loads((tmp_path / "stage" / "null_odds.json").read_text()).keys() == predictions.keys()
    assert json.loads((tmp_path / "stage" / "nbest_predictions.json").read_text())["0a"][0]["text"] == "Arlo"
    assert all(answer["exact"] for answer in json.loads((tmp_path / "stage" / "answers.json").read_text())["answers"])


@pytest.mark.parametrize("goal", ["best_exact", "best_f1"])
def test_a_tuned_threshold_makes_the_answers_and_goes_with_the_model(prepared: Prepared, tmp_path: Path, goal: str):
    task = unpretrained(prepared)
    task.settings = task.settings.model_copy(update={"null_threshold": goal})
    scores = task.finish(ALONE, str(tmp_path))
    files = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("thresholds", "null_odds")}
    table = files["thresholds"][goal]
    assert {name: scores[f"squad/{name}"] for name in table if name != "threshold"} == pytest.approx(
        {name: value for name, value in table.items() if name != "threshold"}
    )
    answered = {id for id, text in json.loads((tmp_path / "predictions.json").read_text()).items() if text}
    assert answered == {id for id, odds in files["null_odds"].items() if odds <= table["threshold"]}
    assert task.model.reading is not None
    assert task.model.reading.null_threshold == table["threshold"]


def test_it_starts_from_the_pretrained_encoder(prepared: Prepared) -> None:
    pretrained = PretrainTask(prepared.run, prepared.run.pretrain[-1], prepared.folder)
    save_pretrained(pretrained.model, pretrained.tokenizer, prepared.folder.model("second"))
    task = SquadTask(prepared.run, prepared.run.squad[0], prepared.folder)
    task.start(State.fresh(task.model, task.settings))
    for name, tensor in pretrained.model.bert.state_dict().items():
        assert torch.equal(task.model.bert.state_dict()[name], tensor)


def test_it_starts_from_any_model_directory(prepared: Prepared, tmp_path: Path) -> None:
    first = unpretrained(prepared)
    save_pretrained(first.model, first.tokenizer, str(tmp_path / "given"))
    stage = prepared.run.squad[0].model_copy(update={"model": str(tmp_path / "given")})
    task = SquadTask(prepared.run, stage, prepared.folder)
    task.start(State.fresh(task.model, task.settings))
    given, _ = from_pretrained(str(tmp_path / "given"))
    weights = task.model.bert.embeddings.word_embeddings.weight
    assert torch.equal(weights, given.bert.embeddings.word_embeddings.weight)


def test_windows_over_the_positions_of_the_given_model_are_refused(prepared: Prepared, tmp_path: Path) -> None:
    first = unpretrained(prepared)
    save_pretrained(first.model, first.tokenizer, str(tmp_path / "given"))
    stage = prepared.run.squad[0].model_copy(update={"model": str(tmp_path / "given"), "max_length": 128})
    with pytest.raises(ConfigError, match=r"squad\.max_length: 128 is over the 96 positions of its model; lower it"):
        SquadTask(prepared.run, stage, prepared.folder)


def test_early_stopping_keeps_the_weights_whose_score_was_best(prepared: Prepared, tmp_path: Path) -> None:
    task = unpretrained(prepared, epochs=40, eval_every=4, early_stopping_patience=3)
    loop = loop_of(task, tmp_path)
    assert loop.run()
    curve = [point["eval/f1"] for point in loop.state.history if "eval/f1" in point]
    assert len(curve) >= 4
    not_better = len(curve) - 1 - curve.index(max(curve))
    assert not_better == 3 or loop.state.step == task.steps
    assert task.finish(ALONE, str(tmp_path))["squad/f1"] == max(curve)


def test_without_eval_every_the_dev_file_is_scored_at_the_end_only(prepared: Prepared, tmp_path: Path) -> None:
    loop = loop_of(unpretrained(prepared), tmp_path)
    assert loop.run()
    assert not any("eval/f1" in point for point in loop.state.history)


def test_a_dev_file_with_what_no_training_file_teaches_is_warned_about(
    prepared: Prepared, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unpretrained(prepared)
    assert caplog.text == ""
    content = squad_file()
    for paragraph in content["data"][0]["paragraphs"]:
        paragraph["qas"] = [{key: qa[key] for key in ("id", "question", "answers")} for qa in paragraph["qas"][:1]]
    (tmp_path / "v1.json").write_text(json.dumps(content | {"version": "1.1"}))
    unpretrained(prepared, train=(str(tmp_path / "v1.json"),))
    assert "has questions without an answer" in caplog.text
