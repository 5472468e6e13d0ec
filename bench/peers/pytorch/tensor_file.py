"""Reads what the other side of the comparison wrote: a safetensors file."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {"F32": torch.float32, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}
LENGTH_BYTES = 8


def read_tensors(path: str) -> dict[str, Tensor]:
    """All tensors of a file by name, on the CPU."""
    contents = bytearray(Path(path).read_bytes())
    start = LENGTH_BYTES + int.from_bytes(contents[:LENGTH_BYTES], "little")
    header = json.loads(contents[LENGTH_BYTES:start])
    tensors: dict[str, Tensor] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype = DTYPES[entry["dtype"]]
        values = torch.frombuffer(
            contents,
            dtype=dtype,
            offset=start + begin,
            count=(end - begin) // dtype.itemsize,
        )
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors


def section(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
