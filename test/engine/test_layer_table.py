"""Layers by region and precision: counts of a real engine, and borders."""

from __future__ import annotations

import pytest
from helpers.built_engine import demo_account, demo_plan, split_layers

from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.layer_table import count_layers, layer_regions, region_table, render_region_table
from trt_perception.precision.account import Account


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return demo_account(tmp_path_factory.mktemp("split"), demo_plan())


def test_counts_a_real_engine(account: Account) -> None:
    layers = split_layers()
    rows = region_table(layers, account)
    assert render_region_table(rows).splitlines()[2:] == [
        "| backbone | int8 | 32 | 2 | 0 | 0 | 8 | 2 |",
        "| neck | int8 | 15 | 0 | 0 | 0 | 3 | 0 |",
        "| head | fp16 | 0 | 22 | 0 | 0 | 16 | 7 |",
    ]
    assert sum(sum(row.layers.values()) + row.copies + row.free for row in rows) == len(layers)


def test_every_layer_lies_where_its_nodes_are_planned(account: Account) -> None:
    layers = split_layers()
    planned = {node.name: node.region.value for node in account.nodes}
    for layer, region in zip(layers, layer_regions(layers, account), strict=True):
        if layer.nodes:
            assert region == planned[layer.nodes[-1]]


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("Reformatting CopyNode for Input Tensor 0 to PWN(seg_head.Add)", "head"),
        ("QuantizeLinear_neck.top_down8.relu.Relu_output_0_int8", "neck"),
        ("DequantizeLinear_backbone.rgb.stage1.1.expand.relu.Relu_output_0_dequantized", "backbone"),
    ],
)
def test_a_copy_lies_with_the_layer_it_serves(name: str, region: str, account: Account) -> None:
    layers = split_layers()
    index = next(index for index, layer in enumerate(layers) if layer.name == name)
    assert layer_regions(layers, account)[index] == region


def test_foreign_layers_belong_nowhere(account: Account) -> None:
    layer = EngineLayer(name="unknown", kind="Constant")
    assert layer_regions([layer], account) == ("none",)
    assert [(row.region, row.layers) for row in region_table([layer], account)] == [("none", {"unknown": 1})]


def test_other_precisions_are_told_by_name() -> None:
    tensor = EngineTensor(name="x", shape=(), precision="fp8", format="FP8")
    row = count_layers([EngineLayer(name="a", kind="conv", inputs=(tensor,))], region="all")
    assert "| all | - | 0 | 0 | 0 | 1 fp8 | 0 | 0 |" in render_region_table([row])


def test_no_layers_give_no_rows(account: Account) -> None:
    assert region_table([], account) == ()
