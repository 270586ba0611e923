"""The node as a process: exit codes, one clear line, signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.fault_times import keep_times
from helpers.node_process import NodeProcess
from helpers.tiny_onnx import make_yolox_onnx

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from trt_perception.model.load_spec import load_spec
from trt_perception.model.write_spec import write_spec
from trt_perception.ros import receiver_process
from trt_perception.ros.main import main

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


SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@SIGNALS
def test_a_signal_ends_the_node_cleanly_within_two_seconds(tmp_path: Path, number: signal.Signals) -> None:
    with NodeProcess(tmp_path / "log", config=_config(tmp_path), autostart=True) as node:
        node.wait_for("active")
        code, seconds = node.stop(number)
        keep_times(f"{number.name.lower()}_while_it_runs", process_ended=seconds)
        assert code == 0
        assert seconds < 2.0
        assert "Traceback" not in node.text
        assert "rror" not in node.text


@SIGNALS
def test_a_signal_that_comes_again_and_again_ends_the_node_as_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Under launch Control-C comes twice: from the terminal, and from launch, wherever the node is by then."""
    with NodeProcess(tmp_path / "log", config=_config(tmp_path), autostart=True) as node:
        node.wait_for("active")
        began = time.monotonic()
        while node.process.poll() is None:
            node.process.send_signal(number)
            time.sleep(0.005)
        keep_times("signals_again_and_again", process_ended=time.monotonic() - began)
        assert node.process.returncode == 0, node.text
        assert "Traceback" not in node.text


SLOW_START = """
import sys, time
from trt_perception.ros import main, model_pool
def load_slowly(*arguments, **options):
    print("loading", flush=True)
    time.sleep(60)
model_pool.make_backend = load_slowly
sys.exit(main.main(sys.argv[1:]))
"""


@SIGNALS
def test_a_signal_while_models_are_loaded_ends_the_node_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    parameters = ["--ros-args", "-p", f"config:={_config(tmp_path)}", "-p", "autostart:=true"]
    command = [sys.executable, "-c", SLOW_START, *parameters]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(number)
        sent = time.monotonic()
        _, errors = process.communicate(timeout=2.0)
        keep_times("signal_at_loading", process_ended=time.monotonic() - sent)
        assert process.returncode == 0
        assert errors == ""


def _start(parameters: dict[str, object]) -> int:
    """Run the node in this process, for starts that end by themselves."""
    arguments = ["--ros-args", "-p", "autostart:=true"]
    for name, value in parameters.items():
        arguments += [] if value is None else ["-p", f"{name}:={value}"]
    return main(arguments)


FAILURES = {
    "no_config": ({"config": None}, 2, "parameter config: expected the path of a perception config, got none"),
    "absent_config": ({"config": "/absent/perception.yaml"}, 2, "/absent/perception.yaml: no such file"),
    "unknown_backend": ({"backend": "cuda"}, 2, "parameter backend: expected 'tensorrt' or 'onnxruntime', got 'cuda'"),
    "auto_backend": ({"backend": "auto"}, 2, "backend: expected tensorrt or onnxruntime, got 'auto'"),
    "threshold_out_of_range": ({"detect.score_threshold": 1.5}, 2, "parameter detect.score_threshold"),
    "threshold_of_wrong_type": ({"detect.score_threshold": "high"}, 2, "parameter detect.score_threshold"),
    "drop_log_nowhere": ({"drop_log": "/absent/drops.jsonl"}, 2, "drop_log: cannot write /absent/drops.jsonl"),
}


@pytest.mark.parametrize(("parameters", "code", "text"), FAILURES.values(), ids=FAILURES.keys())
def test_a_start_that_fails_is_one_clear_line_and_an_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], parameters: dict[str, object], code: int, text: str
) -> None:
    assert _start({"config": _config(tmp_path), **parameters}) == code
    _assert_one_line(capfd.readouterr().err, text)


def _assert_one_line(errors: str, text: str) -> None:
    assert text in errors
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 1


BAD_CONFIGS = {
    "wrong_type": ("threads: 1", "threads: many", "perception.yaml: threads: expected a whole number, got 'many'"),
    "unknown_key": ("threads: 1", "treads: 1", "unknown key 'treads'; did you mean 'threads'?"),
    "duplicate_camera": ("  - name: front\n", "  - name: front\n" * 2, "name 'front' is used 2 times"),
    "absent_model": ("boxes.onnx", "absent.onnx", "models[0].spec: no file"),
    "newer_schema": ("threads: 1", "schema: 99", "schema: expected at most 1, got 99"),
    "not_yaml": ("cameras:", "cameras: [", "not valid YAML"),
}


@pytest.mark.parametrize(("old", "new", "text"), BAD_CONFIGS.values(), ids=BAD_CONFIGS.keys())
def test_a_bad_config_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, text: str
) -> None:
    path = _config(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    began = time.monotonic()
    assert _start({"config": path}) == 2
    keep_times("bad_config", told=time.monotonic() - began)
    _assert_one_line(capfd.readouterr().err, text)


def test_an_absent_label_file_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _config(tmp_path)
    write_spec(load_spec(tmp_path / "boxes.onnx"), tmp_path / "boxes.yaml")
    text = (tmp_path / "boxes.yaml").read_text()
    start = text.index("labels:")
    end = start + text[start:].index("strides:")
    indent = text[text.rindex("\n", 0, end) + 1 : end]
    (tmp_path / "boxes.yaml").write_text(text[:start] + "labels: absent.txt\n" + indent + text[end:])
    path.write_text(path.read_text().replace("boxes.onnx", "boxes.yaml"))
    assert _start({"config": path}) == 2
    _assert_one_line(capfd.readouterr().err, "absent.txt")


@pytest.mark.parametrize(("labels", "count"), [("[a, b]", 2), ("[a, b, c, d]", 4)], ids=["one_too_few", "one_too_many"])
def test_labels_that_the_model_does_not_have_are_told_with_both_numbers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], labels: str, count: int
) -> None:
    path = _config(tmp_path)
    write_spec(load_spec(tmp_path / "boxes.onnx"), tmp_path / "boxes.yaml")
    text = (tmp_path / "boxes.yaml").read_text()
    assert "[class_0, class_1, class_2]" in text
    (tmp_path / "boxes.yaml").write_text(text.replace("[class_0, class_1, class_2]", labels))
    path.write_text(path.read_text().replace("boxes.onnx", "boxes.yaml"))
    began = time.monotonic()
    assert _start({"config": path}) == 2
    keep_times("wrong_labels", told=time.monotonic() - began)
    expected = f"expected 3 labels, one for each class of its output, got {count}"
    _assert_one_line(capfd.readouterr().err, expected)


def test_a_receiver_that_does_not_start_is_told_and_is_exit_code_3(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_process.sys, "executable", "/bin/false")
    path = _config(tmp_path)
    path.write_text(path.read_text() + "ingest: {receivers: 1}\n")
    began = time.monotonic()
    assert _start({"config": path}) == 3
    keep_times("receiver_does_not_start", told=time.monotonic() - began)
    how, what = capfd.readouterr().err.splitlines()
    assert "ended with code 1" in how
    assert "receiver perception_receiver_0 ended while it started; see its lines above" in what


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is here")
def test_a_missing_tensorrt_is_exit_code_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _start({"config": _config(tmp_path, backend="tensorrt")}) == 3
    _assert_one_line(capfd.readouterr().err, "tensorrt")


def test_an_argument_that_is_not_for_ros_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["perception.yaml"]) == 2
    _assert_one_line(capfd.readouterr().err, "unknown argument 'perception.yaml'; the node takes ROS arguments only")


def test_a_ros_argument_that_does_not_parse_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--ros-args", "-p", "no_value"]) == 2
    assert "ROS arguments cannot be used" in capfd.readouterr().err


@pytest.mark.parametrize("package", ["rclpy", "vision_msgs"])
def test_a_missing_ros_package_is_named_with_exit_code_3(
    package: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main([]) == 3
    _assert_one_line(capfd.readouterr().err, f"the ROS package {package} is not here")


def test_a_misspelt_parameter_at_the_start_is_warned_of(tmp_path: Path) -> None:
    parameters = {
        "detect__score_treshold": 0.5,
        "qos_overrides__/front/image_raw__subscription__reliability": "reliable",
    }
    with NodeProcess(tmp_path / "log", config=_config(tmp_path), autostart=True, **parameters) as node:
        node.wait_for("active")
        assert node.text.count("WARN") == 1
        assert "parameter detect.score_treshold was given; there is no such parameter; did you mean" in node.text
        assert node.stop()[0] == 0
