"""The engine card: what it tells, that its drawing can be drawn, and that results find their place in it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import onnx
import pytest
from helpers.built_engine import demo_account, demo_plan, split_layers
from helpers.engine_pair import EnginePair, make_pair
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.card_flow import mermaid_flow
from trt_perception.engine.engine_card import Inspection, render_card
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_results import AccuracyResult, LatencyResult, LatencyRow
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.layer_check import LayerCheck, check_layers
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.region_flow import INPUT, OUTPUT, FlowEdge, FlowPart, RegionFlow, region_flow
from trt_perception.engine.update_card import update_card
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, Region
from trt_perception.precision.quantize import Emitter

ACCURATE = AccuracyResult(
    reference="ONNX Runtime FP32",
    data="drive",
    frames=50,
    metrics={"mAP50": (0.912, 0.9095)},
    limit="at most 0.5 points lost",
    holds=True,
)
FAST = LatencyResult(
    rows=(LatencyRow(streams=4, batch=1, p50_ms=0.5, p99_ms=0.75, frames_per_s=8000.0),),
    device_memory_mib=31.5,
    compared_with="net.fp16.engine",
    streams=4,
    speed=1.31,
    size=0.6,
    holds=True,
)

# One statement of the drawing; what stands between the quotes may hold neither a quote nor a bare bracket of HTML.
_LABEL = r'"(?:[^"<>]|<br/>)*"'
_STATEMENTS = (
    r"flowchart LR",
    rf"    n\d+\[{_LABEL}\]",
    rf"    n\d+\(\[{_LABEL}\]\)",
    rf"    n\d+ -->\|{_LABEL}\| n\d+",
    r"    classDef \w+ [\w:#,]+",
    r"    class n\d+(?:,n\d+)* \w+",
)


def lines_of(drawing: str) -> list[str]:
    fence, *lines, end = drawing.splitlines()
    assert (fence, end) == ("```mermaid", "```")
    return lines


def assert_can_be_drawn(drawing: str) -> None:
    lines = lines_of(drawing)
    for line in lines:
        assert any(re.fullmatch(statement, line) for statement in _STATEMENTS), line
    declared = {match[1] for line in lines if (match := re.match(r"    (n\d+)[\[(]", line))}
    assert {name for line in lines for name in re.findall(r"\bn\d+\b", re.sub(_LABEL, "", line))} == declared


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> EnginePair:
    return make_pair(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, RegionFlow]:
    folder, plan = tmp_path_factory.mktemp("demo"), demo_plan()
    account = demo_account(folder, plan, Emitter.STRONG)
    (graph,) = folder.glob("*.onnx")
    return account, region_flow(onnx.load(str(graph)), account)


def test_every_node_of_the_graph_is_in_one_part_of_the_flow(demo: tuple[Account, RegionFlow]) -> None:
    account, flow = demo
    for region in Region:
        parts = [part for part in flow.parts if part.kind == region.value]
        for precision in Precision:
            expected = sum(node.region is region and node.precision is precision for node in account.nodes)
            assert sum(part.nodes.get(precision, 0) for part in parts) == expected


def test_the_flow_leads_from_the_input_through_the_regions_to_every_output(demo: tuple[Account, RegionFlow]) -> None:
    _, flow = demo
    assert [part.name for part in flow.parts if part.kind == INPUT] == ["images"]
    assert [part.name for part in flow.parts if part.kind == OUTPUT] == ["detections", "segmentation"]
    ways = {(edge.source, edge.target) for edge in flow.edges}
    assert {("images", "backbone"), ("backbone", "neck")} <= ways
    assert {("head detections", "detections"), ("head segmentation", "segmentation")} <= ways
    border = next(edge for edge in flow.edges if (edge.source, edge.target) == ("backbone", "neck"))
    assert border.converters["Q/DQ"] == border.tensors > 0


def test_the_drawing_of_a_real_model_can_be_drawn(demo: tuple[Account, RegionFlow], pair: EnginePair) -> None:
    _, flow = demo
    drawing = mermaid_flow(flow, pair.spec)
    assert_can_be_drawn(drawing)
    assert len(lines_of(drawing)) > len(flow.parts) + len(flow.edges)


@given(name=st.text(min_size=1))
def test_no_name_breaks_the_drawing(name: str, pair: EnginePair) -> None:
    flow = RegionFlow(
        parts=(
            FlowPart(name=f"in {name}", kind=INPUT, nodes={}),
            FlowPart(name=f"head {name}", kind="head", nodes={Precision.FP16: 1}),
        ),
        edges=(FlowEdge(source=f"in {name}", target=f"head {name}", tensors=1, converters={}),),
    )
    assert_can_be_drawn(mermaid_flow(flow, pair.spec))


def test_a_card_of_a_real_engine_tells_its_layers(
    demo: tuple[Account, RegionFlow], pair: EnginePair, tmp_path: Path
) -> None:
    """Layers as TensorRT 8.6.1 on an H200 told them."""
    account = demo_account(tmp_path, demo_plan())
    layers = split_layers()
    check = check_layers(layers, account)
    card = render_card(pair.manifest, account=account, flow=demo[1], inspection=Inspection(layers=layers, check=check))
    assert f"| honoured | {len(check.honoured)} |" in card
    assert "## Layers by region and precision" in card
    for name in check.undetermined:
        assert f"`{name}`" in card
    for name in list(check.copies)[:3]:
        assert name in card
    for region in Region:
        assert f"{region.value} {account.plan.precision(region).value.upper()}" in render_card(
            dataclasses.replace(pair.manifest, precision_plan=account.plan)
        )


def test_layers_that_do_not_follow_the_plan_stand_with_their_reasons(pair: EnginePair) -> None:
    check = LayerCheck(honoured=("a",), not_honoured={"b": "fp32 for int8"}, undetermined={"c": "hidden"}, wider={})
    card = render_card(pair.manifest, inspection=Inspection(layers=(), check=check))
    assert "| not honoured | 1 | `b` |" in card
    assert "- `b`: fp32 for int8\n- `c`: hidden" in card


def test_an_engine_that_nobody_looked_into_is_not_called_verified(pair: EnginePair) -> None:
    ahead = dataclasses.replace(pair.manifest, gpu=GpuIdentity(name="", compute_capability="8.9"), verification=None)
    card = render_card(ahead)
    assert "**not inspected here**" in card
    assert "honoured" not in card
    assert "any of compute capability 8.9: built ahead of time" in card


def test_an_adopted_engine_says_so(pair: EnginePair) -> None:
    adopted = dataclasses.replace(
        pair.manifest, adopted=True, precision_plan=None, options=None, build=None, verification=None, key=""
    )
    assert "built elsewhere and adopted" in render_card(adopted)


@pytest.mark.parametrize(
    ("accurate", "useful", "words"),
    [
        pytest.param(True, True, "Recommended. Accuracy gate: holds. Benefit gate: holds.", id="both"),
        pytest.param(False, True, "Not recommended: it loses more", id="inaccurate"),
        pytest.param(True, False, "Not recommended: it is neither faster nor smaller", id="useless"),
        pytest.param(True, None, "Open. Accuracy gate: holds. Benefit gate: not judged yet.", id="no_comparison"),
        pytest.param(None, True, "Open. Accuracy gate: not judged yet.", id="no_limit"),
    ],
)
def test_both_gates_make_the_recommendation(
    accurate: bool | None, useful: bool | None, words: str, pair: EnginePair
) -> None:
    manifest = dataclasses.replace(
        pair.manifest,
        accuracy=dataclasses.replace(ACCURATE, holds=accurate),
        latency=dataclasses.replace(FAST, holds=useful),
    )
    assert words in render_card(manifest)


def test_without_results_the_card_names_the_commands_that_measure(pair: EnginePair) -> None:
    card = render_card(pair.manifest)
    assert f"`trt-perception judge {pair.engine.name} BAG_OR_FOLDER --write-card`" in card
    assert f"`trt-perception bench {pair.engine.name}" in card


def test_results_find_their_place_and_notes_stay(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    files = EngineFiles(pair.engine)
    files.card.write_text(f"{render_card(pair.manifest)}\nA note of ours.\n")

    assert update_card(pair.engine, accuracy=ACCURATE) is False
    update_card(pair.engine, latency=FAST)

    manifest = read_manifest(pair.engine)
    assert (manifest.accuracy, manifest.latency) == (ACCURATE, FAST)
    card = files.card.read_text()
    assert "| mAP50 | 91.20 | 90.95 | -0.25 |" in card
    assert "| 4 | 1 | 0.500 | 0.750 | 8000 |" in card
    assert card.count("## Accuracy against FP32") == 1
    assert card.endswith("\nA note of ours.\n")
    assert card.startswith(f"# {pair.engine.name}\n")


def test_a_card_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    EngineFiles(pair.engine).card.unlink(missing_ok=True)
    update_card(pair.engine, accuracy=ACCURATE)
    assert "91.20" in EngineFiles(pair.engine).card.read_text()


def test_a_signature_does_not_outlive_what_it_signs(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    files = EngineFiles(pair.engine)
    files.signature.write_text("{}")
    assert update_card(pair.engine, accuracy=ACCURATE) is True
    assert not files.signature.exists()
