"""Faults that lie in one message: its bytes, its fields, its image, and what the model makes of it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from bench.soak.fault import SEEN_S, Fault, Times
from bench.soak.faulty_node import HANG_S, Marker
from bench.soak.picture import Picture
from bench.soak.status_watch import ERROR, WARN, CameraState
from trt_perception.ros.camera_status import HUNG_NS

if TYPE_CHECKING:
    from bench.soak.camera import CameraPlan, SoakCamera

Make = Callable[["SoakCamera"], Picture]


def counted(camera: SoakCamera, before: CameraState, make: Make, counter: str, word: str) -> Times:
    """Up to five bad frames in a row: the counter rises, the status says so, and the next good frame is answered."""
    over: list[float | None] = []

    def send() -> Iterator[int | None]:
        for _ in range(camera.random.randint(1, 5)):
            picture = make(camera)
            stamp_ns = camera.now_ns()
            camera.send(picture, stamp_ns)
            yield stamp_ns if picture.is_readable else None
            camera.tick()
        over.append(camera.until_answered(5.0))

    def holds(state: CameraState) -> bool:
        return state.count(counter) > before.count(counter) and state.level in (WARN, ERROR) and word in state.message

    camera.tick()
    seen_s = camera.until_noticed(send, holds, within_s=SEEN_S)
    return Times(seen_s=seen_s, over_s=None if None in over else max(filter(None, over)))


def _fault(name: str, make: Make, reason: str, **options: Any) -> Fault:
    return Fault(
        name=name, play=lambda camera, before: counted(camera, before, make, f"dropped_{reason}", reason), **options
    )


def _raw(plan: CameraPlan) -> bool:
    return not plan.compressed


def _compressed(plan: CameraPlan) -> bool:
    return plan.compressed


def _truncated(camera: SoakCamera) -> Picture:
    message = camera.pictures[0].message
    return Picture(message=message[: camera.random.randrange(24, len(message))], is_readable=False)


def _big_endian(camera: SoakCamera) -> Picture:
    message = bytearray(camera.pictures[0].message)
    message[1] = 0
    return Picture(message=bytes(message), is_readable=False)


def _with(**fields: Any) -> Make:
    """An Image with other fields."""

    def make(camera: SoakCamera) -> Picture:
        message = deserialize_message(camera.pictures[0].message, Image)
        for name, value in fields.items():
            setattr(message, name, value)
        return Picture(message=bytes(serialize_message(message)))

    return make


def _short(camera: SoakCamera) -> Picture:
    message = deserialize_message(camera.pictures[0].message, Image)
    message.height *= 2
    return Picture(message=bytes(serialize_message(message)))


def _with_data(change: Callable[[SoakCamera, bytes], bytes]) -> Make:
    """A CompressedImage with other data."""

    def make(camera: SoakCamera) -> Picture:
        message = deserialize_message(camera.pictures[0].message, CompressedImage)
        message.data = change(camera, bytes(message.data))
        return Picture(message=bytes(serialize_message(message)))

    return make


def _cut(camera: SoakCamera, data: bytes) -> bytes:
    return data[: camera.random.randrange(len(data) // 4, len(data) * 3 // 4)]


def _bomb(camera: SoakCamera, data: bytes) -> bytes:
    small = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1])
    start = small.index(b"\xff\xc0") + 5
    small[start : start + 4] = struct.pack(">HH", 65_535, 65_535)
    return bytes(small)


def _marked(marker: Marker) -> Make:
    return lambda camera: camera.maker.grey(camera.options.width, camera.options.height, marker)


def _play_restart(marker: Marker) -> Callable[[SoakCamera, CameraState], Times]:
    return lambda camera, before: counted(camera, before, _marked(marker), "worker_restarts", "worker restarted")


def _play_hang(camera: SoakCamera, before: CameraState) -> Times:
    def send() -> Iterator[int]:
        picture = camera.maker.grey(camera.options.width, camera.options.height, Marker.HANG, is_answered=True)
        stamp_ns = camera.now_ns()
        camera.send(picture, stamp_ns)
        yield stamp_ns

    def holds(state: CameraState) -> bool:
        return state.level == ERROR and "inference has not returned" in state.message

    camera.tick()
    seen_s = camera.until_noticed(send, holds, within_s=HUNG_NS / 1e9 + SEEN_S)
    camera.send_for(max(0.0, HANG_S - (seen_s or 0.0)))
    return Times(seen_s=seen_s, over_s=camera.until_answered(5.0))


def _play_change(camera: SoakCamera, before: CameraState) -> Times:
    """Frames of another size and, where raw, another encoding; then the usual ones again."""
    width, height = camera.options.width, camera.options.height
    other = camera.random.choice(((width // 2, height // 2), (height, width), (width + 6, height)))
    encoding = "bgr8" if camera.plan.compressed else camera.random.choice(("bgr8", "rgb8", "mono8"))
    picture = camera.maker.noise(*other, seed=camera.random.getrandbits(32), encoding=encoding)
    began = time.monotonic()

    def holds(state: CameraState) -> bool:
        return (
            state.count("image_changes") > before.count("image_changes")
            and state.level == WARN
            and "image changed" in state.message
        )

    def send() -> None:
        camera.tick()
        camera.send(picture, camera.now_ns())

    state = camera.until(holds, since_s=began, timeout_s=5.0, doing=send)
    return Times(seen_s=None if state is None else state.came_s - began, over_s=camera.until_answered(5.0))


MESSAGE_FAULTS = (
    _fault("truncated message", _truncated, "malformed"),
    _fault("big-endian message", _big_endian, "big_endian"),
    _fault("height of zero", _with(height=0), "bad_size", fits=_raw),
    _fault("absurd width", _with(width=2**31, step=2**31), "bad_size", fits=_raw),
    _fault("fewer bytes than step x height", _short, "short_data", fits=_raw),
    _fault("encoding that nobody converts", _with(encoding="weird16"), "unknown_encoding", fits=_raw),
    _fault("JPEG cut off", _with_data(_cut), "corrupt_image", fits=_compressed),
    _fault(
        "bytes that are no image",
        _with_data(lambda camera, data: camera.random.randbytes(500)),
        "unknown_encoding",
        fits=_compressed,
    ),
    _fault("bomb: JPEG of 4 gigapixels", _with_data(_bomb), "bad_size", fits=_compressed),
    Fault(name="size or encoding changes under way", play=_play_change),
    _fault("model output NaN", _marked(Marker.NAN), "inference_failed"),
    _fault("model output infinite", _marked(Marker.INFINITE), "inference_failed"),
    _fault("one inference fails", _marked(Marker.DEVICE_ERROR), "inference_failed"),
    Fault(name="exception in a camera's worker", play=_play_restart(Marker.EXCEPTION)),
    Fault(name="SystemExit in a camera's worker", play=_play_restart(Marker.SYSTEM_EXIT)),
    Fault(
        name="inference that does not return for 7 s",
        play=_play_hang,
        seen_within_s=HUNG_NS / 1e9 + SEEN_S,
        is_slow=True,
    ),
)
