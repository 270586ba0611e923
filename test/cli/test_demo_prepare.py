"""`trt-perception demo --prepare-only`: what demo.launch.py plays."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.bag.bag_reader import BagReader
from trt_perception.cli.main import main
from trt_perception.settings.load_settings import load_settings


def test_leaves_a_config_and_the_drive_of_its_cameras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_yolox_onnx(tmp_path / "tiny.onnx")
    out = tmp_path / "out"
    drive = ["--cameras", "2", "--seconds", "0.5", "--rate-hz", "2"]

    assert main(["demo", "--prepare-only", "--model", str(model), "--out", str(out), *drive]) == 0

    settings = load_settings(out / "perception.yaml")
    topics = BagReader(out / "drive").topics
    assert len(settings.cameras) == 2
    assert all(topics[camera.image_topic].message_count == 1 for camera in settings.cameras)
    assert capsys.readouterr().out.splitlines() == [str(out / "perception.yaml"), str(out / "drive")]
    assert not (out / "report.json").exists()
