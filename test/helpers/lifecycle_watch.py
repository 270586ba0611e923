"""A node's lifecycle state, asked over the network as a manager asks."""

from __future__ import annotations

import time
from types import TracebackType

import rclpy
from lifecycle_msgs.srv import GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node


class LifecycleWatch:
    """Asks one node for its state. A process that was killed leaves services behind, so questions have deadlines."""

    def __init__(self, node_name: str, *, domain_id: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self._node = Node("lifecycle_watch", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._client = self._node.create_client(GetState, f"{node_name}/get_state")

    def state(self, *, timeout_s: float = 1.0) -> str:
        """The state's label, e.g. ``active``; empty where nobody answers in time."""
        future = self._client.call_async(GetState.Request())
        self._executor.spin_until_future_complete(future, timeout_sec=timeout_s)
        return str(future.result().current_state.label) if future.done() else ""

    def wait_for(self, label: str, *, timeout_s: float = 30.0) -> None:
        """Wait until the node is in that state."""
        end = time.monotonic() + timeout_s
        while (state := self.state()) != label:
            if time.monotonic() > end:
                raise AssertionError(f"expected state {label!r} within {timeout_s} s, got {state!r}")
            time.sleep(0.1)

    def __enter__(self) -> LifecycleWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()
