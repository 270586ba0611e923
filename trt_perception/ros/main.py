"""Entry of the node's process: `ros2 run trt_perception perception_node --ros-args -p config:=FILE`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from trt_perception.errors import InputError, MissingError, PerceptionError
from trt_perception.ros.malloc import tune_malloc


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM.

    Args:
        arguments: ROS arguments. Default: the process's.

    Returns:
        0 after a signal, else the exit code of the error, which is one line on stderr.
    """
    tune_malloc()  # before anything allocates
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(list(arguments))
    except PerceptionError as error:
        print(f"perception: {error}", file=sys.stderr)
        return error.exit_code


def _run(arguments: list[str]) -> int:
    _check_packages()
    import rclpy
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args

    from trt_perception.ros.executor import spin
    from trt_perception.ros.perception_node import PerceptionNode

    # rclpy's own handlers shut the context down, and with it what deactivating the node needs.
    stop = _StopSignal()
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise InputError(f"ROS arguments cannot be used: {error}") from error
    try:
        unknown = remove_ros_args(args=arguments)
        if unknown:
            raise InputError(
                f"unknown argument {unknown[0]!r}; the node takes ROS arguments only: --ros-args -p config:=FILE"
            )
        node = PerceptionNode()
        try:
            if not node.autostart():
                return node.last_error.exit_code if node.last_error else 1
            spin(node, is_stopped=stop.is_set)
            node.shut_down()
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
        stop.restore()
    return 0


class _StopSignal:
    """Set by SIGINT and SIGTERM, where this is the main thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._previous = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)

    def is_set(self) -> bool:
        return self._event.is_set()

    def restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._event.set()


def _check_packages() -> None:
    """Name the ROS package that is missing, with what installs it."""
    for package in ("rclpy", "sensor_msgs", "diagnostic_msgs", "std_srvs", "vision_msgs"):
        try:
            __import__(package)
        except ImportError as error:
            name = package.replace("_", "-")
            raise MissingError(
                f"the ROS package {package} is not here ({error})",
                f"source the ROS distribution and `apt install ros-$ROS_DISTRO-{name}`, or see `trt-perception doctor`",
            ) from error


if __name__ == "__main__":
    sys.exit(main())
