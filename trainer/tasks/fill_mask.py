"""A pretrained model put to use: guess a masked word."""

from dataclasses import dataclass

import numpy as np
import torch

from trainer.errors import InputError
from trainer.model.heads import BertForPreTraining
from trainer.model.packing import pack
from trainer.model.pretrained import from_pretrained


@dataclass(frozen=True, slots=True)
class Guess:
    """A piece of the vocabulary and how probable the model holds it to be, from 0 to 1."""

    text: str
    probability: float


@torch.inference_mode()
def fill_mask(text: str, model_uri: str, top: int) -> list[Guess]:
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
        Guess(tokenizer.id_to_token(piece) or "", probability)
        for piece, probability in zip(pieces.tolist(), probabilities.tolist(), strict=True)
    ]
