"""A built engine against its plan.

The layers are those of a real engine of TensorRT 8.6.1 for the demo model's split plan; broken ones are made from it.
Layers in the forms of TensorRT 10 are made from documentation, not from an engine.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from helpers.built_engine import demo_account, demo_plan, split_layers

from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.read_layers import read_layers
from trt_perception.errors import GateError
from trt_perception.precision.account import Account, NodeAccount, WeightAccount
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, Region, RegionPrecisions
from trt_perception.precision.quantize import Emitter

CONV = "backbone.rgb.stage3.1.reduce.conv.Conv"
HEAD = "det_head.level8.classes.Conv"


@pytest.fixture(scope="module")
def layers() -> tuple[EngineLayer, ...]:
    return split_layers()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return demo_account(tmp_path_factory.mktemp("split"), demo_plan())


def changed(
    layers: Sequence[EngineLayer], node: str, change: Callable[[EngineLayer], EngineLayer | None]
) -> list[EngineLayer]:
    """The layers with that of one node changed, or left out."""
    assert any(node in layer.nodes for layer in layers)
    new = [change(layer) if node in layer.nodes else layer for layer in layers]
    return [layer for layer in new if layer is not None]


def in_precision(layer: EngineLayer, precision: str) -> EngineLayer:
    def convert(tensors: Sequence[EngineTensor]) -> tuple[EngineTensor, ...]:
        return tuple(dataclasses.replace(tensor, precision=precision, format=precision) for tensor in tensors)

    return dataclasses.replace(
        layer,
        inputs=convert(layer.inputs),
        outputs=convert(layer.outputs),
        weights=layer.weights and precision,
    )


def test_a_real_engine_honours_its_plan(layers: tuple[EngineLayer, ...], account: Account) -> None:
    check = check_layers(layers, account)
    assert (check.not_honoured, check.undetermined, check.unexplained) == ({}, {}, {})
    assert {item.node for item in account.weights} <= set(check.honoured)
    assert {name for name in account.layer_precisions if name.endswith("Conv")} <= set(check.honoured)
    assert list(check.wider) == ["backbone.rgb.stage1.1.Add"]
    check.require()


def test_every_copy_of_a_real_engine_has_its_reason(layers: tuple[EngineLayer, ...], account: Account) -> None:
    copies = check_layers(layers, account).copies
    assert len(copies) == sum(layer.kind == "Reformat" for layer in layers) + 6
    reasons = {
        "QuantizeLinear_backbone.rgb.stem.relu.Relu_output_0_int8": "`backbone.rgb.stem.conv.Conv` is kept in fp16, "
        "keep_first_conv",
        "QuantizeLinear_neck.bottom_up16.relu.Relu_output_0_int8": "also read by `det_head.level16.where.conv.Conv` in "
        "the head, planned fp16",
        "backbone.context.pool.MaxPool_output_0 copy": "a branch copied to its place in a Concat",
        "Reformatting CopyNode for Output Tensor 0 to det_head.Transpose": "the model's output leaves in another form: "
        "fp16 to fp32",
        "Reformatting CopyNode for Input Tensor 0 to PWN(seg_head.Add)": "costs nothing",
    }
    for name, reason in reasons.items():
        assert reason in copies[name]


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_a_planned_int8_layer_in_floats_is_named(
    precision: str, layers: tuple[EngineLayer, ...], account: Account
) -> None:
    check = check_layers(changed(layers, CONV, lambda layer: in_precision(layer, precision)), account)
    assert list(check.not_honoured) == [CONV]
    with pytest.raises(
        GateError, match=rf"in 1 layers: {CONV} planned int8, computes {precision} in layer '.*keep_fp16"
    ):
        check.require()


def test_int8_weights_without_int8_data_are_not_honoured(layers: tuple[EngineLayer, ...], account: Account) -> None:
    broken = changed(layers, CONV, lambda layer: dataclasses.replace(in_precision(layer, "fp16"), weights="int8"))
    assert "planned int8, reads fp16" in check_layers(broken, account).not_honoured[CONV]


def test_a_head_in_int8_is_named(layers: tuple[EngineLayer, ...], account: Account) -> None:
    check = check_layers(changed(layers, HEAD, lambda layer: in_precision(layer, "int8")), account)
    assert list(check.not_honoured) == [HEAD]
    assert "planned fp16, computes int8" in check.not_honoured[HEAD]


def test_a_head_in_fp32_is_honoured_and_said(layers: tuple[EngineLayer, ...], account: Account) -> None:
    check = check_layers(changed(layers, HEAD, lambda layer: in_precision(layer, "fp32")), account)
    assert HEAD in check.honoured
    assert "planned fp16, computes fp32" in check.wider[HEAD]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda _: None, "no layer of the engine names it", id="absent"),
        pytest.param(
            lambda layer: dataclasses.replace(layer, kind="Myelin"), "whose layers cannot be seen", id="hidden"
        ),
        pytest.param(lambda layer: in_precision(layer, "unknown"), "does not say", id="dynamic"),
        pytest.param(lambda layer: EngineLayer(name=layer.name), "no details", id="names_only"),
    ],
)
@pytest.mark.parametrize("node", [CONV, HEAD], ids=["int8", "fp16"])
def test_what_the_engine_does_not_tell_is_undetermined(
    node: str,
    change: Callable[[EngineLayer], EngineLayer | None],
    why: str,
    layers: tuple[EngineLayer, ...],
    account: Account,
) -> None:
    def changed_unknown(layer: EngineLayer) -> EngineLayer | None:
        new = change(layer)
        unknown = new is not None and new.inputs and new.inputs[0].precision == "unknown"
        return dataclasses.replace(new, weights=None) if new is not None and unknown else new

    check = check_layers(changed(layers, node, changed_unknown), account)
    assert why in check.undetermined[node]
    assert check.not_honoured == {}


def test_int8_weights_tell_of_a_layer_whose_tensors_are_not_told(
    layers: tuple[EngineLayer, ...], account: Account
) -> None:
    """TensorRT 8.6 says `N/A due to dynamic shapes` of tensors of open size, but tells the weights."""
    untold = changed(layers, CONV, lambda layer: dataclasses.replace(in_precision(layer, "unknown"), weights="int8"))
    assert CONV in check_layers(untold, account).honoured
    halves = changed(layers, CONV, lambda layer: dataclasses.replace(in_precision(layer, "unknown"), weights="fp16"))
    assert CONV in check_layers(halves, account).not_honoured


def test_a_missing_node_may_lie_in_a_hidden_block(layers: tuple[EngineLayer, ...], account: Account) -> None:
    block = EngineLayer(name="{ForeignNode[a...b]}", kind="Myelin")
    check = check_layers([*changed(layers, CONV, lambda _: None), block], account)
    assert "it may lie inside {ForeignNode[a...b]}" in check.undetermined[CONV]


@pytest.mark.parametrize("name", ["fp16", "fp32"])
def test_an_engine_of_another_plan_does_not_pass(name: str, layers: tuple[EngineLayer, ...], tmp_path: Path) -> None:
    other = demo_account(tmp_path, demo_plan(name))
    check = check_layers(layers, other)
    convolutions = {node.name for node in other.nodes if node.op_type == "Conv"}
    in_int8 = {name for layer in layers if layer.weights == "int8" for name in layer.nodes} & convolutions
    assert len(in_int8) == 31
    assert set(check.not_honoured) & convolutions == (in_int8 if name == "fp16" else convolutions)


def test_a_conversion_inside_the_int8_region_is_unexplained(layers: tuple[EngineLayer, ...], account: Account) -> None:
    """A convolution in FP16 between INT8 ones: TensorRT would convert before and after it."""
    reader = next(layer for layer in layers if CONV in layer.nodes)
    tensor = reader.inputs[0]
    half = dataclasses.replace(tensor, name="half", precision="fp16")
    copy = EngineLayer(name="made up", kind="Reformat", inputs=(tensor,), outputs=(half,), origin="QDQ")
    broken = changed(layers, CONV, lambda layer: dataclasses.replace(layer, inputs=(half,), weights="fp16"))
    check = check_layers([*broken, copy], account)
    assert check.unexplained == {"made up": "int8 to fp16"}
    assert list(check.not_honoured) == [CONV]


@pytest.mark.parametrize("emitter", list(Emitter))
def test_keeps_are_bound_whatever_the_emitter(
    emitter: Emitter, layers: tuple[EngineLayer, ...], tmp_path: Path
) -> None:
    plan = dataclasses.replace(demo_plan(), keep_fp32=("det_head.level8.classes.Conv",), keep_fp16=(CONV,))
    check = check_layers(layers, demo_account(tmp_path, plan, emitter))
    behind = CONV.replace("conv.Conv", "relu.Relu")  # pinned with it where the builder has to be told
    assert set(check.not_honoured) - {behind} == {CONV, HEAD}
    assert "planned fp16, computes int8" in check.not_honoured[CONV]
    assert "planned fp32, computes fp16" in check.not_honoured[HEAD]


def test_the_strong_account_binds_the_same_weighted_layers(
    layers: tuple[EngineLayer, ...], account: Account, tmp_path: Path
) -> None:
    strong = check_layers(layers, demo_account(tmp_path, demo_plan(), Emitter.STRONG))
    flags = check_layers(layers, account)
    assert {name for name in strong.honoured if name.endswith("Conv")} == {
        name for name in flags.honoured if name.endswith("Conv")
    }
    assert strong.not_honoured == {}


def tensor(name: str, precision: str) -> EngineTensor:
    return EngineTensor(name=name, shape=(), precision=precision, format=precision)


def small_account(emitter: str, *, reason: str = "") -> Account:
    """A quantized convolution, an activation that no plan binds, and a head."""
    nodes = (
        NodeAccount(name="conv", op_type="Conv", region=Region.BACKBONE, region_reason="", precision=Precision.INT8),
        NodeAccount(
            name="act",
            op_type="Relu",
            region=Region.BACKBONE,
            region_reason="",
            precision=Precision.FP16,
            reason=reason,
        ),
        NodeAccount(name="head", op_type="Conv", region=Region.HEAD, region_reason="", precision=Precision.FP16),
    )
    weights = WeightAccount(node="conv", tensor="w", axis=0, channels=1, smallest_scale=1.0, largest_scale=1.0)
    return Account(
        model="m.onnx", model_sha256="", emitter=emitter, opset=19, source_opset=17,
        plan=PrecisionPlan(precisions=RegionPrecisions()), nodes=nodes, weights=(weights,),
        layer_precisions={"head": Precision.FP16} if emitter == "flags" else {},
    )  # fmt: skip


HEAD_LAYER = EngineLayer(name="head", kind="conv", inputs=(tensor("a", "fp16"),), outputs=(tensor("y", "fp16"),))


@pytest.mark.parametrize("emitter", ["flags", "strong", "carried"])
@pytest.mark.parametrize(
    ("kind", "read", "result"),
    [
        pytest.param("CaskConvolution", "int8", "honoured", id="int8"),
        pytest.param("kgen", "int8", "honoured", id="generated_int8"),
        pytest.param("conv", "fp16", "not_honoured", id="fp16"),
        pytest.param("gemm", "bf16", "not_honoured", id="bf16"),
        pytest.param("kgen", "fp16", "undetermined", id="generated_fp16_may_quantize_inside"),
        pytest.param("conv", "unknown", "undetermined", id="unknown"),
    ],
)
def test_a_layer_that_tells_nothing_of_its_weights(kind: str, read: str, result: str, emitter: str) -> None:
    conv = EngineLayer(
        name="__myl_ConvRelu_myl0_1", kind=kind, nodes=("conv", "act"), inputs=(tensor("x", read),),
        outputs=(tensor("a", "fp16"),),
    )  # fmt: skip
    check = check_layers([conv, HEAD_LAYER], small_account(emitter))
    assert "conv" in getattr(check, result)
    assert "head" in check.honoured
    assert "act" not in {*check.honoured, *check.not_honoured, *check.undetermined}


TENSORRT_10 = """
{"Layers": [{
  "Name": "Reformatting CopyNode for Input Tensor 0 to conv + act",
  "LayerType": "Reformat",
  "Inputs": [{"Name": "images", "Location": "Device", "Dimensions": [1, 3, 64, 64], "Format/Datatype": "Half"}],
  "Outputs": [{"Name": "x", "Location": "Device", "Dimensions": [1, 3, 64, 64], "Format/Datatype": "Int8"}],
  "Origin": "QDQ", "Metadata": "[ONNX Layer: conv]"
},{
  "Name": "w + conv_weight_QuantizeLinear + conv + act",
  "LayerType": "CaskConvolution",
  "Inputs": [{"Name": "x", "Location": "Device", "Dimensions": [1, 3, 64, 64], "Format/Datatype": "Int8"}],
  "Outputs": [{"Name": "a", "Location": "Device", "Dimensions": [1, 8, 64, 64], "Format/Datatype": "Half"}],
  "Weights": {"Type": "Int8", "Count": 216},
  "Metadata": "[ONNX Layer: conv_weight_QuantizeLinear]\x1e[ONNX Layer: conv]\x1e[ONNX Layer: act]"
},{
  "Name": "__myl_Conv_myl0_1",
  "LayerType": "conv",
  "Inputs": [{"Name": "a", "Dimensions": [1, 8, 64, 64], "Format/Datatype": "Half"},
             {"Name": "__mye1_dconst", "Dimensions": [4, 8, 1, 1], "Format/Datatype": "Half"}],
  "Outputs": [{"Name": "boxes", "Dimensions": [1, 4, 64, 64], "Format/Datatype": "Half"}],
  "Metadata": "[ONNX Layer: head]"
}], "Bindings": ["images", "boxes"]}
"""

TENSORRT_11 = re.sub(
    r'"Format/Datatype": "(\w+)"', r'"Format": "Row major linear", "DataType": "\1"', TENSORRT_10
).replace(
    '"Bindings": ["images", "boxes"]',
    '"I/O Tensors": [{"Name": "images", "IOMode": "Input", "DataType": "Half"}, {"Name": "boxes", "IOMode": "Output"}]',
)


@pytest.mark.parametrize("text", [TENSORRT_10, TENSORRT_11], ids=["10", "11"])
def test_reads_and_judges_the_forms_of_newer_versions(text: str) -> None:
    check = check_layers(read_layers(text), small_account("strong"))
    assert check.honoured == ("conv", "head")
    assert (check.not_honoured, check.undetermined, check.unexplained) == ({}, {}, {})
    broken = check_layers(read_layers(text.replace('"Int8"', '"Half"')), small_account("strong"))
    assert "planned int8, computes fp16" in broken.not_honoured["conv"]
    names = check_layers([EngineLayer(name=layer.name) for layer in read_layers(text)], small_account("strong"))
    assert "no details" in names.undetermined["conv"]
    assert names.honoured == ()


def test_what_is_kept_floating_but_fused_behind_an_int8_layer_is_undetermined() -> None:
    conv = EngineLayer(
        name="conv + act", kind="CaskConvolution", inputs=(tensor("x", "int8"),), outputs=(tensor("a", "fp16"),),
        weights="int8",
    )  # fmt: skip
    check = check_layers([conv, HEAD_LAYER], small_account("strong", reason="keep_fp16 has 'act'"))
    assert "fused behind the INT8 layer" in check.undetermined["act"]


@pytest.mark.parametrize(
    ("emitter", "op_type", "result"),
    [
        pytest.param("strong", "Reshape", "undetermined", id="strong"),
        pytest.param("flags", "Reshape", "not_honoured", id="pinned"),
        pytest.param("strong", "Sigmoid", "not_honoured", id="computes"),
    ],
)
def test_a_dequantizer_may_move_behind_what_computes_nothing(emitter: str, op_type: str, result: str) -> None:
    account = small_account(emitter)
    nodes = (*account.nodes[:2], dataclasses.replace(account.nodes[2], op_type=op_type))
    layer = EngineLayer(name="head", kind="Shuffle", inputs=(tensor("a", "int8"),), outputs=(tensor("y", "int8"),))
    check = check_layers([layer], dataclasses.replace(account, nodes=nodes))
    assert "int8" in getattr(check, result)["head"]


def test_what_moves_data_and_became_no_layer_is_not_judged() -> None:
    account = small_account("flags")
    nodes = (*account.nodes[:2], dataclasses.replace(account.nodes[2], op_type="Concat"))
    check = check_layers([], dataclasses.replace(account, nodes=nodes))
    assert list(check.undetermined) == ["conv"]


def test_the_worst_of_several_layers_counts() -> None:
    good = EngineLayer(name="conv", kind="conv", inputs=(tensor("x", "int8"),), outputs=(tensor("a", "fp16"),))
    bad = dataclasses.replace(good, name="conv_clone_0", inputs=(tensor("x2", "fp16"),))
    check = check_layers([good, bad, HEAD_LAYER], small_account("flags"))
    assert "layer 'conv_clone_0'" in check.not_honoured["conv"]


def test_a_layer_of_indices_is_not_judged() -> None:
    indices = EngineLayer(name="head", kind="shape", inputs=(tensor("a", "int64"),), outputs=(tensor("y", "int32"),))
    check = check_layers([indices], small_account("flags"))
    assert "head" not in {*check.honoured, *check.not_honoured, *check.undetermined}


def test_the_error_says_how_many_more(layers: tuple[EngineLayer, ...], tmp_path: Path) -> None:
    check = check_layers(layers, demo_account(tmp_path, demo_plan("fp16")))
    with pytest.raises(GateError, match=rf" and {len(check.not_honoured) - 5} more; raise workspace_mib") as error:
        check.require()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000
