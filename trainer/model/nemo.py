"""NVIDIA NeMo's `.nemo` files: an archive of configuration, vocabulary and weights.

    model_config.yaml       what was asked for
    model_weights.ckpt      a state dict, by torch.save
    *_encoder_config.json   the encoder as it was built, in most files
    *vocab*                 the vocabulary under a name that model_config.yaml gives, if the model was trained on text

Read of `BERTLMModel` and `QAModel`, by the names in NeMo v1.23. Three things differ there (each read in NeMo's code):

- From NeMo 1.8 on, `language_model.config` is not what the model was built from, so sizes are taken from the weights.
- Next-sentence prediction reads the raw state of [CLS] through a classifier of two layers with a tanh between them:
  that is BERT's pooler and its classifier. The encoder's own pooler was never trained and is left out for it.
- Trained on text, its label 1 is "this is the next sentence"; trained on prepared HDF5, and in BERT, 1 is "a random
  one". The two rows of the classifier are exchanged in the first case.
"""

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from trainer.config import plain_yaml
from trainer.errors import CheckpointError, ConfigError
from trainer.model import anatomy, archive, weights
from trainer.model import tokenizer as tokenizer_files
from trainer.model.archive import Archive

log = logging.getLogger(__name__)

SUFFIX = ".nemo"
_CONFIG = "model_config.yaml"
_WEIGHTS = "model_weights.ckpt"
_NAMES = {
    "bert_model.": "bert.",
    "mlm_classifier.dense.": "cls.predictions.transform.dense.",
    "mlm_classifier.norm.": "cls.predictions.transform.LayerNorm.",
    "mlm_classifier.mlp.layer0.weight": "cls.predictions.decoder.weight",
    "mlm_classifier.mlp.layer0.bias": "cls.predictions.bias",
    "nsp_classifier.mlp.layer0.": "bert.pooler.dense.",
    "nsp_classifier.mlp.layer2.": "cls.seq_relationship.",
    "classifier.mlp.layer0.": "qa_outputs.",
}
"""How a name begins there -> in Hugging Face's BERT."""
_NEXT_SENTENCE = "nsp_classifier."


def read(uri: str) -> tuple[dict[str, Any], dict[str, Tensor], Tokenizer | None]:
    """What config.json would hold, the tensors under Hugging Face's names, and the vocabulary if the file has one.

    Raises:
        CheckpointError: not such a file, torn, unsafe, or not a BERT's.
        StorageError: it cannot be read.
    """
    with archive.opened(uri) as members:
        config = _config(members)
        tensors = _renamed(_tensors(members), _says_next(config), uri)
        return anatomy.describe(tensors, _encoder(members, config), uri), tensors, _tokenizer(members, config)


def _config(members: Archive) -> dict[str, Any]:
    where = members.place(_CONFIG)
    try:
        config = plain_yaml.loads(members.text(_CONFIG), where)
    except ConfigError as error:
        raise CheckpointError(error.where, error.problem, "choose another file") from error
    if not isinstance(config, dict):
        raise CheckpointError(where, "holds no settings", "choose another file")
    return config


def _tensors(members: Archive) -> dict[str, Tensor]:
    if f"mp_rank_00/{_WEIGHTS}" in members.names:
        raise CheckpointError(
            members.uri, "its weights are split over tensor-parallel ranks", "merge them with NeMo first"
        )
    with tempfile.TemporaryDirectory(prefix="berth-") as folder:
        copy = Path(folder, "weights")
        members.copy(_WEIGHTS, copy)
        return weights.unpickled(copy, members.place(_WEIGHTS))  # mapped: they stay when the name is gone


def _encoder(members: Archive, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The encoder's config.json: the one it was built from, else what model_config.yaml says."""
    settings = _section(config, "language_model")
    name = _named(members, settings.get("config_file")) or _ending(members, "_encoder_config.json")
    if name is None:
        return _section(settings, "config")
    try:
        described = json.loads(members.text(name))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(members.place(name), "not JSON", "choose another file") from error
    return described if isinstance(described, dict) else {}


def _tokenizer(members: Archive, config: Mapping[str, Any]) -> Tokenizer | None:
    settings = _section(config, "tokenizer")
    name = _named(members, settings.get("vocab_file")) or _ending(members, "vocab.txt", "vocab_file")
    if name is None:
        return None
    kind = str(settings.get("tokenizer_name"))  # of Hugging Face's tokenizer, which NeMo builds around the vocabulary
    lowercase = {"uncased": True, "cased": False}.get(kind.rpartition("-")[2])
    return tokenizer_files.of_vocabulary(members.text(name), members.place(name), lowercase=lowercase)


def _named(members: Archive, value: Any) -> str | None:
    """The member that a setting names: `nemo:0123abcd_vocab.txt`, or a path on the machine where it was trained."""
    name = PurePosixPath(str(value).removeprefix("nemo:")).name
    return next((member for member in members.names if PurePosixPath(member).name == name), None)


def _ending(members: Archive, *endings: str) -> str | None:
    return next((member for member in members.names if member.endswith(endings)), None)


def _says_next(config: Mapping[str, Any]) -> bool:
    """Whether label 1 was "the next sentence" in training, as it is with data that NeMo masks itself."""
    data = _section(config, "train_ds")
    return "mask_prob" in data and "max_predictions_per_seq" not in data


def _renamed(tensors: Mapping[str, Tensor], says_next: bool, uri: str) -> dict[str, Tensor]:
    head = [name for name in tensors if name.startswith(_NEXT_SENTENCE)]
    left_out = "bert_model.pooler." if head else None
    if head and {name.split(".")[2] for name in head} != {"layer0", "layer2"}:
        log.warning("%s: its next-sentence classifier has not BERT's two layers and is left out", uri)
        left_out = _NEXT_SENTENCE
    renamed = {
        _hf_name(name): tensor for name, tensor in tensors.items() if left_out is None or not name.startswith(left_out)
    }
    if says_next:
        renamed |= {
            name: tensor.flip(0) for name, tensor in renamed.items() if name.startswith("cls.seq_relationship.")
        }
    return renamed


def _hf_name(name: str) -> str:
    begins = next((theirs for theirs in _NAMES if name.startswith(theirs)), "")
    return _NAMES.get(begins, "") + name.removeprefix(begins)


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}
