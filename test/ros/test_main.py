"""The node as a process: exit codes, one clear line, signals."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from helpers.node_process import NodeProcess
from helpers.tiny_onnx import make_yolox_onnx

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

CONFIG = """\
backend: {backend}
threads: 1
cameras:
  - name: front
models:
  - name: boxes
    spec: {model}
pipelines:
  - name: detect
    model: boxes
"""


def _config(tmp_path: Path, *, backend: str = "onnxruntime") -> Path:
    model = make_yolox_onnx(tmp_path / "boxes.onnx")
    path = tmp_path / "perception.yaml"
    path.write_text(CONFIG.format(backend=backend, model=model))
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_node_cleanly_within_two_seconds(tmp_path: Path, number: signal.Signals) -> None:
    with NodeProcess(tmp_path / "log", config=_config(tmp_path), autostart=True) as node:
        node.wait_for("active")
        code, seconds = node.stop(number)
        assert code == 0
        assert seconds < 2.0
        assert "Traceback" not in node.text
        assert "rror" not in node.text


def test_without_autostart_the_node_waits_unconfigured(tmp_path: Path) -> None:
    from helpers.ros_probe import RosProbe

    with NodeProcess(tmp_path / "log", config=_config(tmp_path)) as node, RosProbe() as probe:
        assert probe.state("/perception") == "unconfigured"
        assert node.stop()[0] == 0


FAILURES = {
    "no_config": ({}, 2, "parameter config: expected the path of a perception config, got none"),
    "absent_config": ({"config": "/absent/perception.yaml"}, 2, "/absent/perception.yaml: no such file"),
    "unknown_backend": ({"backend": "cuda"}, 2, "parameter backend: expected 'tensorrt' or 'onnxruntime', got 'cuda'"),
    "auto_backend": ({"backend": "auto"}, 2, "backend: expected tensorrt or onnxruntime, got 'auto'"),
    "threshold_out_of_range": ({"detect__score_threshold": 1.5}, 2, "parameter detect.score_threshold"),
    "threshold_of_wrong_type": ({"detect__score_threshold": "high"}, 2, "parameter detect.score_threshold"),
    "drop_log_nowhere": ({"drop_log": "/absent/drops.jsonl"}, 2, "drop_log: cannot write /absent/drops.jsonl"),
}


@pytest.mark.parametrize(("parameters", "code", "text"), FAILURES.values(), ids=FAILURES.keys())
def test_a_start_that_fails_is_one_clear_line_and_an_exit_code(
    tmp_path: Path, parameters: dict[str, object], code: int, text: str
) -> None:
    given = {"config": _config(tmp_path), **parameters}
    if not parameters:
        del given["config"]
    with NodeProcess(tmp_path / "log", autostart=True, **given) as node:
        assert node.wait() == code
        assert text in node.text
        assert "Traceback" not in node.text
        assert len(node.text.strip().splitlines()) == 1


BAD_CONFIGS = {
    "wrong_type": ("threads: 1", "threads: many", "perception.yaml: threads: expected a whole number, got 'many'"),
    "unknown_key": ("threads: 1", "treads: 1", "unknown key 'treads'; did you mean 'threads'?"),
    "duplicate_camera": ("  - name: front\n", "  - name: front\n" * 2, "name 'front' is used 2 times"),
    "absent_model": ("boxes.onnx", "absent.onnx", "models[0].spec: no file"),
    "newer_schema": ("threads: 1", "schema: 99", "schema: expected at most 1, got 99"),
    "not_yaml": ("cameras:", "cameras: [", "not valid YAML"),
}


@pytest.mark.parametrize(("old", "new", "text"), BAD_CONFIGS.values(), ids=BAD_CONFIGS.keys())
def test_a_bad_config_is_one_clear_line_and_exit_code_2(tmp_path: Path, old: str, new: str, text: str) -> None:
    path = _config(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with NodeProcess(tmp_path / "log", autostart=True, config=path) as node:
        assert node.wait() == 2
        assert text in node.text
        assert "Traceback" not in node.text
        assert len(node.text.strip().splitlines()) == 1


def test_an_absent_label_file_is_named(tmp_path: Path) -> None:
    from trt_perception.model.load_spec import load_spec
    from trt_perception.model.write_spec import write_spec

    path = _config(tmp_path)
    write_spec(load_spec(tmp_path / "boxes.onnx"), tmp_path / "boxes.yaml")
    text = (tmp_path / "boxes.yaml").read_text()
    start = text.index("labels:")
    end = start + text[start:].index("strides:")
    indent = text[text.rindex("\n", 0, end) + 1 : end]
    (tmp_path / "boxes.yaml").write_text(text[:start] + "labels: absent.txt\n" + indent + text[end:])
    path.write_text(path.read_text().replace("boxes.onnx", "boxes.yaml"))
    with NodeProcess(tmp_path / "log", autostart=True, config=path) as node:
        assert node.wait() == 2
        assert "absent.txt" in node.text
        assert "Traceback" not in node.text


def test_a_missing_tensorrt_is_exit_code_3(tmp_path: Path) -> None:
    if __import__("importlib.util").util.find_spec("tensorrt") is not None:
        pytest.skip("TensorRT is here")
    with NodeProcess(tmp_path / "log", autostart=True, config=_config(tmp_path, backend="tensorrt")) as node:
        assert node.wait() == 3
        assert "tensorrt" in node.text
        assert "Traceback" not in node.text


def test_an_argument_that_is_not_for_ros_is_refused() -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "trt_perception.ros.main", "perception.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "unknown argument 'perception.yaml'; the node takes ROS arguments only" in done.stderr
    assert "Traceback" not in done.stderr
