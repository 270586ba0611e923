"""The digest by which tables and engines know the ONNX that they belong to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from trt_perception.errors import ModelError
from trt_perception.model.read_onnx import read_onnx


def model_sha256(path: Path) -> str:
    """sha256 of the ONNX file, hexadecimal; where weights lie beside it, of the digests of all its files in order.

    Raises:
        ModelError: The file, or one of its weight files, cannot be read.
        MissingError: The onnx package is not installed.
    """
    model = read_onnx(path)
    own = _file_sha256(model.path)
    if not model.external_files:
        return own
    digests = [own, *(_file_sha256(model.path.parent / name) for name in sorted(model.external_files))]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise ModelError(
            str(path), f"cannot be read: {error.strerror or error}", "copy the model with all files"
        ) from error
    return digest.hexdigest()
