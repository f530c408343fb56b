"""A trained model put to use: guess a masked word, answer a question."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from trainer import storage
from trainer.errors import InputError
from trainer.model import hf_config
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.packing import pack
from trainer.model.pretrained import from_pretrained
from trainer.squad import answers, features
from trainer.squad.examples import Example


@dataclass(frozen=True, slots=True)
class Reply:
    """A text and how probable the model holds it to be, from 0 to 1; an empty answer is "there is none"."""

    text: str
    probability: float


@torch.inference_mode()
def fill_mask(text: str, model_uri: str, top: int) -> list[Reply]:
    """The likeliest pieces for the one [MASK] in a text, best first.

    Raises:
        InputError: there is not exactly one [MASK], the text is too long, or the model has no masked LM.
    """
    model, tokenizer = from_pretrained(model_uri)
    if not isinstance(model, BertForPreTraining):
        raise InputError(model_uri, "the model has no masked LM", "give the model of a pretraining stage")
    encoding = tokenizer.encode(text)
    ids = np.array(encoding.ids)
    masks = np.flatnonzero(ids == tokenizer.token_to_id("[MASK]"))
    if len(masks) != 1:
        raise InputError(repr(text), f"it has {len(masks)} [MASK]", "write [MASK] once")
    if len(ids) > model.config.max_position_embeddings:
        limit = model.config.max_position_embeddings
        raise InputError("the text", f"{len(ids)} tokens are over the model's {limit}", "shorten it")
    logits, _ = model(pack([ids], [np.zeros_like(ids)]), torch.from_numpy(masks))
    probabilities, pieces = logits[0].float().softmax(-1).topk(min(top, model.vocab_size))
    return [
        Reply(tokenizer.id_to_token(piece) or "", probability)
        for piece, probability in zip(pieces.tolist(), probabilities.tolist(), strict=True)
    ]


@torch.inference_mode()
def answer(question: str, context: str, model_uri: str) -> Reply:
    """The best answer from a context of any length, which is read in overlapping windows.

    Raises:
        InputError: the model is not one for questions, or the context is empty.
    """
    model, tokenizer = from_pretrained(model_uri)
    if not isinstance(model, BertForQuestionAnswering):
        raise InputError(model_uri, "the model answers no questions", "give the model of a SQuAD stage")
    if not context.strip():
        raise InputError("--context", "the text is empty", "give a text to answer from")
    max_length = min(384, model.config.max_position_embeddings)
    query_length = min(64, max_length // 4)
    stride = min(128, (max_length - query_length - 3) // 2)
    example = Example("0", "", question, context, ())
    windows = features.convert(
        [example], tokenizer, max_length=max_length, doc_stride=stride, max_query_length=query_length
    )
    packed = pack([window.input_ids for window in windows], [window.token_type_ids for window in windows])
    edges = packed.cu_seqlens[1:-1].tolist()
    starts, ends = (np.split(logits.float().numpy(), edges) for logits in model(packed))
    predictions = answers.predict(
        [example], windows, starts, ends, n_best=20, max_answer_length=30, null_threshold=0.0, version_2=True
    )
    text = predictions.answers["0"]
    probability = next((found["probability"] for found in predictions.n_best["0"] if found["text"] == text), 0.0)
    return Reply(text, probability)


def newest_model(kind: type, below: str = "runs") -> str:
    """The model directory of a kind that was written last below a folder.

    Raises:
        InputError: there is none.
    """
    configs = sorted(Path(below).glob("*/*/model/config.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for config in configs:
        model = hf_config.loads(storage.read_text(str(config)), str(config))
        if isinstance(model, kind):
            return str(config.parent)
    raise InputError(f"{below}/", "no fitting model there", "train one with `berth run quickstart` or give --model")
