"""`trt-perception replay`: a bag over DDS through the real node, compared with `validate` of the same bag."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from helpers.ros_environment import UNWANTED, ros_environment
from helpers.tiny_bag import PERIOD_NS, START_NS
from helpers.tiny_onnx import make_multi_head_onnx
from helpers.validation_bag import SCORE, scene_messages, write_scene_bag

from trt_perception.cli.main import main

FRAMES = 6
LATE_NS = 900_000_000
"""How much later than its time the last frame of front comes: the node drops it as stale."""

CONFIG = """
backend: onnxruntime
threads: 1
cameras: [{{name: front, max_age_ms: 600}}, {{name: left}}]
models: [{{name: tiny, spec: {model}}}]
pipelines: [{{name: tiny, model: tiny, score_threshold: {score}}}]
"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A bag, its offline run, and a config for both."""

    folder: Path

    def arguments(self, out: str, *more: str) -> list[str]:
        """Of the verb."""
        paths = {name: str(self.folder / name) for name in ("bag", "config.yaml", "run", out)}
        return ["replay", paths["bag"], "--config", paths["config.yaml"], "--offline", paths["run"],
                "--out", paths[out], *more]  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("replay")
    model = make_multi_head_onnx(folder / "tiny.onnx")
    last_ns = START_NS + (FRAMES - 1) * PERIOD_NS
    messages = [
        replace(message, log_time_ns=message.log_time_ns + LATE_NS)
        if message.topic.startswith("/front/image") and message.log_time_ns > last_ns
        else message
        for message in scene_messages(count=FRAMES)
    ]
    write_scene_bag(folder / "bag", iter(messages))
    (folder / "config.yaml").write_text(CONFIG.format(model=model, score=SCORE))
    run = ["validate", str(folder / "bag"), "--model", str(model), "--score", str(SCORE), "--no-report"]
    assert main([*run, "--backend", "onnxruntime", "--out", str(folder / "run")]) == 0
    return Scene(folder=folder)


def test_the_live_node_finds_what_validate_finds_and_the_frame_that_it_dropped_is_listed(scene: Scene) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed here")
    pytest.importorskip("vision_msgs", reason="vision_msgs is not installed here")
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    result = subprocess.run(
        [sys.executable, "-m", "trt_perception.cli.main", *scene.arguments("live", "--rate", "0.5")],
        env={**kept, **ros_environment(scene.folder / "ros_log")},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    dropped_ns = START_NS + (FRAMES - 1) * PERIOD_NS
    assert f"  front {dropped_ns}: stale\n" in result.stdout
    assert "live and offline agree\n" in result.stdout

    content = json.loads((scene.folder / "live" / "comparison.json").read_text())
    assert content["passed"]
    assert {"camera": "front", "stamp_ns": dropped_ns, "reason": "stale"} in content["dropped"]
    for camera in content["cameras"]:
        assert camera["compared"] + sum(camera["dropped"].values()) == camera["frames"] == FRAMES
        assert camera["compared"] > 0
    assert content["largest"]["boxes"] > 0

    # The recording stands for itself, and against another model's run it does not agree.
    (scene.folder / "other").mkdir()
    other = make_multi_head_onnx(scene.folder / "other" / "tiny.onnx", seed=1)
    run = ["validate", str(scene.folder / "bag"), "--model", str(other), "--score", str(SCORE), "--no-report"]
    assert main([*run, "--backend", "onnxruntime", "--out", str(scene.folder / "other" / "run")]) == 0
    live = scene.folder / "live"
    check = ["compare-live", str(live / "recording"), "--drop-log", str(live / "drops.jsonl"), "--offline"]
    assert main([*check, str(scene.folder / "run")]) == 0
    assert main([*check, str(scene.folder / "other" / "run")]) == 1


@pytest.mark.parametrize("name", ["comparison.json", "recording"])
def test_what_is_there_is_not_overwritten_unasked(scene: Scene, capsys: pytest.CaptureFixture[str], name: str) -> None:
    theirs = scene.folder / f"with_{name}" / name
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    assert main(scene.arguments(theirs.parent.name)) == 2
    assert "a replay is there; give another --out, or --overwrite" in capsys.readouterr().err
    assert theirs.read_text() == "theirs"


def test_a_file_in_the_folder_s_place_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (scene.folder / "file").write_text("")
    assert main(scene.arguments("file")) == 2
    assert "cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(f"score_threshold: {SCORE}", "score_threshold: 0.5", "--score 0.5", id="threshold"),
        pytest.param("{name: left}", "{name: right}", "no left of the offline run", id="camera"),
        pytest.param(
            "{name: left}", "{name: left, topic: /l/image_raw}", "set its topic to /left/image_raw", id="topic"
        ),
    ],
)
def test_refuses_a_config_that_does_not_fit_before_anything_runs(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, problem: str
) -> None:
    text = (scene.folder / "config.yaml").read_text()
    assert old in text
    (tmp_path / "config.yaml").write_text(text.replace(old, new))
    arguments = scene.arguments("never")
    arguments[arguments.index("--config") + 1] = str(tmp_path / "config.yaml")
    assert main(arguments) == 2
    assert problem in capsys.readouterr().err
    assert not (scene.folder / "never").exists()


def test_refuses_the_run_of_another_bag(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_scene_bag(tmp_path / "bag", scene_messages(count=2))
    arguments = scene.arguments("never")
    arguments[1] = str(other)
    assert main(arguments) == 2
    assert f"expected the run of {other} and of no other bag" in capsys.readouterr().err


def test_refuses_a_rate_of_nothing(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(scene.arguments("never", "--rate", "0")) == 2
    assert "--rate: expected a number above 0, got 0" in capsys.readouterr().err
