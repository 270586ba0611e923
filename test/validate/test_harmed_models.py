"""The demo model against itself, quantized, and harmed on purpose, on a short demo drive, by the default gates."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from trt_perception.calibration.calibrate import CalibrationOptions, calibrate
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag import write_drive_bag
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.preprocess_options import ChannelOrder
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.precision.quantize import Emitter, quantize
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.gate_outcome import GateStatus
from trt_perception.validate.judge_run import judge_run
from trt_perception.validate.report import Report, read_report
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

onnx = pytest.importorskip("onnx", reason="needs onnx")
for package in ("onnxruntime", "pycocotools", "jinja2", "rosbags"):
    pytest.importorskip(package, reason=f"needs {package}")

MODEL = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model" / "demo_model.onnx"
INSTANTS = 12


def with_preprocess(**changes: object) -> ModelSpec:
    """The demo model, its images prepared in another way."""
    spec = load_spec(MODEL)
    source = spec.inputs[0]
    changed = dataclasses.replace(source.preprocess, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(spec, inputs=(dataclasses.replace(source, preprocess=changed),))


def unharmed(folder: Path) -> ModelSpec:
    return load_spec(MODEL)


def swapped_channels(folder: Path) -> ModelSpec:
    return with_preprocess(channel_order=ChannelOrder.BGR)


def wrong_mean(folder: Path) -> ModelSpec:
    """ImageNet's mean, which this model was not trained with."""
    return with_preprocess(mean=(0.485, 0.456, 0.406))


def noisy_head(folder: Path) -> ModelSpec:
    """Noise of a fifth of their spread on the weights of the detection head."""
    model = onnx.load(str(MODEL))
    random = np.random.default_rng(0)
    for item in model.graph.initializer:
        if item.name.startswith("det_head.") and item.name.endswith("weight"):
            weights = onnx.numpy_helper.to_array(item)
            noisy = weights + random.normal(0, 0.2 * weights.std(), weights.shape)
            item.CopyFrom(onnx.numpy_helper.from_array(noisy.astype(np.float32), item.name))
    onnx.save(model, str(folder / "noisy.onnx"))
    return dataclasses.replace(load_spec(MODEL), model=str(folder / "noisy.onnx"))


def int8_split(folder: Path) -> ModelSpec:
    """The default precision plan, calibrated on another drive."""
    options = DriveOptions(cameras=1, duration_s=12, rate_hz=1, condition="cycle", seed=11)
    bag = folder / "calibration"
    write_drive_bag(Drive(options=options), bag)
    table = calibrate(MODEL, [bag], CalibrationOptions(frames=8)).table
    quantize(MODEL, PrecisionPlan(), table, emitter=Emitter.STRONG, out=folder / "int8.onnx")
    return dataclasses.replace(load_spec(MODEL), model=str(folder / "int8.onnx"))


def pipeline_of(spec: ModelSpec) -> Pipeline:
    return Pipeline(spec, OnnxRuntimeBackend(spec, threads=1))


Judged = Callable[[Callable[[Path], ModelSpec]], Report]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Runs a model over a drive and compares it with the model as it is."""
    folder = tmp_path_factory.mktemp("harmed")
    bag = folder / "drive"
    options = DriveOptions(cameras=1, duration_s=INSTANTS, rate_hz=1, condition="cycle", seed=7)
    write_drive_bag(Drive(options=options), bag)

    @functools.cache
    def run(make: Callable[[Path], ModelSpec]) -> Path:
        out = folder / make.__name__
        spec = make(folder)
        validate_run([bag], functools.partial(pipeline_of, spec), out, options=ValidationOptions())
        return out

    def judge(make: Callable[[Path], ModelSpec]) -> Report:
        judge_run(run(make), bags=[bag], baseline=run(unharmed), pictures=2)
        return read_report(run(make))

    return judge


def failed(report: Report) -> Mapping[str, str]:
    return {outcome.gate: outcome.reason for outcome in report.gates if outcome.status is GateStatus.FAILED}


def test_the_model_against_itself_passes_with_zero_drift(judged: Judged) -> None:
    report = judged(unharmed)
    assert report.passed
    assert report.drift is not None
    head = report.drift.heads["detection"]
    assert head.precision is not None
    for change in (head.precision.map50, head.precision.map50_95, head.boxes.count, head.boxes.score,
                   report.drift.masks["segmentation"].miou):  # fmt: skip
        assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)
    assert head.boxes.agreement.value == 1.0
    assert report.metrics.detection["detection"].all.map50 is not None
    assert report.metrics.detection["detection"].all.map50 > 0.85


def test_the_int8_split_passes(judged: Judged) -> None:
    report = judged(int8_split)
    assert report.drift is not None
    assert report.drift.heads["detection"].boxes.mean_iou.value != 1.0  # it is another model
    assert failed(report) == {}


@pytest.mark.parametrize("harm", [swapped_channels, wrong_mean, noisy_head], ids=lambda harm: harm.__name__)
def test_a_harmed_model_fails(harm: Callable[[Path], ModelSpec], judged: Judged) -> None:
    report = judged(harm)
    assert not report.passed
    assert "against_baseline.max_map50_95_loss_points" in failed(report)
    assert "against_baseline.min_box_iou" in failed(report)  # shows without ground truth, too
    assert report.worst_by == "truth"
    assert report.worst
