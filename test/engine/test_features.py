"""What differs between modules, as it is found in them."""

from __future__ import annotations

import pytest
from helpers.fake_tensorrt import FakeTensorRt

from trt_perception.engine.features import features_of
from trt_perception.engine.tensorrt_module import TensorRtIdentity, identify, load_tensorrt
from trt_perception.errors import MissingError


def test_8_6_has_flags_and_no_strong_types() -> None:
    found = features_of(FakeTensorRt(8))
    assert (found.emitter, found.strongly_typed, found.precision_flags, found.explicit_batch) == (
        "flags", False, True, True,
    )  # fmt: skip
    assert not found.progress
    assert not found.strip_plan


def test_10_has_both_and_takes_strong_types() -> None:
    found = features_of(FakeTensorRt(10))
    assert (found.emitter, found.strongly_typed, found.precision_flags, found.progress) == ("strong", True, True, True)
    assert identify(FakeTensorRt(10)) == TensorRtIdentity(flavour="tensorrt", version="10.15.1")


def test_rtx_has_strong_types_alone_and_builds_ahead_of_time() -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    found = features_of(trt)
    assert (found.emitter, found.strongly_typed, found.precision_flags, found.progress) == ("strong", True, False, True)
    assert "SM89" in found.ahead_of_time
    assert not {"CUBLAS", "CUDNN"} & set(found.tactic_sources)
    assert identify(load_tensorrt("tensorrt_rtx_bindings")).flavour == "tensorrt_rtx"
    assert str(identify(trt)).startswith("TensorRT-RTX 1.")


def test_an_absent_module_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingError, match=r"no_such_tensorrt cannot be imported .*; pip install tensorrt"):
        load_tensorrt("no_such_tensorrt")
