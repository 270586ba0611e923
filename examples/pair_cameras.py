"""Pairs the detections of several cameras by stamp: one set an instant, complete or with the names of what is missing.

    python3 examples/pair_cameras.py --ros-args -p cameras:="[front, back]" -p tolerance_ms:=20.0 -p deadline_ms:=200.0

Subscribes to <camera>/detections in its namespace and prints a JSON line a set. A starting point for a fusion node: it
needs rclpy and vision_msgs, nothing of this package.

Every array carries the stamp of its image, and an empty array says "looked, saw nothing". A camera from which nothing
has come by the deadline did not look; why, the diagnostics of the perception node say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from vision_msgs.msg import Detection2DArray


@dataclass
class StampSet:
    """What belongs to one instant.

    Args:
        stamp_ns: The first stamp that came.
        began_ns: Steady time of its arrival.
        arrays: By camera.
    """

    stamp_ns: int
    began_ns: int
    arrays: dict[str, Any] = field(default_factory=dict)


class StampPairing:
    """Puts arrays whose stamps differ by no more than a tolerance into one set; sets leave in order.

    Args:
        cameras: All cameras.
        tolerance_ns: Largest distance from a set's first stamp: below half the cameras' period, above their jitter.
        deadline_ns: Longest wait for the rest of a set. By the steady clock: stamps may be of another time.
    """

    def __init__(self, cameras: Sequence[str], *, tolerance_ns: int, deadline_ns: int) -> None:
        self.cameras = tuple(cameras)
        self._tolerance_ns = tolerance_ns
        self._deadline_ns = deadline_ns
        self._open: list[StampSet] = []

    def add(self, camera: str, stamp_ns: int, array: Any, now_ns: int) -> Iterator[StampSet]:
        """Take one array; gives the sets that are finished by it, and those before them, complete or not."""
        near = [one for one in self._open if abs(one.stamp_ns - stamp_ns) <= self._tolerance_ns]
        fitting = [one for one in near if camera not in one.arrays]
        if fitting:
            chosen = min(fitting, key=lambda one: abs(one.stamp_ns - stamp_ns))
        else:
            chosen = StampSet(stamp_ns=stamp_ns, began_ns=now_ns)
            self._open.append(chosen)
            self._open.sort(key=lambda one: one.stamp_ns)
        chosen.arrays[camera] = array
        if len(chosen.arrays) == len(self.cameras):
            yield from self._leave(self._open.index(chosen) + 1)

    def expire(self, now_ns: int) -> Iterator[StampSet]:
        """The sets that have waited too long, and those before them. Call it several times within a deadline."""
        late = [index for index, one in enumerate(self._open) if now_ns - one.began_ns >= self._deadline_ns]
        if late:
            yield from self._leave(late[-1] + 1)

    def _leave(self, count: int) -> Iterator[StampSet]:
        leaving, self._open = self._open[:count], self._open[count:]
        yield from leaving


class PairCameras(Node):
    """Prints the sets."""

    def __init__(self) -> None:
        super().__init__("pair_cameras")
        cameras = self.declare_parameter("cameras", ["front", "back"]).value
        tolerance_ms = self.declare_parameter("tolerance_ms", 20.0).value
        deadline_ms = self.declare_parameter("deadline_ms", 200.0).value
        self._pairing = StampPairing(
            cameras, tolerance_ns=round(tolerance_ms * 1e6), deadline_ns=round(deadline_ms * 1e6)
        )
        # Reliable, as the results are sent; depth enough for a moment in which this process is late.
        for camera in cameras:
            self.create_subscription(Detection2DArray, f"{camera}/detections", partial(self._take, camera), 10)
        # A timer of ROS time would stand still with a bag that is paused.
        self.create_timer(deadline_ms / 4000, self._expire, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _take(self, camera: str, array: Any) -> None:
        stamp_ns = array.header.stamp.sec * 1_000_000_000 + array.header.stamp.nanosec
        for one in self._pairing.add(camera, stamp_ns, array, time.monotonic_ns()):
            self._use(one)

    def _expire(self) -> None:
        for one in self._pairing.expire(time.monotonic_ns()):
            self._use(one)

    def _use(self, one: StampSet) -> None:
        """Here fusion begins: `one.arrays[camera].detections` are boxes in pixels of that camera's image."""
        objects = {camera: len(array.detections) for camera, array in one.arrays.items()}
        missing = [camera for camera in self._pairing.cameras if camera not in one.arrays]
        print(json.dumps({"stamp_ns": one.stamp_ns, "objects": objects, "missing": missing}), flush=True)


def main() -> None:
    """Run until Control-C."""
    rclpy.init()
    node = PairCameras()
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
