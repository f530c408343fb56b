"""Tensors into a safetensors file, written and hashed in one pass.

The library's own `save_file` would need a second pass for the hash, and raises an error of its own on a full disk, not
an OSError; its `save` doubles the memory. The format: https://github.com/huggingface/safetensors, "Format".
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

_PIECE = 4 << 20
"""Bytes that are hashed while they are still in the processor's cache."""


def write(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write contiguous tensors of the host; the SHA-256 of the file."""
    digest = hashlib.sha256()
    # The widest first, so that all are aligned, as a reader that maps the file may want it.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    with path.open("wb") as stream:
        for data in (_header(ordered), *(_bytes(tensor) for _, tensor in ordered)):
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                digest.update(piece)
                stream.write(piece)
    return digest.hexdigest()


def _header(tensors: list[tuple[str, Tensor]]) -> memoryview:
    """Its length in 8 bytes, little-endian, and JSON, filled up with spaces to a multiple of 8."""
    entries: dict[str, Any] = {}
    end = 0
    for name, tensor in tensors:
        begin, end = end, end + tensor.nbytes
        entries[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return memoryview(len(text).to_bytes(8, "little") + text)


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.detach().reshape(-1).view(torch.uint8).numpy().data
