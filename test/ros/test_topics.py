"""Which topics exist, and that no two pipelines share one."""

from __future__ import annotations

import pytest

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, ModelSpec, OutputSpec
from trt_perception.ros.topics import plan_topics
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PipelinePlan
from trt_perception.settings.pipeline_settings import PipelineSettings

DETECT = HeadKind.YOLOV8
SEGMENT = HeadKind.SEMANTIC_LOGITS


def _spec(*heads: tuple[str, HeadKind]) -> ModelSpec:
    return ModelSpec(
        name="model",
        model="/model.onnx",
        inputs=(InputSpec(name="images", shape=(1, 3, 32, 32)),),
        outputs=tuple(OutputSpec(name=name, shape=(1, 6, 10)) for name, _ in heads),
        heads=tuple(HeadSpec(name=name, kind=kind, outputs=(name,), labels=("a", "b")) for name, kind in heads),
    )


def _plan(camera: str = "front", pipeline: str = "detect", model: str = "m", namespace: str = "") -> PipelinePlan:
    return PipelinePlan(
        settings=PipelineSettings(name=pipeline, model=model, namespace=namespace),
        model=ModelSettings(name=model, spec="/m.yaml"),
        sources=(CameraSettings(name=camera),),
    )


@pytest.mark.parametrize(
    ("heads", "namespace", "expected"),
    [
        pytest.param(
            [("boxes", DETECT)], "", ["detections", "vision_info", "label_info", "debug_image"], id="one_detection_head"
        ),
        pytest.param(
            [("mask", SEGMENT)], "", ["segmentation", "vision_info", "label_info", "debug_image"], id="one_mask_head"
        ),
        pytest.param(
            [("objects", HeadKind.YOLOV8_SEG)],
            "",
            ["detections", "instances", "vision_info", "label_info", "debug_image"],
            id="one_instance_head",
        ),
        pytest.param(
            [("boxes", DETECT)],
            "night/v2",
            ["night/v2/detections", "night/v2/vision_info", "night/v2/label_info", "night/v2/debug_image"],
            id="namespace",
        ),
        pytest.param(
            [("boxes", DETECT), ("road", SEGMENT), ("lane", SEGMENT)],
            "",
            [
                "detections",
                "boxes/vision_info",
                "boxes/label_info",
                "road/segmentation",
                "road/vision_info",
                "road/label_info",
                "lane/segmentation",
                "lane/vision_info",
                "lane/label_info",
                "debug_image",
            ],
            id="several_heads",
        ),
    ],
)
def test_topics_of_a_pipeline(heads: list[tuple[str, HeadKind]], namespace: str, expected: list[str]) -> None:
    (lane,) = plan_topics([_plan(namespace=namespace)], {"m": _spec(*heads)})
    assert list(lane.all) == [f"front/{topic}" for topic in expected]


def test_cameras_and_namespaces_keep_pipelines_apart() -> None:
    plans = [_plan(), _plan(camera="back"), _plan(pipeline="second", namespace="second")]
    lanes = plan_topics(plans, {"m": _spec(("boxes", DETECT))})
    topics = [topic for lane in lanes for topic in lane.all]
    assert len(topics) == len(set(topics)) == 12


@pytest.mark.parametrize("second", [DETECT, SEGMENT], ids=["both_detect", "one_segments"])
def test_two_pipelines_of_a_camera_need_a_namespace(second: HeadKind) -> None:
    plans = [_plan(), _plan(pipeline="second", model="n")]
    with pytest.raises(
        ConfigError, match=r"pipeline second: namespace: it publishes front/\w+, as pipeline detect does; give one"
    ):
        plan_topics(plans, {"m": _spec(("boxes", DETECT)), "n": _spec(("other", second))})


@pytest.mark.parametrize("namespace", ["/night", "night/", "a b", "a__b", "1st", "a//b"])
def test_a_namespace_that_cannot_be_part_of_a_topic_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigError, match=r"pipeline detect: namespace: expected letters"):
        plan_topics([_plan(namespace=namespace)], {"m": _spec(("boxes", DETECT))})


def test_a_head_name_counts_only_where_it_is_part_of_a_topic() -> None:
    plan_topics([_plan()], {"m": _spec(("a/b.c", DETECT))})
    with pytest.raises(ConfigError, match=r"name of head 'a b'"):
        plan_topics([_plan()], {"m": _spec(("a b", DETECT), ("c", DETECT))})
