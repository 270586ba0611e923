"""The demo: real DDS, a real node process, pictures and a report; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.ros_environment import UNWANTED, ros_environment
from helpers.tiny_onnx import make_multi_head_onnx

from trt_perception.cli.main import main


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("CAM_FRONT", "CAM_BACK"):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((96, 128, 3), 90, np.uint8))
    return folder


@pytest.fixture
def ros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    pytest.importorskip("vision_msgs", reason="vision_msgs is not installed")
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    for name, value in ros_environment(tmp_path / "ros_log").items():
        monkeypatch.setenv(name, value)


def check_ledger(report: dict[str, Any], *, cameras: list[str], sent: int) -> None:
    assert [camera["camera"] for camera in report["cameras"]] == cameras
    for camera in report["cameras"]:
        assert camera["sent"] == sent
        assert camera["sent"] == camera["answered"] + sum(camera["dropped"].values()) + camera["never_received"]
        assert camera["invented"] == 0
        assert camera["answered"] >= 0.8 * sent


@pytest.mark.usefixtures("ros")
def test_plays_pictures_through_the_node_and_accounts_for_every_frame(pictures: Path, tmp_path: Path) -> None:
    model = make_multi_head_onnx(tmp_path / "tiny.onnx")
    out = tmp_path / "out"
    arguments = ["demo", "--model", str(model), "--images", str(pictures), "--out", str(out)]
    assert main([*arguments, "--seconds", "2", "--rate-hz", "5", "--score", "0.01"]) == 0
    report = json.loads((out / "report.json").read_text())
    check_ledger(report, cameras=["CAM_BACK", "CAM_FRONT"], sent=10)
    assert report["accuracy"] is None
    assert cv2.imread(str(out / "contact_sheet.jpg")) is not None
    page = (out / "report.html").read_text()
    assert "CAM_FRONT" in page
    assert "data:image/jpeg;base64," in page


@pytest.mark.usefixtures("ros")
def test_finds_what_is_in_a_drive_and_records_it(tmp_path: Path) -> None:
    rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")
    out = tmp_path / "out"
    arguments = ["demo", "--out", str(out), "--seconds", "2", "--rate-hz", "3", "--cameras", "2", "--condition", "day"]
    assert main(arguments) == 0
    report = json.loads((out / "report.json").read_text())
    check_ledger(report, cameras=["front", "front_left"], sent=6)
    assert report["accuracy"]["processed"]["map50"] > 0.6
    assert report["accuracy"]["iou"]["drivable"] > 0.9
    with rosbag2.Reader(out / "detections") as bag:
        counts = {connection.topic: connection.msgcount for connection in bag.connections}
        first_ns, last_ns = bag.start_time, bag.end_time
    answered = {camera["camera"]: camera["answered"] for camera in report["cameras"]}
    assert counts == {
        f"/{camera}/{kind}": count for camera, count in answered.items() for kind in ("detections", "segmentation")
    }
    start_ns = 1_700_000_000_000_000_000
    assert start_ns < first_ns < last_ns < start_ns + 10_000_000_000
    video = cv2.VideoCapture(str(out / "video.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    video.release()


def test_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trt_perception.cli.demo.SHIPPED_MODEL", tmp_path / "absent.onnx")
    assert main(["demo"]) == 3
    assert "make demo MODEL=model.onnx IMAGES=folder" in capsys.readouterr().err


def test_leaves_a_folder_alone_that_it_did_not_make(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    model = make_multi_head_onnx(tmp_path / "tiny.onnx")
    assert main(["demo", "--model", str(model), "--images", str(pictures), "--out", str(mine)]) == 2
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert "give another --out" in capsys.readouterr().err
