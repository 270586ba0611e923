"""The main job: six real images in over DDS from other processes, correct vision_msgs out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.camera_sender import CameraSender
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, stamp_of, wait_until
from helpers.yolox_reference import CAR, TRUCK, Found, detect, iou

SHARED = Path(__file__).resolve().parents[3] / "shared"
MODEL = SHARED / "models" / "yolox_nano_coco.onnx"
IMAGES = SHARED / "data" / "nuscenes6"
CAMERAS = ("CAM_FRONT", "CAM_FRONT_LEFT", "CAM_FRONT_RIGHT", "CAM_BACK", "CAM_BACK_LEFT", "CAM_BACK_RIGHT")
SCORE, NMS_IOU = 0.3, 0.45

pytestmark = pytest.mark.skipif(not (MODEL.is_file() and IMAGES.is_dir()), reason="../shared is not here")

EXPECTED_FRONT = [(TRUCK, 0.75), (CAR, 0.52), (CAR, 0.47), (CAR, 0.43)]
"""What the model is known to find in CAM_FRONT."""


def _config(tmp_path: Path, compressed: set[str]) -> Path:
    cameras = "".join(
        f"  - {{name: {name.lower()}, transport: {'compressed' if name in compressed else 'raw'}}}\n"
        for name in CAMERAS
    )
    path = tmp_path / "perception.yaml"
    path.write_text(
        f"backend: onnxruntime\nthreads: 1\ncameras:\n{cameras}"
        f"models:\n  - {{name: yolox, spec: {MODEL}}}\n"
        "pipelines:\n  - {name: detect, model: yolox, class_ids: index,"
        f" score_threshold: {SCORE}, nms_iou: {NMS_IOU}}}\n"
    )
    return path


def _found(message: Any) -> list[Found]:
    """A Detection2DArray as the reference writes it."""
    found = []
    for detection in message.detections:
        (result,) = detection.results
        centre, box = detection.bbox.center.position, detection.bbox
        half_x, half_y = box.size_x / 2, box.size_y / 2
        found.append(
            Found(
                class_id=int(result.hypothesis.class_id),
                score=result.hypothesis.score,
                box=(centre.x - half_x, centre.y - half_y, centre.x + half_x, centre.y + half_y),
            )
        )
    return found


def _image(name: str) -> np.ndarray[Any, Any]:
    return np.asarray(cv2.imread(str(IMAGES / f"{name}.jpg")), np.uint8)


@pytest.mark.parametrize(
    "compressed",
    [{"CAM_FRONT_LEFT", "CAM_BACK_LEFT", "CAM_BACK"}, {"CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_RIGHT"}],
    ids=["front_raw", "front_jpeg"],
)
def test_six_real_cameras_are_answered_correctly(tmp_path: Path, compressed: set[str]) -> None:
    senders = []
    for name in CAMERAS:
        is_compressed = name in compressed
        senders.append(
            CameraSender(
                camera=name,
                topic=f"/{name.lower()}/image_raw{'/compressed' if is_compressed else ''}",
                ledger=tmp_path / f"{name}.jsonl",
                image=IMAGES / f"{name}.jpg",
                compressed=is_compressed,
                frame_id=f"{name.lower()}_optical",
                hz=2.0,
                count=4,
            )
        )
    with (
        NodeProcess(tmp_path / "log", config=_config(tmp_path, compressed), autostart=True) as node,
        RosProbe() as probe,
    ):
        listeners = {
            name: probe.listen(vision_msgs.Detection2DArray, f"/{name.lower()}/detections") for name in CAMERAS
        }
        node.wait_for("active")
        processes = [sender.start() for sender in senders]
        try:
            for process in processes:
                assert process.wait(60) == 0
            for listener in listeners.values():
                wait_until(lambda listener=listener: len(listener) > 0)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        assert node.stop()[0] == 0
        assert "Traceback" not in node.text

    for sender in senders:
        messages = listeners[sender.camera].messages
        assert {stamp_of(message.header) for message in messages} <= set(sender.sent_stamps())
        reference = detect(MODEL, _image(sender.camera), score=SCORE, nms_iou=NMS_IOU)
        for message in messages:
            assert message.header.frame_id == sender.frame_id
            assert all(detection.header == message.header for detection in message.detections)
            _assert_same(_found(message), reference)

    front = _found(listeners["CAM_FRONT"].messages[0])
    assert [found.class_id for found in front[:4]] == [class_id for class_id, _ in EXPECTED_FRONT]
    assert [found.score for found in front[:4]] == pytest.approx([score for _, score in EXPECTED_FRONT], abs=0.01)


def _assert_same(found: list[Found], reference: list[Found]) -> None:
    assert [one.class_id for one in found] == [one.class_id for one in reference]
    assert [one.score for one in found] == pytest.approx([one.score for one in reference], abs=0.01)
    for one, other in zip(found, reference, strict=True):
        assert iou(one.box, other.box) >= 0.99
