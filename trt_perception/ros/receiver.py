"""A receiver: a process that takes the images of several cameras from the middleware and puts them into rings.

    python -m trt_perception.ros.receiver PLAN

The node starts it and tells it on its control socket what to subscribe to. It judges nothing: messages go into the ring
as they came, and what could not go is told with its stamp. It ends when the node's end of the socket is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from trt_perception.errors import DropReason, FrameError
from trt_perception.ingest.message_stamp import message_stamp
from trt_perception.ingest.payload_offset import payload_offset
from trt_perception.ingest.ring_writer import RingWriter
from trt_perception.ingest.token import UNKNOWN_STAMP
from trt_perception.ros.malloc import tune_malloc
from trt_perception.ros.receiver_plan import COMPRESSED_HEADROOM, CameraRing, ReceiverPlan, pack, unpack

PACKET_BYTES = 1 << 16
MAX_NOTES = 65_536
"""Drops that wait until the node listens again; older ones are forgotten."""


class Receiver:
    """One process's cameras.

    Args:
        plan: What it is told.
        node: Its ROS node.
    """

    def __init__(self, plan: ReceiverPlan, node: Any) -> None:
        self._node = node
        self._rings = {camera.name: camera for camera in plan.cameras}
        self._writers = {camera.name: _make_writer(camera) for camera in plan.cameras}
        self._subscriptions: list[Any] = []
        self._notes: deque[bytes] = deque(maxlen=MAX_NOTES)
        self._control = socket.socket(fileno=plan.control)
        self._control.setblocking(False)

    def tend(self) -> bool:
        """Say that it lives, do what the node says; whether the node is gone. Called several times a second."""
        with contextlib.suppress(OSError):  # a node that does not listen now, or is gone
            self._control.send(pack("alive", cpu_ns=time.process_time_ns()))
        self._send_notes()
        try:
            while packet := self._control.recv(PACKET_BYTES):
                self._subscribe(unpack(packet)["cameras"])
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True

    def receive(self, camera: str, data: bytes) -> None:
        """Take one serialized message."""
        received_ns = time.monotonic_ns()
        ring = self._rings[camera]
        stamp_ns = message_stamp(data)
        try:
            replaced = self._writers[camera].write(
                data,
                payload_offset=payload_offset(data, compressed=ring.is_compressed),
                received_ns=received_ns,
                stamp_ns=stamp_ns,
            )
        except FrameError as error:
            self._note(camera, stamp_ns, error.reason, str(error))
            return
        for token in replaced:
            self._note(camera, token.stamp_ns, DropReason.REPLACED, "")

    def _note(self, camera: str, stamp_ns: int, reason: DropReason, problem: str) -> None:
        """Tell the node of a message that it will not get."""
        stamp = None if stamp_ns == UNKNOWN_STAMP else stamp_ns
        self._notes.append(pack("dropped", camera=camera, stamp_ns=stamp, reason=reason.value, problem=problem))
        self._send_notes()

    def _send_notes(self) -> None:
        with contextlib.suppress(OSError):  # as above
            while self._notes:
                self._control.send(self._notes[0])
                self._notes.popleft()

    def _subscribe(self, cameras: Mapping[str, Mapping[str, Any]]) -> None:
        """Subscribe to exactly these."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = [
            self._make_subscription(name, wanted["topic"], wanted["qos"]) for name, wanted in cameras.items()
        ]

    def _make_subscription(self, camera: str, topic: str, qos: Mapping[str, Any]) -> Any:
        from sensor_msgs.msg import CompressedImage, Image

        from trt_perception.ros.quality_of_service import unpack_profile

        def take(data: bytes) -> None:
            self.receive(camera, data)

        kind = CompressedImage if self._rings[camera].is_compressed else Image
        return self._node.create_subscription(kind, topic, take, unpack_profile(qos), raw=True)


def _make_writer(camera: CameraRing) -> RingWriter:
    headroom = COMPRESSED_HEADROOM if camera.is_compressed else 1.0
    return RingWriter(camera.ends, headroom=headroom, slots=camera.slots)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Receive until the node is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the node, not before it
    tune_malloc()
    (text,) = sys.argv[1:] if arguments is None else arguments
    plan = ReceiverPlan.from_json(text)
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from trt_perception.ros.collector import spare_long_lived
    from trt_perception.ros.executor import spin

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(plan.node, namespace=plan.namespace, enable_rosout=False, start_parameter_services=False)
    receiver = Receiver(plan, node)
    spare_long_lived()
    spin(node, is_stopped=receiver.tend)
    node.destroy_node()  # senders are told at once; one that was killed counts as a subscriber until its lease ends
    rclpy.try_shutdown()
    sys.stdout.flush()
    os._exit(0)  # what the middleware does after this takes half a second, for which the node would wait


if __name__ == "__main__":
    main()
