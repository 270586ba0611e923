"""TensorRT's name of the layer that failed, out of what its versions say."""

from __future__ import annotations

import pytest

from trt_perception.engine.build_errors import failed_layer

FUSED = "Conv_44 + PWN(Sigmoid_45, Mul_46)"


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        pytest.param(f"10: Could not find any implementation for node {FUSED}.", FUSED, id="8_6"),
        pytest.param(
            "10: [optimizer.cpp::computeCosts::3869] Error Code 10: Internal Error "
            f"(Could not find any implementation for node {FUSED}.)",
            FUSED,
            id="8_6_in_brackets",
        ),
        pytest.param(
            f"Could not find any implementation for node {FUSED} due to insufficient workspace. See verbose log.",
            FUSED,
            id="workspace",
        ),
        pytest.param(
            "IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any implementation for "
            "node {ForeignNode[backbone.0.conv...head.1]}. In computeCosts at /_src/optimizer/optimizer.cpp:4113)",
            "{ForeignNode[backbone.0.conv...head.1]}",
            id="10",
        ),
        pytest.param("Error Code 2: OutOfMemory (no further information)", "", id="another_error"),
    ],
)
def test_finds_the_layer(text: str, layer: str) -> None:
    assert failed_layer(("something before", text)) == layer
