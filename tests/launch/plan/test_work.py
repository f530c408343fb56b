import json
from pathlib import Path

import pytest

from trainer.config.load import load
from trainer.errors import DataError
from trainer.launch.plan import work


def steps(train: Path) -> int:
    """Of one epoch in batches of 2."""
    settings = (f"train=[{train}]", "epochs=1", "batch_size=2", "micro_batch_size=1")
    run = load("squad-v1.1", tuple(f"squad.0.{setting}" for setting in settings))
    return work.of_run(run, 1000, None)[-1].steps


def test_the_questions_of_a_file_that_is_here_are_counted(tmp_path: Path) -> None:
    answers = [{"text": "Town", "answer_start": 0}]
    questions = [{"id": str(number), "question": "Which?", "answers": answers} for number in range(5)]
    file = tmp_path / "train.json"
    file.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [{"context": "Town.", "qas": questions}]}]}))
    assert steps(file) == 3


def test_a_file_that_is_not_here_is_taken_for_squads_own(tmp_path: Path) -> None:
    assert steps(tmp_path / "train-v1.1.json") == -(-work.WINDOWS["v1.1"] // 2)


def test_a_file_that_is_no_squad_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text("{}")
    with pytest.raises(DataError, match=str(file)):
        steps(file)
