"""Why a conversion stands between two layers of one INT8 region, case by case."""

from __future__ import annotations

import dataclasses

import pytest

from trt_perception.engine.copy_reasons import UNTOLD
from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.layer_check import LayerCheck, check_layers
from trt_perception.precision.account import Account, NodeAccount, WeightAccount
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, Region


def tensor(name: str, precision: str, layout: str = "") -> EngineTensor:
    return EngineTensor(name=name, shape=(1, 8, 4, 4), precision=precision, format=f"{layout}{precision}")


def node(name: str, *, op_type: str = "Conv", region: Region = Region.BACKBONE, **more: object) -> NodeAccount:
    fields = {"precision": Precision.INT8, "region_reason": "", **more}
    return NodeAccount(name=name, op_type=op_type, region=region, **fields)  # type: ignore[arg-type]


def layer(name: str, reads: EngineTensor, writes: EngineTensor, *, kind: str = "CaskConvolution") -> EngineLayer:
    origin = "QDQ" if kind == "Reformat" else ""
    return EngineLayer(name=name, kind=kind, inputs=(reads,), outputs=(writes,), origin=origin)


INT8_X, INT8_Y, HALF_Y = tensor("x", "int8"), tensor("y", "int8"), tensor("y half", "fp16")
FIRST = layer("first", INT8_X, INT8_Y)
COPY = layer("copy", INT8_Y, HALF_Y, kind="Reformat")
SECOND = layer("second", HALF_Y, tensor("z", "fp16"))
THIRD = layer("third", tensor("z", "fp16"), tensor("out", "fp16"))


def judged(second: NodeAccount, third: NodeAccount, copy: EngineLayer = COPY, **more: object) -> LayerCheck:
    nodes = (node("first"), second, third)
    weights = tuple(
        WeightAccount(node=item.name, tensor="w", axis=0, channels=1, smallest_scale=1.0, largest_scale=1.0)
        for item in nodes
        if item.precision is Precision.INT8 and item.op_type == "Conv"
    )
    account = Account(
        model="m.onnx", model_sha256="", emitter="flags", opset=17, source_opset=17, plan=PrecisionPlan(), nodes=nodes,
        weights=weights,
    )  # fmt: skip
    return check_layers([FIRST, copy, SECOND, THIRD], dataclasses.replace(account, **more))  # type: ignore[arg-type]


HALF = {"precision": Precision.FP16}


@pytest.mark.parametrize(
    ("second", "third", "more", "reason"),
    [
        pytest.param(
            node("second", region=Region.HEAD, **HALF),
            node("third", region=Region.HEAD, **HALF),
            {},
            "int8 to fp16: `second` lies in the head, planned fp16",
            id="border",
        ),
        pytest.param(
            node("second", reason="keep_depthwise: one filter a channel", **HALF),
            node("third"),
            {},
            "int8 to fp16: `second` is kept in fp16, keep_depthwise: one filter a channel",
            id="kept",
        ),
        pytest.param(
            node("second", **HALF),
            node("third"),
            {"left_out": {"second": "its weights are not constant"}},
            "int8 to fp16: `second` is left out of INT8, its weights are not constant",
            id="left_out",
        ),
        pytest.param(
            node("second", op_type="Sigmoid", **HALF),
            node("third"),
            {},
            "int8 to fp16: `second` has no quantizer and computes in floats",
            id="no_quantizer",
        ),
        pytest.param(
            node("second", op_type="Add"),
            node("third", region=Region.HEAD, **HALF),
            {},
            "int8 to fp16: what `second` makes is also read by `third` in the head, planned fp16",
            id="read_outside",
        ),
    ],
)
def test_gives_the_nearest_reason(
    second: NodeAccount, third: NodeAccount, more: dict[str, object], reason: str
) -> None:
    check = judged(second, third, **more)
    assert check.copies == {"copy": reason}
    assert check.unexplained == {}


def test_without_a_reason_it_is_unexplained() -> None:
    check = judged(node("second"), node("third"))
    assert check.copies == {}
    assert check.unexplained == {"copy": "int8 to fp16"}


def test_another_layout_alone_is_said_to_be_that() -> None:
    rows = dataclasses.replace(COPY, outputs=(tensor("y half", "int8", layout="four wide "),))
    check = judged(node("second"), node("third"), copy=rows)
    assert check.copies == {"copy": "another layout, no other precision: int8, int8 to four wide int8"}


def test_a_reformat_that_moves_nothing_costs_nothing() -> None:
    check = judged(node("second"), node("third"), copy=dataclasses.replace(COPY, kind="NoOp"))
    assert "costs nothing" in check.copies["copy"]


def test_a_copy_whose_forms_are_not_told_is_neither_explained_away_nor_blamed() -> None:
    untold = layer("copy", tensor("y", "unknown"), tensor("y half", "unknown"), kind="Reformat")
    check = judged(node("second"), node("third"), untold)
    assert check.copies["copy"] == UNTOLD
    assert check.unexplained == {}
    kept = judged(node("second", precision=Precision.FP16, reason="keep_fp16"), node("third"), untold)
    assert kept.copies["copy"].startswith(f"{UNTOLD}; `second` is kept in fp16")
