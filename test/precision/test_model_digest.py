"""The digest of a model's file, and of the files that belong to it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.errors import ModelError
from trt_perception.precision.model_digest import model_sha256


def test_is_the_files_own_sha256(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "tiny.onnx")
    assert model_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_sees_weights_that_lie_beside_the_file(tmp_path: Path) -> None:
    proto = onnx.load(make_yolox_onnx(tmp_path / "tiny.onnx"))
    path = tmp_path / "split.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="split.bin", size_threshold=0)
    before = model_sha256(path)
    assert before == model_sha256(path)
    weights = tmp_path / "split.bin"
    data = bytearray(weights.read_bytes())
    data[0] ^= 1
    weights.write_bytes(data)
    assert model_sha256(path) != before
    weights.unlink()
    with pytest.raises(ModelError, match=r"split\.bin: cannot be read"):
        model_sha256(path)
