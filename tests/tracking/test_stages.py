"""What a stage left behind, whole or not."""

import json
from pathlib import Path

import pytest

from trainer.config import schema
from trainer.errors import DataError
from trainer.tracking.answers import Answers
from trainer.tracking.stages import Stage, read_stage

SETTINGS = schema.Pretrain()
ANSWER = {"id": "q", "paragraph": 1, "question": "?", "gold": [], "prediction": "", "exact": True, "f1": 1}


def history(folder: Path, *records: dict[str, float] | str) -> None:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / "history.jsonl").write_text("\n".join(lines))


def test_a_stage_that_has_not_begun_is_empty(tmp_path: Path) -> None:
    stage = read_stage(SETTINGS, str(tmp_path / "pretrain"))
    assert (stage.result, stage.last_step, stage.seconds, len(stage.curve("train/loss"))) == (None, 0, 0, 0)


def test_a_step_that_was_logged_twice_counts_once_and_as_logged_last(tmp_path: Path) -> None:
    history(tmp_path, *({"step": step, "train/loss": loss} for step, loss in ((10, 5), (20, 4), (30, 3), (20, 4.5))))
    assert read_stage(SETTINGS, str(tmp_path)).curve("train/loss").tolist() == [[10, 5], [20, 4.5], [30, 3]]


def test_records_of_one_step_are_one(tmp_path: Path) -> None:
    history(tmp_path, {"step": 10, "train/loss": 5, "seconds": 7.5}, {"step": 10, "eval/mlm_loss": 6})
    stage = read_stage(SETTINGS, str(tmp_path))
    assert stage.history == {10: {"step": 10, "train/loss": 5, "seconds": 7.5, "eval/mlm_loss": 6}}
    assert (stage.last_step, stage.seconds) == (10, 7.5)


def test_a_loss_that_is_no_number_leaves_a_gap(tmp_path: Path) -> None:
    history(tmp_path, {"step": 10, "train/loss": 5}, {"step": 20, "train/loss": float("nan")})
    assert read_stage(SETTINGS, str(tmp_path)).curve("train/loss").tolist() == [[10, 5]]


def test_a_line_torn_by_a_kill_is_left_out(tmp_path: Path) -> None:
    history(tmp_path, {"step": 10, "train/loss": 5}, '{"step": 20, "train/lo')
    assert read_stage(SETTINGS, str(tmp_path)).last_step == 10


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("result.json", {"kind": "pretrain"}, "steps: Field required"),
        ("answers.json", [], "should be an object"),
        ("answers.json", {"answers": [ANSWER]}, "question 'q' is about paragraph 1, which is not there"),
    ],
)
def test_a_file_of_another_shape_is_refused_by_name(tmp_path: Path, name: str, content: object, said: str) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(DataError, match=said) as refusal:
        read_stage(SETTINGS, str(tmp_path))
    assert refusal.value.where.endswith(name)


def test_what_a_stage_cost_counts_each_worker_for_as_long_as_it_trained() -> None:
    history = {
        10: {"seconds": 5.0, "train/world_size": 1},
        20: {"seconds": 9.0, "train/world_size": 3},
        30: {"seconds": 10.0, "train/world_size": 3},
    }
    assert Stage(schema.Pretrain(), history, result=None, answers=Answers(), files=()).worker_seconds == 5 + 12 + 3
