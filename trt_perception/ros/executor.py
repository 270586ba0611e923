"""Runs the node's callbacks until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

POLL_S = 0.2
"""Longest time until a stop is noticed. EventsExecutor must not wait without end: it would not wake up any more."""


def make_executor() -> Any:
    """An EventsExecutor where the distribution has it (it costs the least per image), else a SingleThreadedExecutor.

    Never a MultiThreadedExecutor: it loses images.
    """
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()


def spin(node: Node, *, is_stopped: Callable[[], bool]) -> None:
    """Run the node's callbacks until `is_stopped` says so, or ROS is shut down from outside."""
    executor = make_executor()
    executor.add_node(node)
    never: Future[None] = Future()
    try:
        while rclpy.ok() and not is_stopped():
            executor.spin_until_future_complete(never, POLL_S)
    except ExternalShutdownException:
        pass
    finally:
        executor.remove_node(node)
        executor.shutdown()
