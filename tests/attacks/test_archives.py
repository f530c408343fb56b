"""Weights that strike the reader: archives, pickles and descriptions that no program writes.

Pickles that would call something, members with ../ and links are in tests/bad_inputs/test_weights.py. Files that unpack
to more than memory holds are in test_oversized.py.
"""

import io
import json
import random
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from tests.model import foreign
from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf
from trainer.model.heads import BertForPreTraining
from trainer.model.pretrained import from_pretrained, save_pretrained

POSITIONS = "bert.embeddings.position_embeddings.weight"
DEEP = "[" * 1_000_000


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return foreign.small_tokenizer()


@pytest.fixture(scope="module")
def model() -> BertForPreTraining:
    config = schema.Model(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    return BertForPreTraining(config, 8, next_sentence_prediction=True)


@pytest.fixture
def folder(tmp_path: Path, model: BertForPreTraining, tokenizer: Tokenizer) -> Path:
    """A model directory that is right."""
    save_pretrained(model, tokenizer, str(tmp_path / "model"))
    return tmp_path / "model"


@pytest.fixture
def nemo(tmp_path: Path, model: BertForPreTraining, tokenizer: Tokenizer) -> Path:
    """A `.nemo` file that is right."""
    return foreign.write_tar(tmp_path / "model.nemo", foreign.nemo_files(model, tokenizer))


def refusal(path: Path) -> str:
    """What is said; in one line, which no character of the file's own can steer a terminal by."""
    with pytest.raises(CheckpointError) as caught:
        from_pretrained(str(path))
    line = str(caught.value)
    assert line.isprintable(), repr(line)
    assert len(line) < 1000
    return line


def header(name: str, kind: bytes, size: int = 0) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, "/etc/passwd"
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "kind",
    [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE],
    ids=["hard link", "symbolic link", "pipe", "character device", "block device"],
)
def test_a_member_that_is_no_file_is_refused(nemo: Path, kind: bytes) -> None:
    nemo.write_bytes(header("model_weights.ckpt", kind) + nemo.read_bytes())
    assert "its member model_weights.ckpt leads out of the archive" in refusal(nemo)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.GNUTYPE_SPARSE])
@pytest.mark.parametrize("size", [-512, -(2**40), 2**40, 2**62])
def test_a_member_of_an_impossible_size_is_refused(nemo: Path, kind: bytes, size: int) -> None:
    nemo.write_bytes(header("model_config.yaml", kind, size) + nemo.read_bytes())
    assert refusal(nemo)


def test_a_name_cannot_steer_the_terminal(nemo: Path) -> None:
    nemo.write_bytes(header("\x1b[2J/../x\n", tarfile.REGTYPE) + nemo.read_bytes())
    assert r"its member \x1b[2J/../x\n leads out" in refusal(nemo)


def test_a_zip_that_unpacks_is_not_unpacked(folder: Path, model: BertForPreTraining) -> None:
    (folder / "model.safetensors").unlink()
    stored = zipfile.ZipFile(io.BytesIO(foreign.saved(hf.to_hf(model))))
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as packed:
        for part in stored.infolist():
            packed.writestr(part.filename, stored.read(part))
    assert "compressed, which torch.save never does" in refusal(folder)


@pytest.mark.parametrize(
    "changed",
    [torch.zeros(1, 1).expand(2**40, 16), torch.zeros(1, 16).expand(512, 16), torch.zeros(512, 16).to_sparse()],
    ids=["2^40 rows of one number", "512 of one row", "sparse"],
)
def test_a_tensor_that_is_larger_than_what_is_stored_is_refused(
    folder: Path, model: BertForPreTraining, changed: torch.Tensor
) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(hf.to_hf(model) | {POSITIONS: changed}, folder / "pytorch_model.bin")
    assert f"tensor {POSITIONS} is not in the file whole" in refusal(folder)


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02\x8e" + struct.pack("<Q", 2**60),
        b"\x80\x02X" + struct.pack("<I", 2**32 - 1),
        b"\x80\x02" + b"(" * 1_000_000,
        b"\x80\x02" + b"]" + b"(]" * 100_000 + b"." * 10,
        b"\x80\x02\x8a\xff" + b"\xff" * 255 + b".",
        b"\x80\x02}r\xff\xff\xff\xff.",
        b"\x80\xff.",
        b"cposix\nsystem\n(S'true'\ntR.",
    ],
    ids=["2^60 bytes", "4 GiB of text", "marks", "nested lists", "long", "memo", "protocol", "protocol 0"],
)
def test_a_pickle_that_claims_too_much_is_refused(folder: Path, pickled: bytes) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickled)
    assert refusal(folder).startswith(f"{folder}/pytorch_model.bin: ")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (2**60, b"{}"),
        (2**63 + 5, b"{}"),
        (None, b'{"a": {"dtype": "F32", "shape": [1152921504606846976], "data_offsets": [0, 4611686018427387904]}}'),
        (None, b'{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}'),
        (None, b'{"a": ' * 20_000),
    ],
    ids=["2^60 bytes of header", "over 2^63", "2^60 numbers", "a product over 2^64", "nested"],
)
def test_a_safetensors_header_that_claims_too_much_is_refused(folder: Path, length: int | None, text: bytes) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", length or len(text)) + text)
    assert "torn or not safetensors" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", DEEP),
        ("config.json", f'{{"hidden_size": {"1" * 10_000}}}'),
        ("tokenizer.json", DEEP),
        ("model.safetensors.index.json", DEEP),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../../other.bin"}}'),
    ],
    ids=["deep config", "digits", "deep tokenizer", "deep index", "a shard elsewhere"],
)
def test_json_that_ends_pythons_patience_is_refused(folder: Path, name: str, text: str) -> None:
    if "index" in name:
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(text)
    assert refusal(folder)


def test_a_deep_tokenizer_config_and_a_deep_encoder_are_refused(
    folder: Path, nemo: Path, model: BertForPreTraining, tokenizer: Tokenizer
) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text(DEEP)
    assert "not a JSON object" in refusal(folder)
    files = foreign.nemo_files(model, tokenizer) | {"./0a_encoder_config.json": DEEP.encode()}
    assert "not JSON" in refusal(foreign.write_tar(nemo, files))


@pytest.mark.parametrize(
    "changed",
    [{"hidden_size": 2**40}, {"vocab_size": 2**62}, {"max_position_embeddings": 2**62}, {"num_hidden_layers": 10**9}],
    ids=lambda changed: next(iter(changed)),
)
@pytest.mark.timeout(60)
def test_a_description_of_a_model_that_is_far_larger_than_the_weights_is_refused(
    folder: Path, changed: dict[str, Any]
) -> None:
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(described | changed))
    assert refusal(folder)


@pytest.mark.parametrize("format_", ["zip", "nemo", "safetensors"])
def test_flipped_bytes_are_refused_or_harmless(
    folder: Path, nemo: Path, model: BertForPreTraining, format_: str
) -> None:
    if format_ == "zip":
        (folder / "model.safetensors").unlink()
        torch.save(hf.to_hf(model), folder / "pytorch_model.bin")
    file = {"zip": folder / "pytorch_model.bin", "nemo": nemo, "safetensors": folder / "model.safetensors"}[format_]
    whole, rng = file.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(20):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[rng.randrange(min(len(whole), 4096))] = rng.randrange(256)
        file.write_bytes(damaged)
        try:
            from_pretrained(str(nemo if format_ == "nemo" else folder))
        except CheckpointError:
            refused += 1
    assert refused


def test_code_beside_a_model_is_never_run(folder: Path, tmp_path: Path) -> None:
    """Hugging Face runs it where it is told `trust_remote_code`, for which there is no way here."""
    code = f"open({str(tmp_path / 'executed')!r}, 'w')\n"
    for name in ("modeling_mine.py", "tokenization_mine.py", "configuration_mine.py", "__init__.py"):
        (folder / name).write_text(code)
    own = {"AutoModel": "modeling_mine.Mine", "AutoConfig": "configuration_mine.Mine"}
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(described | {"auto_map": own}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": "tokenization_mine.Mine"}}))
    assert from_pretrained(str(folder))
    assert not (tmp_path / "executed").exists()
    source = Path(__file__).parents[2] / "trainer"
    assert not [path for path in source.rglob("*.py") if "trust_remote_code" in path.read_text()]
