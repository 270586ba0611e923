"""From a model and a bag to its table: against ONNX Runtime's own calibrator, from the cache, and with bad data."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.drive_bag import write_drive_bag
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_onnx import make_yolov8_onnx

from trt_perception.calibration import calibrate as module
from trt_perception.calibration.calibrate import Calibration, CalibrationOptions, calibrate
from trt_perception.calibration.frame_sampler import sample_frames
from trt_perception.errors import InputError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.write_spec import write_spec
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.model_digest import model_sha256
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor

reference = pytest.importorskip("onnxruntime.quantization.calibrate", reason="ONNX Runtime is not installed")
pytest.importorskip("rosbags", reason="the bag library is not installed")

MAX = CalibratorOptions(method=CalibratorMethod.MAX)
PERCENTILE = CalibratorOptions(method=CalibratorMethod.PERCENTILE)
OPTIONS = CalibrationOptions(calibrator=MAX, frames=6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_yolov8_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx", size=(32, 64))


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive_bag(tmp_path_factory.mktemp("bags") / "drive")


@pytest.fixture
def count_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The frames that are run, in order."""
    run: list[str] = []
    add = module.TensorCollector.add

    def counted(self: module.TensorCollector, inputs: dict[str, np.ndarray], *, frame: str) -> None:
        run.append(frame)
        add(self, inputs, frame=frame)

    monkeypatch.setattr(module.TensorCollector, "add", counted)
    return run


def test_every_range_is_that_of_onnxruntimes_calibrator_on_the_same_frames(
    model: Path, drive: Path, tmp_path: Path
) -> None:
    preprocess = ImagePreprocessor(load_spec(model).inputs[0])
    frames = iter([{"images": preprocess(frame)[0]} for _, (frame,) in sample_frames([drive], frames=6).frames()])

    class Reader(reference.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(frames, None)

    calibrator = reference.create_calibrator(
        model,
        augmented_model_path=str(tmp_path / "augmented.onnx"),
        calibrate_method=reference.CalibrationMethod.MinMax,
        extra_options={"symmetric": True},
    )
    calibrator.collect_data(Reader())
    expected = {name: float(np.abs(data.range_value[1]).item()) for name, data in calibrator.compute_data().items()}
    table = calibrate(model, [drive], OPTIONS, threads=1).table
    convolved = {node.input[0] for node in onnx.load(model).graph.node if node.op_type == "Conv"}
    assert convolved <= set(table.ranges)
    for name, value in table.ranges.items():
        assert value == pytest.approx(expected[name], rel=1e-4), name


def test_the_table_says_where_it_comes_from(model: Path, drive: Path) -> None:
    done: list[tuple[str, int, int]] = []
    result = calibrate(model, [drive], OPTIONS, progress=lambda *at: done.append(at))
    assert result.table.model_sha256 == model_sha256(model)
    assert result.table.data_digest == sample_frames([drive], frames=6).digest
    assert (result.table.method, result.table.frames, result.coverage.frames) == ("max", 6, 6)
    assert ("choosing frames", 40, 40) in done
    assert ("running frames", 6, 6) in done
    assert done[-1][0] == "finding ranges"


def test_the_second_time_nothing_is_run(model: Path, drive: Path, tmp_path: Path, count_runs: list[str]) -> None:
    first = calibrate(model, [drive], OPTIONS, cache=tmp_path / "cache")
    assert len(count_runs) == 6
    again = calibrate(model, [drive], OPTIONS, cache=tmp_path / "cache")
    assert len(count_runs) == 6
    assert again.table == first.table
    assert (first.from_cache, again.from_cache) == (False, True)
    assert again.coverage == first.coverage


def _other_model(options: CalibrationOptions, model: Path, folder: Path) -> tuple[Path, CalibrationOptions]:
    return make_yolov8_onnx(folder / "other.onnx", size=(32, 64), seed=1), options


def _other_preprocessing(options: CalibrationOptions, model: Path, folder: Path) -> tuple[Path, CalibrationOptions]:
    spec = load_spec(model)
    source = spec.inputs[0]
    changed = dataclasses.replace(source, preprocess=dataclasses.replace(source.preprocess, pad_value=7))
    write_spec(dataclasses.replace(spec, inputs=(changed,)), folder / "changed.yaml", overwrite=True)
    return folder / "changed.yaml", options


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_other_model, id="model"),
        pytest.param(_other_preprocessing, id="preprocessing"),
        pytest.param(lambda o, m, f: (m, dataclasses.replace(o, seed=1)), id="frames"),
        pytest.param(lambda o, m, f: (m, dataclasses.replace(o, tensors=("backbone.0",))), id="tensors"),
        pytest.param(
            lambda o, m, f: (m, dataclasses.replace(o, calibrator=PERCENTILE)),
            id="method",
        ),
    ],
)  # fmt: skip
def test_another_of_these_is_calibrated_anew(
    change: Callable[[CalibrationOptions, Path, Path], tuple[Path, CalibrationOptions]],
    model: Path,
    drive: Path,
    tmp_path: Path,
    count_runs: list[str],
) -> None:
    first = calibrate(model, [drive], OPTIONS, cache=tmp_path / "cache")
    other_model, options = change(OPTIONS, model, tmp_path)
    other = calibrate(other_model, [drive], options, cache=tmp_path / "cache")
    assert len(count_runs) == 12
    assert other.table.digest != first.table.digest


def _cache_file(result: Calibration, cache: Path) -> Path:
    (file,) = cache.iterdir()
    assert read_table(file) == result.table
    return file


def test_a_damaged_cache_is_calibrated_anew_and_mended(
    model: Path, drive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    first = calibrate(model, [drive], OPTIONS, cache=cache)
    file = _cache_file(first, cache)
    file.write_bytes(file.read_bytes()[:100])
    again = calibrate(model, [drive], OPTIONS, cache=cache)
    assert not again.from_cache
    assert again.table == first.table
    assert file.name in caplog.text
    _cache_file(again, cache)


def test_a_cache_that_cannot_be_written_costs_a_warning_only(
    model: Path, drive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    result = calibrate(model, [drive], OPTIONS, cache=tmp_path / "file" / "cache")
    assert result.table.ranges
    assert "not kept" in caplog.text


def test_an_interrupt_leaves_nothing_half_written(
    model: Path, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"

    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("running frames", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(model, [drive], OPTIONS, cache=cache, progress=stop)
    assert not cache.exists()

    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)  # while the table is written
    with pytest.raises(KeyboardInterrupt):
        calibrate(model, [drive], OPTIONS, cache=cache)
    assert list(cache.iterdir()) == []


def test_a_tensor_that_is_always_zero_is_named_and_has_no_range(drive: Path, tmp_path: Path) -> None:
    path = _model_behind(tmp_path, lambda graph, source: graph.add("Relu", graph.add("Neg", source), name="dark"))
    table = calibrate(path, [drive], OPTIONS).table
    assert table.dead == ("dark",)
    assert "dark" not in table.ranges


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            lambda graph, source: graph.add("Clip", source, *(graph.constant(np.float32(5)),) * 2, name="bad"),
            "'bad': expected values that differ, got 5 throughout all 6 frames",
            id="constant",
        ),
        pytest.param(
            lambda graph, source: graph.add("Log", graph.add("Neg", source), name="bad"),
            r"'bad': expected finite values, got NaN or infinity in .*drive: /\w+/image_raw, image \d+",
            id="not_a_number",
        ),
    ],
)
def test_names_a_tensor_that_cannot_be_calibrated(
    make: Callable[[OnnxGraph, str], str], words: str, drive: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        calibrate(_model_behind(tmp_path, make), [drive], OPTIONS)


def _model_behind(folder: Path, make: Callable[[OnnxGraph, str], str]) -> Path:
    """A model of logits whose convolution reads what `make` adds behind the image."""
    graph = OnnxGraph()
    graph.conv(make(graph, "images"), 3, 4, kernel=1, name="logits")
    path = graph.save(
        folder / "odd.onnx", inputs={"images": (1, 3, 32, 64)}, outputs={"logits": (1, 4, 32, 64)}, opset=17
    )
    spec = load_spec(make_yolov8_onnx(folder / "plain.onnx", size=(32, 64)))
    logits = dataclasses.replace(spec.outputs[0], name="logits", shape=(1, 4, 32, 64))
    head = dataclasses.replace(
        spec.heads[0], kind=HeadKind.SEMANTIC_LOGITS, outputs=("logits",), labels=("a", "b", "c", "d")
    )
    write_spec(dataclasses.replace(spec, model=str(path), outputs=(logits,), heads=(head,)), folder / "odd.yaml")
    return folder / "odd.yaml"
