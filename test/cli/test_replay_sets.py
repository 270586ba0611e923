"""`trt-perception replay` of a model of two inputs: the node pairs the frames of a bag as the offline run does."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.drive_bag import textured_image
from helpers.paired_bag import COLOUR, MS, WARM
from helpers.ros_environment import UNWANTED, ros_environment
from helpers.tiny_bag import START_NS, write_messages

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import IMAGE_TYPE, encode_image
from trt_perception.cli.main import main
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import parse_overrides
from trt_perception.model.write_spec import write_spec

pytest.importorskip("onnx", reason="the model is made with onnx")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

SIZE = 64
FRAMES = 8
MISSING, FAR = 2, 5
"""Frames whose partner is not there, and is beyond the tolerance."""

CONFIG = """
backend: onnxruntime
threads: 1
cameras: [{{name: front}}, {{name: front_thermal}}]
models: [{{name: pair, spec: {spec}}}]
pipelines:
  - name: pair
    model: pair
    score_threshold: 0.5
    sets: {sets}
    pairing: {{tolerance_ms: {tolerance}, deadline_ms: 50.0, incomplete: drop}}
"""


def message(camera: str, index: int, stamp_ns: int) -> BagMessage:
    image = textured_image(index, height=SIZE, width=SIZE)
    grey = camera == WARM
    data = encode_image(
        image[:, :, 0].copy() if grey else image,
        stamp_ns=stamp_ns,
        frame_id=camera,
        encoding="mono8" if grey else "bgr8",
    )
    return BagMessage(topic=f"/{camera}/image_raw", type_name=IMAGE_TYPE, log_time_ns=stamp_ns + 7 * MS, data=data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay_sets")
    messages = []
    for index in range(FRAMES):
        stamp_ns = START_NS + index * 200 * MS
        messages.append(message(COLOUR, index, stamp_ns))
        if index != MISSING:
            messages.append(message(WARM, 100 + index, stamp_ns + (40 if index == FAR else 2) * MS))
    write_messages(path / "bag", iter(sorted(messages, key=lambda message: message.log_time_ns)))
    overrides = parse_overrides(head=[], labels=[], shape=[], preprocess=["scale=0.00392156862745098"])
    spec = load_spec(make_demo_network_onnx(path / "pair.onnx", thermal=True), overrides=overrides)
    write_spec(dataclasses.replace(spec, name="pair"), path / "pair.yaml")
    write_config(path / "config.yaml", path)
    run = ["validate", str(path / "bag"), "--model", str(path / "pair.yaml"), "--score", "0.5", "--no-report"]
    assert main([*run, "--backend", "onnxruntime", "--threads", "1", "--out", str(path / "run")]) == 0
    return path


def write_config(path: Path, folder: Path, *, sets: str = "[[front, front_thermal]]", tolerance: float = 5.0) -> None:
    path.write_text(CONFIG.format(spec=folder / "pair.yaml", sets=sets, tolerance=tolerance))


def replay(folder: Path, config: Path, out: Path) -> list[str]:
    return ["replay", str(folder / "bag"), "--config", str(config), "--offline", str(folder / "run"), "--out", str(out),
            "--rate", "0.5"]  # fmt: skip


def test_live_and_offline_pair_the_same_frames(folder: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed here")
    pytest.importorskip("vision_msgs", reason="vision_msgs is not installed here")
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    result = subprocess.run(
        [sys.executable, "-m", "trt_perception.cli.main", *replay(folder, folder / "config.yaml", folder / "live")],
        env={**kept, **ros_environment(folder / "ros_log")},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    content = json.loads((folder / "live" / "comparison.json").read_text())
    (camera,) = content["cameras"]
    assert (camera["camera"], camera["frames"], camera["skipped"]) == (COLOUR, FRAMES, {"unpaired": 2})
    assert camera["compared"] + sum(camera["dropped"].values()) == FRAMES - 2
    assert camera["compared"] > 0
    assert content["largest"]["boxes"] > 0
    # Of the frames without a partner the node's log says the same.
    log = [json.loads(line) for line in (folder / "live" / "drops.jsonl").read_text().splitlines()]
    unpaired = Counter((entry["camera"], entry["stamp_ns"]) for entry in log if entry.get("reason") == "unpaired")
    assert {(COLOUR, START_NS + index * 200 * MS) for index in (MISSING, FAR)} <= unpaired.keys()
    assert max(unpaired.values()) == 1

    live = folder / "live"
    check = ["compare-live", str(live / "recording"), "--drop-log", str(live / "drops.jsonl")]
    assert main([*check, "--offline", str(folder / "run")]) == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"sets": "[[front_thermal, front]]"}, "cameras", id="other_order"),
        pytest.param({"tolerance": 9.0}, "with the same --tolerance-ms", id="other_tolerance"),
    ],
)
def test_refuses_a_config_that_pairs_otherwise(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], named: str
) -> None:
    write_config(tmp_path / "config.yaml", folder, **change)  # type: ignore[arg-type]
    assert main(replay(folder, tmp_path / "config.yaml", tmp_path / "live")) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "live").exists()
