"""Where a config puts the results of an offline run, and what makes both incomparable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.tiny_onnx import make_multi_head_onnx
from helpers.validation_records import make_record, make_run

from trt_perception.errors import ConfigError
from trt_perception.model.load_spec import load_spec
from trt_perception.ros.live_topics import config_topics
from trt_perception.settings.load_settings import load_settings
from trt_perception.validate.run_header import RunBag, RunCamera, RunHead, RunHeader, RunModel, RunThresholds

CONFIG = """
backend: onnxruntime
cameras: [{{name: front, topic: /sensing/cam_f/image_raw}}, {{name: left}}]
models: [{{name: net, spec: {model}}}]
pipelines: [{{name: detect, model: net, {pipeline}}}]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_multi_head_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx")


def header(model: Path, *, score: float = 0.3, cameras: dict[str, str] | None = None) -> RunHeader:
    spec = load_spec(model)
    topics = cameras or {"cam_f": "/sensing/cam_f/image_raw", "left": "/left/image_raw"}
    return RunHeader(
        model=RunModel(name=spec.name, sha256="", spec_sha256="", backend="onnxruntime 1"),
        thresholds=RunThresholds(score=score, floor=0.05, nms_iou=0.45, max_detections=300),
        truth="none",
        heads={head.name: RunHead(labels=head.labels, is_detection=head.kind.is_detection) for head in spec.heads},
        bags=(
            RunBag(
                name="drive",
                start_ns=0,
                end_ns=1,
                messages=2,
                cameras={name: RunCamera(topic=topic, frames=1) for name, topic in topics.items()},
            ),
        ),
    )


def topics(tmp_path: Path, model: Path, pipeline: str = "", *, namespace: str = "", **of_header: Any) -> Any:
    (tmp_path / "config.yaml").write_text(CONFIG.format(model=model, pipeline=pipeline or "always_on: true"))
    found = config_topics(load_settings(tmp_path / "config.yaml"), header(model, **of_header), namespace=namespace)
    return {(topic.camera, topic.head): topic for topic in found}


def test_a_camera_is_found_by_its_image_topic_and_else_by_its_name(tmp_path: Path, model: Path) -> None:
    found = topics(tmp_path, model, "namespace: fine", namespace="/car")
    assert {key: (topic.live_camera, topic.offline, topic.live) for key, topic in found.items()} == {
        ("cam_f", "detection"): ("front", "/cam_f/detections", "/car/front/fine/detections"),
        ("cam_f", "segmentation"): ("front", "/cam_f/segmentation", "/car/front/fine/segmentation"),
        ("left", "detection"): ("left", "/left/detections", "/car/left/fine/detections"),
        ("left", "segmentation"): ("left", "/left/segmentation", "/car/left/fine/segmentation"),
    }


def test_renamed_and_left_out_classes_are_known(tmp_path: Path, model: Path) -> None:
    label = load_spec(model).heads[0].labels
    names = topics(tmp_path, model, f"label_map: {{{label[0]}: thing, {label[1]}: ''}}")
    assert names["left", "detection"].published == {label[0]: "thing", label[1]: None, label[2]: label[2]}
    assert names["left", "segmentation"].hidden == (1,)
    numbers = topics(tmp_path, model, "class_ids: index")["left", "detection"].published
    assert list(numbers.values()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("pipeline", "problem"),
    [
        pytest.param(
            "score_threshold: 0.4", r"score_threshold: 0.4 live, 0.3 in the offline .* --score 0.4", id="score"
        ),
        pytest.param("nms_iou: 0.5", r"nms_iou: 0.5 live, 0.45 in the offline run; .* --nms-iou 0.5", id="nms"),
        pytest.param("max_detections: 9", "max_detections: 9 live, 300 in the offline run", id="max_detections"),
        pytest.param("class_thresholds: {class_0: 0.5}", "class_thresholds: the offline run has one", id="class"),
    ],
)
def test_refuses_other_thresholds(tmp_path: Path, model: Path, pipeline: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        topics(tmp_path, model, pipeline)


def test_refuses_a_config_without_the_model_or_a_camera(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ConfigError, match="expected a camera of the offline run"):
        topics(tmp_path, model, cameras={"roof": "/roof/image_raw"})
    run = make_run(tmp_path / "run", [make_record(0)], model="other")
    with pytest.raises(ConfigError, match="models: expected other, the model of the offline run, got tiny"):
        config_topics(load_settings(tmp_path / "config.yaml"), run.header())


def test_refuses_two_pipelines_of_the_model_on_one_camera(tmp_path: Path, model: Path) -> None:
    text = CONFIG.format(model=model, pipeline="always_on: true")
    second = "{name: again, model: net, namespace: again}"
    (tmp_path / "config.yaml").write_text(text.replace("always_on: true}", "always_on: true}, " + second))
    with pytest.raises(ConfigError, match="detect, again run the same model on camera cam_f, expected one"):
        config_topics(load_settings(tmp_path / "config.yaml"), header(model))
