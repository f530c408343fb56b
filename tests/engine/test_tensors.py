import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from trainer.engine import tensors

MIXED = {
    "flag": torch.tensor([True, False, True]),
    "weight": torch.randn(3, 5),
    "half": torch.randn(7).bfloat16(),
    "step": torch.tensor(12),
    "none": torch.empty(0, 4),
    "large": torch.arange(3 << 20, dtype=torch.float32),
}


@pytest.mark.parametrize("names", [["weight"], ["flag", "weight", "half", "step"], ["none"], [], list(MIXED)])
def test_what_is_written_is_read_by_safetensors_bit_for_bit(tmp_path: Path, names: list[str]) -> None:
    written = {name: MIXED[name] for name in names}
    tensors.write(tmp_path / "file", written)
    read = load_file(tmp_path / "file")
    assert read.keys() == written.keys()
    for name, tensor in written.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    told = tensors.write(tmp_path / "file", MIXED)
    assert told == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
