"""A ROS node inside the test process that listens, publishes and calls services, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.task import Future


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 20.0, what: str = "condition") -> None:
    """Wait for what another thread or process brings about."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {timeout_s} s"
        time.sleep(0.01)


def stamp_of(header: Any) -> int:
    """Nanoseconds of a header's stamp."""
    return int(header.stamp.sec * 1_000_000_000 + header.stamp.nanosec)


class Listener:
    """What came on one topic, in order."""

    def __init__(self, message_type: Any) -> None:
        self.subscription: Any = None
        self._type = message_type
        self._data: list[bytes] = []

    def __call__(self, data: bytes) -> None:
        self._data.append(data)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def messages(self) -> list[Any]:
        """All messages so far."""
        return [deserialize_message(data, self._type) for data in list(self._data)]

    def clear(self) -> None:
        """Forget what came."""
        self._data.clear()

    def find(self, stamp_ns: int) -> Any:
        """The message whose header has that stamp; None where it has not come."""
        for message in self.messages:
            if stamp_of(message.header) == stamp_ns:
                return message
        return None

    def wait(self, count: int = 1, *, timeout_s: float = 20.0) -> list[Any]:
        """The messages, once there are that many."""
        wait_until(lambda: len(self) >= count, timeout_s=timeout_s, what=f"{count} {self._type.__name__} messages")
        return self.messages


class RosProbe:
    """Use it as a context manager; ROS is initialised for as long as it is open."""

    def __enter__(self) -> RosProbe:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = Node("probe", context=self.context, enable_rosout=False, start_parameter_services=False)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._stopping = False
        self._thread = threading.Thread(target=self._spin, name="ros_probe")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)

    def _spin(self) -> None:
        while not self._stopping:
            self._executor.spin_once(timeout_sec=0.05)

    def listen(self, message_type: Any, topic: str, *, latched: bool = False, depth: int = 100) -> Listener:
        """Subscribe reliably."""
        listener = Listener(message_type)
        profile = QoSProfile(
            depth=depth,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        listener.subscription = self.node.create_subscription(message_type, topic, listener, profile, raw=True)
        return listener

    def stop_listening(self, listener: Listener) -> None:
        """Unsubscribe."""
        self.node.destroy_subscription(listener.subscription)

    def advertise(self, message_type: Any, topic: str, *, wait: bool = True) -> Any:
        """A publisher that, unless told otherwise, somebody subscribes to already."""
        publisher = self.node.create_publisher(message_type, topic, 10)
        if wait:
            wait_until(lambda: publisher.get_subscription_count() > 0, what=f"a subscriber of {topic}")
        return publisher

    @staticmethod
    def ask(publisher: Any, message_of: Callable[[int], Any], *listeners: Listener, again_s: float = 1.0) -> list[Any]:
        """Send a message, and a newer one every `again_s`, until all listeners have the answer to one of them.

        Once is not enough: that our publisher has found its subscriber says nothing of the other's publishers, which
        may not have found our listeners yet, and a best-effort message may be lost.

        Args:
            publisher: Where it goes.
            message_of: Makes the message with that stamp, ns.
            listeners: Where the answers, whose headers have the same stamp, come.
            again_s: How long an answer may take before the next message is sent, s.

        Returns:
            The answers, one of each listener, all to the same message.
        """
        answers: list[Any] = []

        def is_answered() -> bool:
            stamp_ns = time.time_ns()
            publisher.publish(message_of(stamp_ns))
            end = time.monotonic() + again_s
            while time.monotonic() < end:
                answers[:] = [listener.find(stamp_ns) for listener in listeners]
                if all(answer is not None for answer in answers):
                    return True
                time.sleep(0.01)
            return False

        wait_until(is_answered, what="an answer of every listener")
        return answers

    def call(self, service_type: Any, name: str, request: Any, *, timeout_s: float = 20.0) -> Any:
        """The response of a service."""
        client = self.node.create_client(service_type, name)
        try:
            assert client.wait_for_service(timeout_sec=timeout_s), f"no service {name}"
            future: Future[Any] = client.call_async(request)
            wait_until(future.done, timeout_s=timeout_s, what=f"a response of {name}")
            return future.result()
        finally:
            self.node.destroy_client(client)

    def change_state(self, node: str, transition: int) -> bool:
        """One lifecycle transition of a node; whether it succeeded."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, f"{node}/change_state", request).success)

    def state(self, node: str) -> str:
        """The lifecycle state of a node."""
        from lifecycle_msgs.srv import GetState

        return str(self.call(GetState, f"{node}/get_state", GetState.Request()).current_state.label)

    def set_parameters(self, node: str, *, atomically: bool = False, **values: Any) -> list[tuple[bool, str]]:
        """Set parameters, dots in their names written as two underscores; whether each was taken, and why not."""
        from rcl_interfaces.srv import SetParameters, SetParametersAtomically

        parameters = [
            Parameter(name.replace("__", "."), value=value).to_parameter_msg() for name, value in values.items()
        ]
        if atomically:
            service, request = SetParametersAtomically, SetParametersAtomically.Request(parameters=parameters)
            result = self.call(service, f"{node}/set_parameters_atomically", request).result
            return [(result.successful, result.reason)]
        results = self.call(
            SetParameters, f"{node}/set_parameters", SetParameters.Request(parameters=parameters)
        ).results
        return [(result.successful, result.reason) for result in results]
