"""The digest by which tables and engines know the ONNX that they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from trt_perception.errors import ModelError
from trt_perception.model.read_onnx import read_onnx


def model_sha256(path: Path) -> str:
    """sha256 of the ONNX file, hexadecimal; where weights lie beside it, of the digests of all its files in order.

    Raises:
        ModelError: The file, or one of its weight files, cannot be read.
        MissingError: The onnx package is not installed.
    """
    return joint_sha256(model_files(path))


def model_files(path: Path) -> dict[str, str]:
    """sha256 of each file of a model, by its name relative to the model's folder: the ONNX first, then its weights.

    Raises:
        ModelError: The file, or one of its weight files, cannot be read.
        MissingError: The onnx package is not installed.
    """
    model = read_onnx(path)
    names = (model.path.name, *sorted(set(model.external_files) - {model.path.name}))
    return {name: file_sha256(model.path.parent / name) for name in names}


def joint_sha256(files: Mapping[str, str]) -> str:
    """The digest of a model out of those of its files, in the order of `model_files`."""
    digests = list(files.values())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of one file, hexadecimal, read in blocks.

    Raises:
        ModelError: It cannot be read.
    """
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
