"""Publishes the state of node and cameras to /diagnostics, once a second of the steady clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

from trt_perception.ros.camera_status import Status, judge_camera
from trt_perception.ros.counters import CounterSnapshot
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.ros.perception_system import PerceptionSystem

PERIOD_S = 1.0
HISTORY = 11
"""Snapshots that are kept: what happened in the last ten seconds is judged."""


class Diagnostics:
    """A timer and a publisher; they work in every lifecycle state.

    Args:
        node: The node.
        system: Gives what exists between configure and cleanup; None at other times.
        node_status: Gives the status of the node itself.
    """

    def __init__(
        self, node: Any, *, system: Callable[[], PerceptionSystem | None], node_status: Callable[[], Status]
    ) -> None:
        self._node = node
        self._system = system
        self._node_status = node_status
        self._history: dict[str, deque[CounterSnapshot]] = {}
        self._said: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # Simulated time may stand still; diagnostics must not.
        self._timer = node.create_timer(PERIOD_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self) -> None:
        """Publish the state as it is now."""
        statuses = [self._message("node", self._node_status(), hardware_id="")]
        system = self._system()
        if system is None:
            self._history.clear()
        else:
            system.fault_log.flush(time.monotonic_ns())
            for camera, status in self._camera_statuses(system).items():
                statuses.append(self._message(camera, status, hardware_id=camera))
        array = DiagnosticArray(status=statuses)
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _tick(self) -> None:
        try:
            self.publish()
        except Exception as error:  # an exception in a callback would end the executor, and every camera with it
            self._node.get_logger().error(f"diagnostics failed: {error}", throttle_duration_sec=10.0)

    def _camera_statuses(self, system: PerceptionSystem) -> Mapping[str, Status]:
        now_ns = time.monotonic_ns()
        statuses = {}
        for name, channel in system.channels.items():
            snapshot = channel.snapshot(now_ns)
            history = self._history.setdefault(name, deque(maxlen=HISTORY))
            subscription = system.subscriptions.get(name)
            publishers = subscription.publishers if subscription else ImagePublishers()
            self._say_once(name, publishers.problem)
            statuses[name] = judge_camera(
                snapshot,
                history[0] if history else None,
                now_ns=now_ns,
                topic=subscription.topic if subscription else "",
                publishers=publishers,
            )
            history.append(snapshot.counters)
        return statuses

    def _say_once(self, camera: str, problem: str) -> None:
        """Log what is wrong with a camera's publishers when it begins, not every second."""
        if problem and problem != self._said.get(camera):
            self._node.get_logger().warning(f"camera {camera}: {problem}")
        self._said[camera] = problem

    def _message(self, name: str, status: Status, *, hardware_id: str) -> Any:
        return DiagnosticStatus(
            level=bytes([status.level]),
            name=f"{self._node.get_name()}: {name}",
            message=status.message,
            hardware_id=hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in status.values.items()],
        )
