"""Entry of the node's process: `ros2 run trt_perception perception_node --ros-args -p config:=FILE`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

from trt_perception.errors import DeviceError, InputError, MissingError, PerceptionError
from trt_perception.ros.malloc import tune_malloc
from trt_perception.runtime.gpu_watch import GpuWatch


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
    with _StopSignal() as stop, GpuWatch(_end_process):
        try:
            return _run_node(arguments, stop)
        except Interrupted:
            return 0


def _run_node(arguments: list[str], stop: _StopSignal) -> int:
    _check_packages()
    import rclpy
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args

    from trt_perception.ros.dds_profile import dds_environment
    from trt_perception.ros.executor import spin
    from trt_perception.ros.perception_node import PerceptionNode

    os.environ.update(dds_environment(os.environ))  # the node is the sender of its masks and pictures
    try:
        # rclpy's own handlers shut the context down, and with it what deactivating the node needs.
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
            stop.wait_to_be_asked()
            spin(node, is_stopped=lambda: stop.is_set() or node.lost_device is not None)
            if node.lost_device is not None:
                _end_process(node.lost_device)
            node.shut_down()
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0


def _end_process(error: DeviceError) -> NoReturn:
    """End at once. Freeing what is on a device that fails every call may hang, and the system frees it all anyway."""
    print(f"perception: {error}; ending, so that launch starts it again", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(error.exit_code)


class Interrupted(BaseException):
    """A signal came while models were loaded, which may take long and must not hold up the end."""


class _StopSignal:
    """Set by SIGINT and SIGTERM, where this is the main thread. The first raises `Interrupted`, until told not to."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._raises = True
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _StopSignal:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        # Under launch Control-C comes twice, from the terminal and from launch: the second must not kill the process
        # while it ends. Python itself would put the default back for any handler of ours.
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_IGN if self.is_set() else handler)

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self._event.is_set()

    def wait_to_be_asked(self) -> None:
        """From here on a signal is only noted."""
        self._raises = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._event.set()
        raises, self._raises = self._raises, False
        if raises:
            raise Interrupted


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
