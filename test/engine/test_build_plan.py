"""One builder for every TensorRT: what it asks of the module, by generation; real plans come from TensorRT-RTX."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.depthwise_onnx import make_depthwise_onnx
from helpers.fake_tensorrt import FakeTensorRt
from helpers.quantized_graph import quantized

from trt_perception.engine.build_plan import build_plan, configure_build
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.errors import ConfigError, DeviceError, ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, RegionPrecisions
from trt_perception.precision.quantize import Emitter, quantize

SPLIT = PrecisionPlan()
FP16 = PrecisionPlan(precisions=RegionPrecisions(backbone=Precision.FP16, neck=Precision.FP16))
FP32 = PrecisionPlan(precisions=RegionPrecisions(backbone=Precision.FP32, neck=Precision.FP32, head=Precision.FP32))
INT8 = PrecisionPlan(precisions=RegionPrecisions(head=Precision.INT8))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_demo_network_onnx(tmp_path / "model.onnx")


@pytest.fixture
def flags(model: Path, tmp_path: Path) -> tuple[Path, Account]:
    return quantized(model, SPLIT, tmp_path, emitter=Emitter.FLAGS)


@pytest.fixture
def strong(model: Path, tmp_path: Path) -> tuple[Path, Account]:
    return quantized(model, SPLIT, tmp_path)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(FP32, set(), id="fp32"),
        pytest.param(FP16, {"FP16", "OBEY_PRECISION_CONSTRAINTS"}, id="fp16"),
        pytest.param(SPLIT, {"FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"}, id="split"),
        pytest.param(INT8, {"FP16", "INT8"}, id="int8"),
    ],
)
def test_sets_the_flags_of_the_plan_for_8_6(
    plan: PrecisionPlan, expected: set[str], model: Path, tmp_path: Path
) -> None:
    trt = FakeTensorRt(8)
    graph, account = quantized(model, plan, tmp_path, emitter=Emitter.FLAGS)
    build_plan(trt, graph, account, EngineOptions())
    assert trt.config.flags == expected
    assert trt.network.flags == 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)


def test_pins_layers_and_their_outputs_but_not_the_types_of_the_model(flags: tuple[Path, Account]) -> None:
    trt = FakeTensorRt(8)
    graph, account = flags
    build_plan(trt, graph, account, EngineOptions())
    layers = {layer.name: layer for layer in trt.network.layers}
    pinned = {name: layer for name, layer in layers.items() if layer.precision is not None}
    assert pinned.keys() == account.layer_precisions.keys()
    assert {layer.precision for layer in pinned.values()} == {trt.DataType.HALF}
    outputs = {"detections", "segmentation"}
    assert {name for name, layer in layers.items() if layer.output_types == {0: trt.DataType.HALF}} == {
        name for name in pinned if name not in outputs
    }
    assert all(layers[name].output_types == {} for name in outputs)


def test_says_what_could_not_be_pinned(flags: tuple[Path, Account]) -> None:
    graph, account = flags
    more = {**account.layer_precisions, "gone": Precision.FP16}
    built = build_plan(FakeTensorRt(8), graph, _with(account, layer_precisions=more), EngineOptions())
    assert built.messages == ("warning: not in the parsed network, so not pinned: gone",)


def test_a_strong_graph_needs_no_flags_and_pins_nothing(strong: tuple[Path, Account]) -> None:
    trt = FakeTensorRt(10)
    build_plan(trt, *strong, EngineOptions())
    assert trt.config.flags == set()
    assert trt.network.flags & 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert all(layer.precision is None and layer.output_types == {} for layer in trt.network.layers)


def test_a_graph_for_another_kind_of_tensorrt_is_refused(strong: tuple[Path, Account]) -> None:
    with pytest.raises(ModelError, match=r"strongly typed networks, got TensorRT 8\.6\.1; .*--emitter flags"):
        build_plan(FakeTensorRt(8), *strong, EngineOptions())


@pytest.mark.parametrize(
    ("emitter", "is_strong"),
    [pytest.param(Emitter.STRONG, True, id="with_fp16"), pytest.param(Emitter.FLAGS, False, id="fp32_beside_int8")],
)
def test_a_model_that_came_quantized_goes_as_it_fits(
    emitter: Emitter, is_strong: bool, model: Path, tmp_path: Path
) -> None:
    source, _ = quantized(model, SPLIT, tmp_path, emitter=emitter)
    graph = tmp_path / "carried.onnx"
    account = quantize(source, SPLIT, None, emitter=Emitter.STRONG, out=graph)
    assert account.emitter == "carried"
    trt = FakeTensorRt(10)
    build_plan(trt, graph, account, EngineOptions())
    assert bool(trt.network.flags & 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)) is is_strong
    assert trt.config.flags == (set() if is_strong else {"FP16", "INT8"})


def test_settings_reach_tensorrt(strong: tuple[Path, Account]) -> None:
    trt = FakeTensorRt(10, dla_cores=2)
    options = EngineOptions(
        workspace_mib=64, optimization_level=2, max_aux_streams=1, tf32=True, version_compatible=True,
        hardware_compatible=True, strip_plan=True, tactic_sources=("CUDNN",), dla_core=1,
    )  # fmt: skip
    configure_build(trt, *strong, options)
    config = trt.config
    assert config.pools == {"WORKSPACE": 64 << 20}
    assert (config.builder_optimization_level, config.max_aux_streams) == (2, 1)
    assert config.flags == {"TF32", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "STRIP_PLAN", "GPU_FALLBACK"}
    assert config.hardware_compatibility_level is trt.HardwareCompatibilityLevel.AMPERE_PLUS
    assert config.sources == 1 << int(trt.TacticSource.CUDNN)
    assert (config.default_device_type, config.DLA_core) == (trt.DeviceType.DLA, 1)
    assert config.profiling_verbosity is trt.ProfilingVerbosity.DETAILED


def test_rtx_builds_with_what_it_offers(strong: tuple[Path, Account]) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    options = EngineOptions(
        ahead_of_time="SM89", optimization_level=2, max_aux_streams=1, version_compatible=True,
        tactic_sources=("JIT_CONVOLUTIONS",),
    )  # fmt: skip
    assert len(build_plan(trt, *strong, options).plan) > 10**4


def test_rtx_builds_for_an_open_batch(tmp_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")
    graph, account = _open_batch(tmp_path, Emitter.STRONG)
    low, high = (1, 3, 32, 32), (8, 3, 32, 32)
    options = EngineOptions(ahead_of_time="SM89", profiles=(ShapeProfile(input="images", min=low, opt=low, max=high),))
    assert len(build_plan(trt, graph, account, options).plan) > 10**4


def test_kernels_of_libraries_are_left_out_unless_asked_for(strong: tuple[Path, Account]) -> None:
    trt = FakeTensorRt(10)
    configure_build(trt, *strong, EngineOptions())
    names = [source.name for source in trt.TacticSource if trt.config.sources & 1 << int(source)]
    assert names == ["EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"strip_plan": True}, r"strip_plan: TensorRT 8\.6\.1 does not offer it; leave it out", id="strip"),
        pytest.param({"ahead_of_time": "SM89"}, "ahead_of_time: .* does not offer it", id="ahead_of_time"),
        pytest.param({"tactic_sources": ("CUFFT",)}, "tactic_sources: .*CUBLAS.* got 'CUFFT'", id="tactic_source"),
        pytest.param({"dla_core": 0}, "dla_core: expected less than 0", id="no_dla"),
    ],
)
def test_refuses_what_tensorrt_does_not_offer(options: dict[str, Any], words: str, flags: tuple[Path, Account]) -> None:
    with pytest.raises(ConfigError, match=words):
        build_plan(FakeTensorRt(8), *flags, EngineOptions(**options))


def test_an_open_batch_gets_its_profile(tmp_path: Path) -> None:
    graph, account = _open_batch(tmp_path)
    trt = FakeTensorRt(8)
    shapes = ((1, 3, 32, 32), (4, 3, 32, 32), (8, 3, 32, 32))
    profile = ShapeProfile(input="images", min=shapes[0], opt=shapes[1], max=shapes[2])
    build_plan(trt, graph, account, EngineOptions(profiles=(profile,)))
    assert [profile.shapes for profile in trt.config.profiles] == [{"images": shapes}]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        pytest.param(None, r"'images' leaves sizes open, \[-1, 3, 32, 32\].*max: \[4, 3, 32, 32\]\}\]", id="missing"),
        pytest.param(("pictures", 32), "expected one of the inputs images, got 'pictures'", id="no_such_input"),
        pytest.param(
            ("images", 64), r"expected 32 in place 2, which the graph fixes, got \[1, 3, 64, 64\]", id="fixed"
        ),
    ],
)
def test_profiles_that_do_not_fit_are_refused(profile: tuple[str, int] | None, words: str, tmp_path: Path) -> None:
    graph, account = _open_batch(tmp_path)
    profiles = ()
    if profile is not None:
        shape = (1, 3, profile[1], profile[1])
        profiles = (ShapeProfile(input=profile[0], min=shape, opt=shape, max=shape),)
    with pytest.raises(ConfigError, match=words):
        build_plan(FakeTensorRt(8), graph, account, EngineOptions(profiles=profiles))


def test_progress_comes_where_tensorrt_reports_it(strong: tuple[Path, Account], flags: tuple[Path, Account]) -> None:
    seen: list[tuple[str, int, int]] = []
    build_plan(FakeTensorRt(10), *strong, EngineOptions(), progress=lambda *step: seen.append(step))
    assert seen == [("build", 0, 3), ("build", 1, 3), ("build", 2, 3), ("build", 3, 3), ("build", 3, 3)]
    build_plan(FakeTensorRt(8), *flags, EngineOptions(), progress=lambda *step: seen.append(step))
    assert len(seen) == 5


def test_what_progress_raises_ends_the_build(strong: tuple[Path, Account]) -> None:
    calls = []

    def interrupt(phase: str, step: int, steps: int) -> None:
        calls.append(step)
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_plan(FakeTensorRt(10, progress=(("build", 100),)), *strong, EngineOptions(), progress=interrupt)
    assert calls == [0, 1, 2]


def test_what_progress_raises_ends_a_real_build_too(strong: tuple[Path, Account]) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")

    def interrupt(phase: str, step: int, steps: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_plan(trt, *strong, EngineOptions(ahead_of_time="SM89"), progress=interrupt)


NO_KERNEL = (
    "10: [optimizer.cpp::computeCosts::3869] Error Code 10: Internal Error "
    "(Could not find any implementation for node {}.)"
)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        pytest.param(
            "backbone.rgb.stem.conv.Conv + backbone.rgb.stem.relu.Relu",
            r"no kernel for the layer 'backbone\.rgb\.stem\.conv\.Conv \+ .*Relu': .*\(Conv, int8\).*workspace_mib, "
            r"now 2048, or keep it out with keep_fp16: \[backbone\.rgb\.stem\.conv\.Conv\]",
            id="int8",
        ),
        pytest.param(
            "det_head.level8.box.Conv + PWN(det_head.level8.objectness.Sigmoid)",
            r"keep_fp32: \[det_head\.level8\.box\.Conv, det_head\.level8\.objectness\.Sigmoid\]",
            id="fp16",
        ),
        pytest.param("{ForeignNode[unknown]}", "no node of the graph", id="foreign"),
    ],
)
def test_a_layer_without_kernel_is_named_with_what_to_try(layer: str, words: str, flags: tuple[Path, Account]) -> None:
    trt = FakeTensorRt(8, plan=None, says=(("ERROR", NO_KERNEL.format(layer)),))
    with pytest.raises(ModelError, match=words):
        build_plan(trt, *flags, EngineOptions())


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("2: OutOfMemory (no further information)", DeviceError, "memory", id="oom"),
        pytest.param("CUDA driver version is insufficient for it", DeviceError, "no GPU to build on", id="no_gpu"),
        pytest.param("Error Code 9: something else", ModelError, "something else", id="other"),
    ],
)
def test_other_failures_are_told_apart(
    text: str, kind: type[Exception], words: str, flags: tuple[Path, Account]
) -> None:
    with pytest.raises(kind, match=words):
        build_plan(FakeTensorRt(8, plan=None, says=(("ERROR", text),)), *flags, EngineOptions())


def test_messages_are_collected_once_and_not_printed(
    flags: tuple[Path, Account], capfd: pytest.CaptureFixture[str]
) -> None:
    says = (("WARNING", "slow\n  path"), ("WARNING", "slow path"), ("INFO", "chatter"), ("ERROR", "odd"))
    built = build_plan(FakeTensorRt(8, says=says), *flags, EngineOptions())
    assert built.messages == ("warning: slow path", "error: odd")
    assert built.plan == b"plan"
    assert "plan=" not in repr(built)
    assert capfd.readouterr() == ("", "")


def _open_batch(folder: Path, emitter: Emitter = Emitter.FLAGS) -> tuple[Path, Account]:
    model, graph = make_depthwise_onnx(folder / "open.onnx", batch="n"), folder / "graph.onnx"
    return graph, quantize(model, FP16, None, emitter=emitter, out=graph)


def _with(account: Account, **changes: Any) -> Account:
    return dataclasses.replace(account, **changes)
