"""From the name of an engine layer to the ONNX nodes inside. Names of TensorRT 8 are those of real engines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.layer_nodes import NodeNames, resolve_nodes

KNOWN = [
    "Conv_4", "Conv_44", "Sigmoid_45", "Mul_46", "Concat_40",
    "neck.down16.conv.Conv", "neck.down16.relu.Relu", "det.box.Conv", "det.objectness.Conv",
    "/a/Conv", "/a/Conv + /a/Relu", "/a/Relu", "Shuffle", "last",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        pytest.param("Conv_44", ("Conv_44",), id="longest"),
        pytest.param("Conv_44 + PWN(PWN(Sigmoid_45), Mul_46)", ("Conv_44", "Sigmoid_45", "Mul_46"), id="pointwise"),
        pytest.param(
            "neck.down16.conv.weight + QuantizeLinear_neck.down16.conv.Conv_weight_int8_2 + neck.down16.conv.Conv "
            "+ neck.down16.relu.Relu",
            ("neck.down16.conv.Conv", "neck.down16.relu.Relu"),
            id="weights_are_no_node",
        ),
        pytest.param("det.box.Conv || det.objectness.Conv", ("det.box.Conv", "det.objectness.Conv"), id="side_by_side"),
        pytest.param("/a/Conv + /a/Relu", ("/a/Conv + /a/Relu",), id="a_plus_inside_a_name"),
        pytest.param("{ForeignNode[Conv_4...last]}", ("Conv_4", "last"), id="foreign"),
        pytest.param("Conv_4_clone_0", ("Conv_4",), id="clone"),
        pytest.param("/a/Conv_myl0_4", ("/a/Conv",), id="myelin"),
        pytest.param("(Unnamed Layer* 7) [Shuffle] + Conv_4", ("Conv_4",), id="unnamed"),
        pytest.param("__myl_ConvAddRelu_myl0_3", (), id="made_up"),
        pytest.param("Conv_4x", (), id="another_name"),
    ],
)
def test_finds_the_nodes_in_a_name(name: str, nodes: tuple[str, ...]) -> None:
    assert resolve_nodes([EngineLayer(name=name, kind="CaskConvolution")], KNOWN)[0].nodes == nodes


@pytest.mark.parametrize(
    ("layer", "nodes"),
    [
        pytest.param(
            EngineLayer(name="Conv_4 + Mul_46", kind="CaskConvolution", nodes=("Conv_4", "x_QuantizeLinear")),
            ("Conv_4",),
            id="what_is_listed_counts_before_the_name",
        ),
        pytest.param(EngineLayer(name="Conv_4", kind="kgen", nodes=("foreign",)), ("Conv_4",), id="foreign_list"),
        pytest.param(
            EngineLayer(name="Reformatting CopyNode for Input Tensor 0 to Conv_4", kind="Reformat", origin="REFORMAT"),
            (),
            id="reformat",
        ),
        pytest.param(
            EngineLayer(name="Reformatting CopyNode for Input Tensor 0 to Conv_4", kind="Reformat", nodes=("Conv_4",)),
            (),
            id="reformat_that_lists_whom_it_serves",
        ),
        pytest.param(
            EngineLayer(name="y copy", kind="Reformat", nodes=("Concat_40",), origin="CONCAT"),
            ("Concat_40",),
            id="branch",
        ),
        pytest.param(EngineLayer(name="QuantizeLinear_Conv_4", kind="kgen"), (), id="quantizer"),
        pytest.param(EngineLayer(name="Shuffle", kind="NoOp", nodes=("Shuffle",)), ("Shuffle",), id="free_layer"),
    ],
)
def test_a_copy_holds_no_node_of_the_layer_it_serves(layer: EngineLayer, nodes: tuple[str, ...]) -> None:
    assert resolve_nodes([layer], KNOWN)[0].nodes == nodes


def test_knows_whom_a_reformat_serves() -> None:
    names = NodeNames(KNOWN)
    layer = EngineLayer(name="Reformatting CopyNode for Output Tensor 0 to Conv_44 + PWN(Mul_46)", kind="Reformat")
    assert names.served(layer) == ("Conv_44", "Mul_46")
    assert names.served(EngineLayer(name="Conv_44", kind="CaskConvolution")) == ()


def test_without_names_nothing_is_found() -> None:
    assert NodeNames([]).in_text("Conv_4") == ()


ANY_NAME = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="._/:-"), min_size=1).filter(
    lambda name: "..." not in name
)


@given(st.lists(ANY_NAME, min_size=1, max_size=5, unique=True))
def test_finds_every_node_of_a_fused_name(names: list[str]) -> None:
    assert NodeNames(names).in_text(" + ".join(names)) == tuple(names)
