"""`berth squad` on what people get wrong: one line, exit code 2, and no run in the way of the right command."""

import json
from pathlib import Path

import pytest
import torch

from tests.bad_inputs.refusing import refusal
from trainer.config.schema import Model
from trainer.model import tokenizer as tokenizer_files
from trainer.model.heads import BertForPreTraining
from trainer.model.pretrained import save_pretrained

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "berth", "is", "a", "town", "what", "it", ".", "?"]
QUESTION = {"id": "1", "question": "What is it?", "answers": [{"text": "a town", "answer_start": 9}]}
FILE = {"version": "1.1", "data": [{"title": "T", "paragraphs": [{"context": "Berth is a town.", "qas": [QUESTION]}]}]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model without a head for questions and a SQuAD file, in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.json").write_text(json.dumps(FILE))
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    torch.manual_seed(0)
    config = Model(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    model = BertForPreTraining(config, len(PIECES), next_sentence_prediction=False)
    save_pretrained(model, tokenizer_files.read(str(tmp_path / "vocab.txt")), str(tmp_path / "model"))
    return tmp_path


TRAINING = ("--train", "dev.json", "--eval", "dev.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "modle", *TRAINING), "/modle: no such model directory; give the path or URI of one"),
        (("--model", "model", "--train", "dev.json", "--eval", "dve.json"), "/dve.json: no such file or folder; check"),
        (("--model", "model", "--eval", "dev.json"), "squad.model: model answers no questions, and there is nothing"),
        (("--model", "model", "--eval", "dev.json", "--seeds", "3"), "squad.train: is empty, so seeds and learning"),
        (("--model", "model", *TRAINING, "--name", "My run"), "name: 'My run' is not allowed; give up to 40"),
        (("--model", "model", *TRAINING, "--recipe", "squad-goggle"), "squad-goggle: no such file or recipe; give"),
        (("--model", "model", *TRAINING, "squad.epoch=3"), "squad.epoch: no such setting; did you mean epochs?"),
        (("--model", "model", *TRAINING, "squad.max_length=600"), "squad.max_length: 600 is over the 512 positions"),
        (("--model", "model", *TRAINING, "--learning-rate", "0"), "squad.learning_rates.0: 0.0 is not allowed; give"),
        (("--model", "model", *TRAINING, *["--learning-rate", "3e-5"] * 2), "name: 'squad.3e-5.seed-0' is that of two"),
    ],
)
def test_a_mistake_is_one_line_and_begins_no_run(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("squad", *arguments)
    assert not (folder / "runs" / "squad" / "run.yaml").exists()
