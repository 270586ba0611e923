"""An engine beside its model in FP32; a graph run by ONNX Runtime stands in for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from trt_perception.calibration.calibrate import CalibrationOptions, calibrate
from trt_perception.cli.main import main
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag import write_drive_bag
from trt_perception.demo.drive_bag_options import DriveBagOptions
from trt_perception.demo.drive_folder import write_drive_folder
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.precision.named_plan import named_plan
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions
from trt_perception.precision.quantize import Emitter, quantize

for name in ("onnxruntime", "pycocotools"):
    pytest.importorskip(name, reason=f"needs {name}")

MODEL = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model" / "demo_model.onnx"
TWO_INPUTS = MODEL.with_name("demo_model_rgb_ir.onnx")


def drive(seed: int, instants: int) -> Drive:
    return Drive(options=DriveOptions(seed=seed, cameras=2, duration_s=float(instants * 5), rate_hz=0.2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drive") / "folder"
    write_drive_folder(drive(40001, 2), path)
    return path


def judge(*arguments: object) -> int:
    return main(["judge", *map(str, arguments)])


def test_fp32_agrees_with_itself(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(MODEL, folder, "--reference", MODEL, "--truth", "--json", tmp_path / "out.json") == 0
    assert "holds: every limit on 4 images" in capsys.readouterr().out
    agreement = json.loads((tmp_path / "out.json").read_text())["agreement"]
    boxes, mask = agreement["detections"][0], agreement["masks"][0]
    assert boxes["objects"] > 0
    assert (boxes["pseudo_map50"], boxes["missed"], boxes["new"]) == (1.0, 0, 0)
    assert (boxes["map50_loss_points"], boxes["map50_95_loss_points"], mask["miou_loss_points"]) == (0, 0, 0)
    assert (mask["pixel_agreement"], agreement["failures"]) == (1.0, [])


def test_a_bag_gives_what_its_drive_s_folder_gives(folder: Path, tmp_path: Path) -> None:
    write_drive_bag(drive(40001, 2), tmp_path / "bag", options=DriveBagOptions(images="png"))
    for source, out in ((folder, "folder.json"), (tmp_path / "bag", "bag.json")):
        assert judge(MODEL, source, "--reference", MODEL, "--truth", "--json", tmp_path / out) == 0
    one, other = (json.loads((tmp_path / out).read_text())["agreement"] for out in ("folder.json", "bag.json"))
    assert one == other
    assert one["detections"][0]["reference"]["map50"] > 0.5


def test_the_split_of_the_demo_model_passes(folder: Path, tmp_path: Path) -> None:
    write_drive_folder(drive(40002, 3), tmp_path / "others")
    options = CalibrationOptions(calibrator=CalibratorOptions(method=CalibratorMethod.PERCENTILE), frames=6)
    table = calibrate(MODEL, [tmp_path / "others"], options).table
    graph = tmp_path / "split.onnx"
    quantize(MODEL, named_plan("int8_backbone_fp16_head"), table, emitter=Emitter.STRONG, out=graph)
    assert judge(graph, folder, "--reference", MODEL) == 0


def test_a_model_of_two_inputs_is_judged_on_paired_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, blind = tmp_path / "bag", tmp_path / "blind.onnx"
    options = DriveBagOptions(images="png", thermal=True, stamp_jitter_ms=2)
    write_drive_bag(drive(40001, 2), bag, options=options)
    arguments = [bag, "--reference", TWO_INPUTS, "--truth"]
    assert judge(TWO_INPUTS, *arguments) == 0
    assert "holds: every limit on 4 images" in capsys.readouterr().out
    assert judge(TWO_INPUTS, *arguments, "--set", "front_left,front_left_thermal") == 0
    assert "holds: every limit on 2 images" in capsys.readouterr().out
    # What does not look at the second image is another model.
    model = onnx.load(str(TWO_INPUTS))
    (reader,) = [node for node in model.graph.node if "thermal" in node.input]
    weight = next(weight for weight in model.graph.initializer if weight.name == reader.input[1])
    weight.CopyFrom(numpy_helper.from_array(np.zeros_like(numpy_helper.to_array(weight)), weight.name))
    onnx.save(model, str(blind))
    assert judge(blind, *arguments) == 1
    assert "does not hold: detection" in capsys.readouterr().out
    assert judge(TWO_INPUTS, *arguments, "--tolerance-ms", "0") == 2
    assert "found none; look at the stamps" in capsys.readouterr().err


def test_noise_in_a_head_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, random = onnx.load(str(MODEL)), np.random.default_rng(0)
    for weight in model.graph.initializer:
        if weight.name.startswith("det_head") and len(weight.dims) == 4:
            values = numpy_helper.to_array(weight)
            noise = random.normal(0, float(values.std()), values.shape).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(values + noise, weight.name))
    onnx.save(model, str(tmp_path / "harmed.onnx"))
    assert judge(tmp_path / "harmed.onnx", folder, "--reference", MODEL, "--truth", "--frames", 2) == 1
    printed = capsys.readouterr()
    assert "harmed.onnx is not good enough on 2 images: detection: expected at most 0.5 points" in printed.err
    assert "segmentation: expected" not in printed.err
    assert "does not hold: detection" in printed.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param([MODEL, "{folder}"], "give it as --reference", id="no reference"),
        pytest.param([MODEL, "{folder}", "--reference", MODEL, "--write-card"], "a graph has no card", id="no card"),
        pytest.param([MODEL, "{folder}", "--reference", MODEL, "--frames", "0"], "at least 1", id="no frames"),
        pytest.param([MODEL, "{folder}/front", "--reference", MODEL, "--truth"], "coco.json", id="no truth"),
        pytest.param([MODEL, "{folder}/nothing", "--reference", MODEL], "no such bag or folder", id="no images"),
        pytest.param(["missing.engine", "{folder}"], "missing.engine", id="no engine"),
    ],
)
def test_bad_input_is_named(
    folder: Path, arguments: list[object], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(*(str(argument).format(folder=folder) for argument in arguments)) == 2
    assert text in capsys.readouterr().err
