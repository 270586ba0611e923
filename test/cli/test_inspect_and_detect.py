"""From an ONNX and pictures to a YAML, annotated pictures and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny_onnx import make_semantic_onnx, make_yolov8_onnx

from trt_perception.cli.main import main

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_yolov8_onnx(tmp_path / "tiny.onnx", classes=3)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(3)
    for index in range(2):
        cv2.imwrite(str(folder / f"{index}.png"), random.integers(0, 256, (48, 80, 3), np.uint8))
    return folder


def test_inspect_writes_a_yaml_that_detect_reads(model: Path, pictures: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("car\ntruck\nbus\n")
    assert main(["inspect", str(model), "--labels", str(labels), "--write", str(tmp_path / "tiny.yaml")]) == 0
    out = tmp_path / "out"
    arguments = ["detect", str(tmp_path / "tiny.yaml"), str(pictures), "--out", str(out), "--score", "0.0"]
    assert main([*arguments, "--backend", "onnxruntime"]) == 0
    report = json.loads((out / "detections.json").read_text())
    assert [Path(image["file"]).name for image in report["images"]] == ["0.png", "1.png"]
    assert {item["label"] for image in report["images"] for item in image["detections"]} <= {"car", "truck", "bus"}
    assert any(image["detections"] for image in report["images"])
    for index in range(2):
        assert cv2.imread(str(out / f"{index}.jpg")).shape == (48, 80, 3)


def test_inspect_does_not_overwrite_unasked(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("mine\n")
    assert main(["inspect", str(model), "--write", str(target)]) == 2
    assert target.read_text() == "mine\n"
    assert "mine.yaml" in capsys.readouterr().err
    assert main(["inspect", str(model), "--write", str(target), "--overwrite"]) == 0


def test_inspect_prints_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(model), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["spec"]["heads"][0]["kind"] == "yolov8"


@pytest.mark.parametrize("crop", [[], ["--preprocess", "crop=0,0,40,48"]], ids=["whole", "left_half"])
def test_detect_says_how_much_of_a_picture_is_what(
    crop: list[str], pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "semantic.yaml"
    assert main(["inspect", str(make_semantic_onnx(tmp_path / "semantic.onnx")), "--write", str(spec), *crop]) == 0
    arguments = ["detect", str(spec), str(pictures / "0.png"), "--backend", "onnxruntime"]
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    (image,) = json.loads(capsys.readouterr().out)["images"]
    shares = image["masks"]["segmentation"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert shares.get("unlabelled", 0) == (0.5 if crop else 0)
    assert main(arguments) == 0
    assert f"{next(iter(shares))} {next(iter(shares.values())):.0%}" in capsys.readouterr().out


def test_detect_goes_on_after_a_bad_picture(model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "0.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    assert main(["detect", str(model), str(pictures), "--json", "--backend", "onnxruntime"]) == 2
    captured = capsys.readouterr()
    images = json.loads(captured.out)["images"]
    assert "error" in images[0]
    assert "detections" in images[1]
    assert "0.png: corrupt_image" in captured.err


def test_detect_refuses_a_folder_without_pictures(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["detect", str(model), str(tmp_path / "empty")]) == 2
    assert "found none" in capsys.readouterr().err
