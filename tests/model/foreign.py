"""Weights in the layouts of others, made from a model of ours: NeMo's `.nemo`, NVIDIA DeepLearningExamples' `.pt`."""

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor

from trainer.data.vocab import SPECIAL_PIECES
from trainer.model import hf
from trainer.model.encoder import AnyBert

NEMO_NAMES = [
    (r"^bert\.pooler\.dense\.", "nsp_classifier.mlp.layer0."),
    (r"^cls\.seq_relationship\.", "nsp_classifier.mlp.layer2."),
    (r"^cls\.predictions\.transform\.dense\.", "mlm_classifier.dense."),
    (r"^cls\.predictions\.transform\.LayerNorm\.", "mlm_classifier.norm."),
    (r"^cls\.predictions\.bias$", "mlm_classifier.mlp.layer0.bias"),
    (r"^qa_outputs\.", "classifier.mlp.layer0."),
    (r"^bert\.", "bert_model."),
]


def small_tokenizer() -> Tokenizer:
    """Of eight pieces, uncased."""
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate([*SPECIAL_PIECES, *"abc"])}))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def pieces(tokenizer: Tokenizer) -> str:
    """A vocab.txt."""
    numbered = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    return "".join(f"{piece}\n" for piece, _ in numbered)


def saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def nemo_weights(model: AnyBert) -> dict[str, Tensor]:
    """By the names of BERTLMModel and QAModel, with a pooler that was never trained and the position ids of old."""
    tensors = {"bert_model.embeddings.position_ids": torch.arange(model.config.max_position_embeddings)[None]}
    for name, tensor in hf.to_hf(model).items():
        for theirs, there in NEMO_NAMES:
            if re.search(theirs, name):
                tensors[re.sub(theirs, there, name)] = tensor
                break
    width = model.config.hidden_size
    tensors["bert_model.pooler.dense.weight"] = torch.full((width, width), 7.0)
    tensors["bert_model.pooler.dense.bias"] = torch.full((width,), 7.0)
    if "mlm_classifier.mlp.layer0.bias" in tensors:
        tensors["mlm_classifier.mlp.layer0.weight"] = tensors["bert_model.embeddings.word_embeddings.weight"]
    return tensors


def nemo_config(model: AnyBert, changed: dict[str, Any] | None = None) -> dict[str, Any]:
    """model_config.yaml of a model trained on HDF5 but for the tokenizer; `language_model.config` is a lie, as it is
    from NeMo 1.8 on, in everything that the weights tell.
    """
    config: dict[str, Any] = {
        "tokenizer": {"tokenizer_name": "bert-base-uncased", "vocab_file": "nemo:0a1b2c_vocab.txt"},
        "language_model": {
            "pretrained_model_name": "bert-base-uncased",
            "config_file": None,
            "config": {"hidden_size": 4096, "num_attention_heads": model.config.num_attention_heads},
        },
        "train_ds": {"data_file": "x", "max_predictions_per_seq": 80},
        "target": "nemo.collections.nlp.models.language_modeling.bert_lm_model.BERTLMModel",
    }
    return config | (changed or {})


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo(".")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def nemo_files(model: AnyBert, tokenizer: Tokenizer, changed: dict[str, Any] | None = None) -> dict[str, bytes]:
    return {
        "./model_config.yaml": yaml.safe_dump(nemo_config(model, changed)).encode(),
        "./0a1b2c_vocab.txt": pieces(tokenizer).encode(),
        "./model_weights.ckpt": saved(nemo_weights(model)),
    }


def dle_weights(model: AnyBert, padded_to: int) -> dict[str, Tensor]:
    """Linear layers with an activation under one name; the vocabulary in padded rows."""
    tensors = hf.to_hf(model)
    if "cls.predictions.bias" in tensors:
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"]
    activated = r"(intermediate|pooler|transform)\.dense\."
    renamed = {re.sub(activated, r"\1.dense_act.", name): tensor for name, tensor in tensors.items()}
    rows = padded_to - model.vocab_size
    for name, tensor in renamed.items():
        if name.endswith(("word_embeddings.weight", "predictions.decoder.weight", "predictions.bias")):
            renamed[name] = torch.cat([tensor, tensor.new_full((rows, *tensor.shape[1:]), 3.0)])
    return renamed


def write_dle(folder: Path, model: AnyBert, tokenizer: Tokenizer, padded_to: int) -> Path:
    """ckpt_7038.pt with what else stands in one, and the vocabulary and bert_config.json beside it."""
    folder.mkdir(exist_ok=True)
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.006, "params": [0]}]}
    checkpoint = {"model": dle_weights(model, padded_to), "optimizer": optimizer, "files": ["a.hdf5"], "epoch": 1}
    torch.save(checkpoint, folder / "ckpt_7038.pt")
    (folder / "vocab.txt").write_text(pieces(tokenizer))
    heads = model.config.num_attention_heads
    (folder / "bert_config.json").write_text(
        f'{{"num_attention_heads": {heads}, "hidden_act": "gelu", "vocab_size": 1}}'
    )
    return folder / "ckpt_7038.pt"
