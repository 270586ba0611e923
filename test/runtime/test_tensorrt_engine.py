"""What is asked of TensorRT from 10 on, against real bindings; TensorRT 8 and running are tested in test/gpu."""

from __future__ import annotations

import pytest
from helpers.tensorrt_surface import signatures, takes


def test_contexts_are_made_with_a_strategy_that_leaves_the_memory_to_us() -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    assert hasattr(trt.ExecutionContextAllocationStrategy, "USER_MANAGED")
    overloads = signatures(trt.ICudaEngine.create_execution_context.__doc__, "create_execution_context")
    assert any("ExecutionContextAllocationStrategy" in text and takes(text, 1, method=True) for text in overloads)
