"""The node through real DDS: lifecycle, topics, headers, services, parameters, bad input, diagnostics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.worker_fakes import image_bytes

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.node_config import diagnostics_of, front_image
from helpers.node_process import NodeProcess
from helpers.ros_probe import Listener, RosProbe, stamp_of, wait_until
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool

NODE = "/perception"
OK, WARN, ERROR, STALE = (bytes([level]) for level in range(4))


@pytest.fixture(scope="module")
def node(config: Path, tmp_path_factory: pytest.TempPathFactory, _ros_environment: None) -> Iterator[NodeProcess]:
    """One active node for the tests that do not need one of their own."""
    folder = Path(tmp_path_factory.mktemp("node"))
    with NodeProcess(folder / "log", config=config, autostart=True, drop_log=folder / "drops.jsonl") as node:
        node.wait_for("active")
        yield node
        assert node.stop()[0] == 0
        assert "Traceback" not in node.text


@pytest.fixture
def detections(camera: Any, probe: RosProbe) -> Iterator[Listener]:
    """The front camera's detections, once an image is answered: the node knows that somebody listens."""
    listener = probe.listen(vision_msgs.Detection2DArray, "/front/detections")
    _answer(camera, listener)
    yield listener
    probe.stop_listening(listener)


@pytest.fixture(scope="module")
def camera(node: NodeProcess, probe: RosProbe) -> Any:
    """A publisher of the front camera's images."""
    return probe.advertise(Image, "/front/image_raw")


def _answer(camera: Any, listener: Listener) -> Any:
    (answer,) = RosProbe.ask(camera, front_image, listener)
    return answer


def _drop_count(node: NodeProcess, reason: str) -> int:
    return (node.log.parent / "drops.jsonl").read_text().count(f'"reason": "{reason}"')


def test_detections_carry_the_images_header_and_mapped_labels(camera: Any, detections: Listener) -> None:
    array = _answer(camera, detections)
    assert array.header.frame_id == "front_optical"
    assert len(array.detections) > 0
    for detection in array.detections:
        assert detection.header == array.header
        (result,) = detection.results
        assert result.hypothesis.class_id in ("class_0", "lorry")
        assert 0.0 <= result.hypothesis.score <= 1.0
        assert 0 <= detection.bbox.center.position.x <= 80
        assert 0 <= detection.bbox.center.position.y <= 48


def test_label_info_and_vision_info_are_latched(node: NodeProcess, probe: RosProbe) -> None:
    (labels,) = probe.listen(vision_msgs.LabelInfo, "/front/label_info", latched=True).wait(1)
    assert [(entry.class_id, entry.class_name) for entry in labels.class_map] == [(0, "class_0"), (1, "lorry")]
    (vision,) = probe.listen(vision_msgs.VisionInfo, "/back/vision_info", latched=True).wait(1)
    assert vision.method == "boxes (yolox)"
    assert vision.database_location == "/back/label_info"
    assert vision.database_version == 1


def test_a_model_with_two_heads_publishes_boxes_and_a_mask_of_the_cameras_size(
    node: NodeProcess, camera: Any, probe: RosProbe
) -> None:
    boxes = probe.listen(vision_msgs.Detection2DArray, "/front/both/detections")
    masks = probe.listen(Image, "/front/both/segmentation")
    assert probe.set_parameters(NODE, both__score_threshold=0.0) == [(True, "")]
    array, mask = RosProbe.ask(camera, front_image, boxes, masks)
    assert (mask.width, mask.height, mask.encoding, mask.step) == (80, 48, "mono8", 80)
    assert mask.header.frame_id == "front_optical"
    names = {result.hypothesis.class_id for detection in array.detections for result in detection.results}
    assert names
    assert all(name.isdigit() for name in names)
    for listener in (boxes, masks):
        probe.stop_listening(listener)


def test_instances_number_the_detections_of_the_same_stamp(node: NodeProcess, camera: Any, probe: RosProbe) -> None:
    arrays = probe.listen(vision_msgs.Detection2DArray, "/front/parts/detections")
    masks = probe.listen(Image, "/front/parts/instances")
    array, mask = RosProbe.ask(camera, front_image, arrays, masks)
    boxes = [detection.bbox for detection in array.detections]
    assert (mask.width, mask.height, mask.encoding, mask.step) == (80, 48, "mono8", 80)
    assert mask.header.frame_id == "front_optical"
    ids = np.array(mask.data, np.uint8).reshape(48, 80)
    assert ids.any()
    for number in np.unique(ids[ids > 0]).tolist():
        box = boxes[number - 1]
        rows, columns = np.nonzero(ids == number)
        assert (np.abs(columns - box.center.position.x) <= box.size_x / 2 + 1e-3).all()
        assert (np.abs(rows - box.center.position.y) <= box.size_y / 2 + 1e-3).all()
    for listener in (arrays, masks):
        probe.stop_listening(listener)


def test_the_debug_image_is_drawn_while_somebody_watches(camera: Any, probe: RosProbe, detections: Listener) -> None:
    pictures = probe.listen(Image, "/front/debug_image")
    picture, _ = RosProbe.ask(camera, front_image, pictures, detections)
    assert (picture.width, picture.height, picture.encoding) == (80, 48, "bgr8")
    assert bytes(picture.data) != front_image(stamp_of(picture.header))[-len(picture.data) :]  # something is drawn
    probe.stop_listening(pictures)


def _jpeg_message(data: bytes, stamp_ns: int) -> CompressedImage:
    message = CompressedImage(format="jpeg", data=data)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    return message


def test_compressed_images_give_detections(node: NodeProcess, probe: RosProbe) -> None:
    listener = probe.listen(vision_msgs.Detection2DArray, "/back/detections")
    wait_until(lambda: diagnostics_of(probe, "back")["detect.listener"] == "true")
    publisher = probe.advertise(CompressedImage, "/back/image_raw/compressed")
    file = bytes(cv2.imencode(".jpg", np.full((48, 80, 3), 90, np.uint8))[1])
    probe.ask(publisher, partial(_jpeg_message, file), listener)
    listener.clear()
    for data in (b"\xff\xd8 no jpeg", file[: len(file) // 2], file):
        publisher.publish(_jpeg_message(data, stamp_ns := time.time_ns()))
        time.sleep(0.1)
    (array,) = listener.wait(1)
    assert stamp_of(array.header) == stamp_ns
    values = diagnostics_of(probe, "back")
    assert values["dropped_corrupt_image"] == "2"
    assert values["level"] == WARN
    assert "camera back: frame dropped, corrupt_image" in node.text
    probe.stop_listening(listener)


BAD = {
    "truncated": (image_bytes(1)[:-40], "malformed"),
    "foreign_type": (bytes(serialize_message(CompressedImage(format="jpeg", data=b"x" * 99))), "malformed"),
    "foreign_bytes": (b"\x00\x01\x00\x00" + bytes(range(256)) * 9, "malformed"),
    "big_endian": (b"\x00\x00" + image_bytes(1)[2:], "big_endian"),
    "unknown_encoding": (image_bytes(1).replace(b"bgr8", b"xyz9"), "unknown_encoding"),
    "zero_size": (image_bytes(1)[:24] + bytes(8) + image_bytes(1)[32:], "bad_size"),
    "absurd_size": (image_bytes(1)[:24] + b"\xa0\x86\x01\x00" * 2 + image_bytes(1)[32:], "bad_size"),
    "short_data": (image_bytes(1)[:24] + b"\x05\x00\x00\x00" + image_bytes(1)[28:], "short_data"),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD.keys())
def test_bad_bytes_over_dds_are_counted_and_the_next_image_is_answered(
    node: NodeProcess, camera: Any, detections: Listener, data: bytes, reason: str
) -> None:
    before = _drop_count(node, reason)
    camera.publish(data)
    wait_until(lambda: _drop_count(node, reason) == before + 1)
    _answer(camera, detections)
    assert f"camera front: frame dropped, {reason}: " in node.text
    assert node.process.poll() is None


def test_a_camera_that_stops_and_comes_back_is_told(
    node: NodeProcess, camera: Any, probe: RosProbe, detections: Listener
) -> None:
    wait_until(lambda: diagnostics_of(probe, "front")["level"] == STALE)
    values = diagnostics_of(probe, "front")
    assert values["message"].startswith("no image for ")
    assert "/front/image_raw (1 publisher)" in values["message"]
    assert "camera front: no image" in node.text
    _answer(camera, detections)
    wait_until(lambda: "camera front: images come again after" in node.text)


def test_without_a_listener_nothing_is_computed(camera: Any, probe: RosProbe) -> None:
    wait_until(lambda: diagnostics_of(probe, "front")["detect.listener"] == "false")
    before = diagnostics_of(probe, "front")
    camera.publish(front_image(time.time_ns()))
    wait_until(
        lambda: int(diagnostics_of(probe, "front")["dropped_no_listener"]) == int(before["dropped_no_listener"]) + 1
    )
    after = diagnostics_of(probe, "front")
    assert after["detect.results"] == before["detect.results"]
    assert int(after["detect.unheard"]) == int(before["detect.unheard"]) + 1


def test_the_enable_service_switches_one_camera(
    node: NodeProcess, camera: Any, probe: RosProbe, detections: Listener
) -> None:
    service = f"{NODE}/front/enable"
    assert probe.call(SetBool, service, SetBool.Request(data=False)).success
    before = _drop_count(node, "disabled")
    detections.clear()
    camera.publish(front_image(time.time_ns()))
    wait_until(lambda: _drop_count(node, "disabled") == before + 1)
    assert len(detections) == 0
    assert diagnostics_of(probe, "front")["message"] == "disabled"
    response = probe.call(SetBool, service, SetBool.Request(data=True))
    assert (response.success, response.message) == (True, "camera front is enabled")
    _answer(camera, detections)


def test_thresholds_change_while_running(camera: Any, probe: RosProbe, detections: Listener) -> None:
    assert len(_answer(camera, detections).detections) > 1
    assert probe.set_parameters(NODE, detect__max_detections=1) == [(True, "")]
    assert len(_answer(camera, detections).detections) <= 1
    assert probe.set_parameters(NODE, detect__score_threshold=1.0, detect__max_detections=5) == [(True, "")] * 2
    assert _answer(camera, detections).detections == []
    assert probe.set_parameters(NODE, detect__class_thresholds__class_1=0.0) == [(True, "")]
    assert {d.results[0].hypothesis.class_id for d in _answer(camera, detections).detections} == {"lorry"}
    assert probe.set_parameters(NODE, detect__class_thresholds__class_1=-1.0) == [(True, "")]
    assert _answer(camera, detections).detections == []
    assert probe.set_parameters(NODE, detect__score_threshold=0.0) == [(True, "")]
    assert len(_answer(camera, detections).detections) > 1


REFUSED = {
    "score_too_high": ({"detect__score_threshold": 1.5}, "1.5"),
    "score_is_text": ({"detect__score_threshold": "high"}, "Wrong parameter type"),
    "class_between_minus_one_and_zero": ({"detect__class_thresholds__class_1": -0.5}, "expected a number from 0 to 1"),
    "no_detections": ({"detect__max_detections": 0}, "detect.max_detections"),
    "unknown_label": (
        {"detect__class_thresholds__class_9": 0.5},
        "class_thresholds.class_9: there is no such parameter",
    ),
    "misspelt": ({"detect__score_treshold": 0.5}, "there is no such parameter; did you mean detect.score_threshold?"),
    "structure": ({"front__topic": "/x"}, "there is no such parameter; what is no parameter stands in the config file"),
    "config": ({"config": "/other.yaml"}, "it cannot change while the node is configured; deactivate and clean up"),
    "backend": ({"backend": "tensorrt"}, "it cannot change while the node is configured; deactivate and clean up"),
    "drop_log": ({"drop_log": "/tmp/x"}, "it cannot change while the node is configured; deactivate and clean up"),
    "autostart": ({"autostart": False}, "autostart"),
}


@pytest.mark.parametrize(("values", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_change_is_refused_with_a_reason(
    node: NodeProcess, probe: RosProbe, values: dict[str, Any], reason: str
) -> None:
    ((successful, text),) = probe.set_parameters(NODE, **values)
    assert not successful
    assert reason in text


def test_an_atomic_set_with_one_bad_value_changes_nothing(camera: Any, probe: RosProbe, detections: Listener) -> None:
    ((successful, reason),) = probe.set_parameters(
        NODE, atomically=True, detect__max_detections=1, detect__class_thresholds__class_1=-0.5
    )
    assert not successful
    assert "per_class.class_1" in reason
    assert len(_answer(camera, detections).detections) > 1


def test_the_nodes_own_status_names_backend_models_and_memory(node: NodeProcess, probe: RosProbe) -> None:
    values = diagnostics_of(probe, "node")
    assert (values["level"], values["message"], values["backend"]) == (OK, "active", "onnxruntime")
    assert values["model boxes"].startswith("onnxruntime ")
    assert float(values["memory_mb"]) > 10
    assert values["cameras"] == "front, back"


def test_each_frame_is_in_exactly_one_counter(node: NodeProcess, probe: RosProbe) -> None:
    values = diagnostics_of(probe, "front")
    assert int(values["received"]) > 0
    assert int(values["received"]) == int(values["processed"]) + int(values["dropped"])


def test_a_new_threshold_is_told_to_whoever_reads_label_info(node: NodeProcess, probe: RosProbe) -> None:
    infos = probe.listen(vision_msgs.LabelInfo, "/front/label_info", latched=True)
    assert infos.wait(1)[0].threshold == 0.0
    assert probe.set_parameters(NODE, detect__score_threshold=0.25) == [(True, "")]
    assert infos.wait(2)[1].threshold == 0.25
    assert probe.set_parameters(NODE, detect__score_threshold=0.0) == [(True, "")]
    probe.stop_listening(infos)
