"""Berth: train a BERT encoder from scratch and score it on SQuAD.

    config/    every setting of a run: one schema
    recipes/   published settings, each value with its source
    storage    files on any storage, by URI
    data/      text -> vocabulary -> shards -> samples
    model/     BERT, its heads; weights in and out: Hugging Face's, NVIDIA's, ONNX
    optim/     AdamW, LAMB, schedules
    squad/     windows, answers, EM / F1
    tracking/  Weights & Biases, the report page
    engine/    the one training loop, checkpoints
    tasks/     what the loop trains: pretraining, SQuAD
    runtime/   workers, by Ray Train
    cli        the command `berth`

`trainer.from_pretrained("bertbaseuncased")`, or a path or URI, opens a trained model, and
`trainer.QuestionAnswering.from_pretrained` one that answers questions. They are looked up when they are asked for, so
that importing the package (as `berth --help` does) loads no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.model.pretrained import from_pretrained
    from trainer.tasks.question_answering import QuestionAnswering

__all__ = ["QuestionAnswering", "from_pretrained"]

_HOMES = {"QuestionAnswering": "trainer.tasks.question_answering", "from_pretrained": "trainer.model.pretrained"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
