"""Safetensors files, as Nightshift writes and reads them, without a library of their own."""

import json
import struct

import numpy as np
import torch

TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "I8": np.int8, "BOOL": np.bool_}
CODES = {torch.from_numpy(np.empty(0, dtype)).dtype: code for code, dtype in TYPES.items()}
LENGTH_BYTES = 8


def read(path):
    """Answers with the tensors by name, which own their data, and the file's metadata."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(LENGTH_BYTES))
        header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {})
        tensors = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"][0]):
            start, end = entry["data_offsets"]
            file.seek(LENGTH_BYTES + length + start)
            numbers = np.frombuffer(file.read(end - start), TYPES[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(numbers.copy())
    return tensors, metadata


def write(path, tensors):
    """Writes tensors by name, those of the largest elements first, so that all are aligned."""
    header, size = {}, 0
    tensors = dict(sorted(tensors.items(), key=lambda item: -item[1].element_size()))
    for name, tensor in tensors.items():
        end = size + tensor.element_size() * tensor.numel()
        header[name] = {"dtype": CODES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [size, end]}
        size = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().numpy().tobytes())
