"""Engines are made where they are not there or not current, as a whole or not at all.

TensorRT-RTX builds ahead of time, on the CPU; a fake stands for it where only the decision to build is looked at.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from helpers.build_request import calibrate
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.fake_builder import FakeBuilder
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.engine import make_engine as module
from trt_perception.engine.build_plan import BuiltPlan
from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.tensorrt_module import identify
from trt_perception.errors import EngineError, InputError, PerceptionError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.named_plan import named_plan

rtx = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")

HERE = GpuIdentity(name="NVIDIA L4", compute_capability="8.9")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_engine_comes_with_all_that_says_what_it_is(request_: EngineRequest, tmp_path: Path) -> None:
    phases: list[str] = []
    made = make_engine(request_, progress=lambda phase, step, steps: phases.append(phase))

    assert made.built
    assert names(tmp_path) == {
        *("net.onnx", "net.calibration.json", "net.engine", "net.engine.lock"),
        *("net.engine.json", "net.engine.md", "net.engine.account.json"),
    }
    loaded = load_engine_file(request_.out, tensorrt=identify(rtx), gpu=HERE)
    assert loaded.plan == request_.out.read_bytes()
    assert loaded.warnings == ()
    manifest = loaded.manifest
    assert manifest.model_sha256 == hashlib.sha256(request_.model.read_bytes()).hexdigest()
    assert request_.calibration is not None
    assert manifest.calibration_digest == read_table(request_.calibration).digest
    assert (manifest.model_file, manifest.calibration_file) == ("net.onnx", "net.calibration.json")
    assert (manifest.emitter, manifest.precision_plan) == ("strong", request_.plan)
    assert manifest.verification is None  # nobody could look at it here
    assert [head.outputs for head in manifest.spec.heads] == [("detections",), ("segmentation",)]
    assert phases[0] == "quantizing"
    assert phases[-1] == "verifying"
    account = read_engine_account(request_.out, manifest)
    assert account is not None
    assert account.plan == request_.plan


def test_an_engine_that_is_current_is_left_alone(request_: EngineRequest, builder: FakeBuilder) -> None:
    first = make_engine(request_)
    before = request_.out.stat().st_mtime_ns
    second = make_engine(request_)
    assert (first.built, second.built) == (True, False)
    assert second.manifest == first.manifest
    assert request_.out.stat().st_mtime_ns == before
    assert len(builder.graphs) == 1


def other_model(request: EngineRequest) -> EngineRequest:
    model = onnx.load(str(request.model))
    model.graph.initializer[0].raw_data = bytes(reversed(model.graph.initializer[0].raw_data))
    onnx.save(model, str(request.model))
    assert request.calibration is not None
    calibrate(request.model, request.calibration)
    return request


def other_ranges(request: EngineRequest) -> EngineRequest:
    assert request.calibration is not None
    calibrate(request.model, request.calibration, factor=1.5)
    return request


def flip(request: EngineRequest, name: str) -> EngineRequest:
    path = request.out.with_name(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return request


def without(request: EngineRequest, name: str) -> EngineRequest:
    request.out.with_name(name).unlink()
    return request


CHANGES = [
    pytest.param(other_model, id="model"),
    pytest.param(other_ranges, id="calibration"),
    pytest.param(lambda r: dataclasses.replace(r, plan=named_plan("fp16")), id="plan"),
    pytest.param(
        lambda r: dataclasses.replace(r, options=dataclasses.replace(r.options, workspace_mib=64)), id="options"
    ),
    pytest.param(lambda r: dataclasses.replace(r, options=EngineOptions(ahead_of_time="SM86")), id="gpu"),
    pytest.param(
        lambda r: dataclasses.replace(r, overrides=ModelOverrides(labels={"segmentation": tuple("abcd")})), id="labels"
    ),
    pytest.param(lambda r: flip(r, "net.engine"), id="flipped_byte_of_the_plan"),
    pytest.param(lambda r: flip(r, "net.engine.json"), id="damaged_manifest"),
    pytest.param(lambda r: without(r, "net.engine.json"), id="manifest_absent"),
    pytest.param(lambda r: without(r, "net.engine"), id="plan_absent"),
    pytest.param(lambda r: dataclasses.replace(r, force=True), id="force"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_engine_is_made_anew_where_something_changed(
    change: Callable[[EngineRequest], EngineRequest], request_: EngineRequest, builder: FakeBuilder
) -> None:
    make_engine(request_)
    changed = change(request_)
    made = make_engine(changed)
    assert made.built
    assert request_.out.read_bytes() == b"plan 2"
    assert read_manifest(request_.out) == made.manifest
    assert not make_engine(dataclasses.replace(changed, force=False)).built


def test_ranges_that_the_plan_has_no_use_for_change_nothing(request_: EngineRequest, builder: FakeBuilder) -> None:
    floating = dataclasses.replace(request_, plan=named_plan("fp16"))
    first = make_engine(floating)
    assert first.manifest.calibration_file == ""
    other_ranges(request_)
    assert not make_engine(floating).built
    assert not make_engine(dataclasses.replace(floating, calibration=None)).built


def test_a_moved_engine_with_its_model_is_still_current(
    request_: EngineRequest, builder: FakeBuilder, tmp_path: Path
) -> None:
    make_engine(request_)
    (tmp_path / "car").mkdir()
    for name in names(tmp_path) - {"car", "net.engine.lock"}:
        (tmp_path / name).rename(tmp_path / "car" / name)
    assert request_.calibration is not None
    moved = dataclasses.replace(
        request_,
        model=tmp_path / "car/net.onnx",
        out=tmp_path / "car/net.engine",
        calibration=tmp_path / "car/net.calibration.json",
    )
    assert not make_engine(moved).built


def test_an_input_of_open_size_gets_the_shape_that_the_spec_says(tmp_path: Path, builder: FakeBuilder) -> None:
    model = make_yolox_onnx(tmp_path / "open.onnx", announced=("batch", 3, "height", "width"))
    request = EngineRequest(
        model=model,
        out=tmp_path / "open.engine",
        plan=named_plan("fp16"),
        options=EngineOptions(ahead_of_time="SM89"),
        module=rtx.__name__,
        overrides=ModelOverrides(shapes={"images": (1, 3, 64, 64)}),
    )
    size = (1, 3, 64, 64)
    assert make_engine(request).manifest.options == builder.options[0]
    assert builder.options[0].profiles == (ShapeProfile(input="images", min=size, opt=size, max=size),)

    batches = ShapeProfile(input="images", min=size, opt=(2, 3, 64, 64), max=(4, 3, 64, 64))
    wide = dataclasses.replace(request, options=EngineOptions(ahead_of_time="SM89", profiles=(batches,)))
    assert make_engine(wide).built
    assert builder.options[1].profiles == (batches,)


def without_calibration(request: EngineRequest) -> EngineRequest:
    return dataclasses.replace(request, calibration=None)


def ranges_of_another_model(request: EngineRequest) -> EngineRequest:
    other = make_demo_network_onnx(request.out.with_name("other.onnx"), size=96)
    assert request.calibration is not None
    calibrate(other, request.calibration)
    return request


MISTAKES = [
    pytest.param(
        without_calibration,
        InputError,
        "run: trt-perception calibrate {model} BAG_OR_FOLDER .*--out net.calibration.json, "
        "then give --calibration net.calibration.json",
        id="no_calibration",
    ),
    pytest.param(ranges_of_another_model, InputError, "expected ranges of net.onnx", id="ranges_of_another_model"),
    pytest.param(
        lambda r: dataclasses.replace(r, calibration=r.out.with_name("absent.json")),
        InputError,
        "absent.json: cannot be read",
        id="no_ranges",
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, module="no_such_tensorrt"), PerceptionError, "no_such_tensorrt", id="module"
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, options=EngineOptions(ahead_of_time="SM11")),
        InputError,
        "ahead_of_time: expected one of SM75, .*, got 'SM11'",
        id="capability",
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, out=r.out.parent / "absent" / "net.engine"),
        EngineError,
        "cannot open net.engine.lock: No such file or directory",
        id="folder",
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, model=r.model.with_name("absent.onnx")), InputError, "absent.onnx", id="model"
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, model=r.out), InputError, "net.engine: is an engine already", id="an_engine"
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, out=r.model),
        InputError,
        "expected a place for the engine",
        id="over_the_model",
    ),
    pytest.param(
        lambda r: dataclasses.replace(r, out=r.calibration), InputError, "give another --out", id="over_the_ranges"
    ),
    pytest.param(lambda r: dataclasses.replace(r, out=r.out.parent), InputError, "got a folder", id="over_a_folder"),
]


@pytest.mark.parametrize(("change", "kind", "words"), MISTAKES)
def test_a_mistake_is_named_and_leaves_nothing(
    change: Callable[[EngineRequest], EngineRequest],
    kind: type[PerceptionError],
    words: str,
    request_: EngineRequest,
    builder: FakeBuilder,
    tmp_path: Path,
) -> None:
    with pytest.raises(kind, match=words.format(model=request_.model)):
        make_engine(change(request_))
    assert builder.graphs == []
    assert names(tmp_path) - {"other.onnx"} <= {"net.onnx", "net.calibration.json", "net.engine.lock"}


def test_a_build_that_fails_keeps_the_engine_that_was_there(
    request_: EngineRequest, builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_engine(request_)

    def fail(*_: object, **__: object) -> BuiltPlan:
        raise EngineError("net.onnx", "no kernel for Conv_1", "raise workspace_mib")

    monkeypatch.setattr(module, "build_in_child", fail)
    with pytest.raises(EngineError, match="no kernel for Conv_1"):
        make_engine(dataclasses.replace(request_, force=True))
    assert load_engine_file(request_.out, tensorrt=identify(rtx), gpu=HERE).plan == b"plan 1"
