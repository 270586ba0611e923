"""`trt-perception run`: the perception node from a config file, without launch."""

from __future__ import annotations

import argparse
from pathlib import Path

from trt_perception.runtime.backend import BackendKind

NAME = "run"
SUMMARY = "run the perception node from a config file, without launch"
EXAMPLE = "trt-perception run config/perception_cpu.yaml --namespace /perception"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("config", type=Path, help="the perception config (YAML)")
    parser.add_argument(
        "--backend", choices=[kind.value for kind in BackendKind], help="run the models on this instead of the config's"
    )
    parser.add_argument("--namespace", default="/", help="ROS namespace of the node's topics (default: /)")
    parser.add_argument("--sim-time", action="store_true", help="take the time from /clock, as when replaying a bag")
    parser.add_argument("--drop-log", type=Path, help="write every dropped frame to this file, a JSON object a line")
    parser.add_argument("--no-autostart", action="store_true", help="stay unconfigured until a lifecycle manager acts")


def run(arguments: argparse.Namespace) -> int:
    """Check the config first, so that a mistake in it is shown before ROS starts; then spin until a signal."""
    from trt_perception.settings.load_settings import load_settings

    load_settings(arguments.config)
    parameters = {
        "config": str(arguments.config.absolute()),
        "autostart": str(not arguments.no_autostart).lower(),
        "use_sim_time": str(arguments.sim_time).lower(),
    }
    if arguments.backend:
        parameters["backend"] = arguments.backend
    if arguments.drop_log:
        parameters["drop_log"] = str(arguments.drop_log.absolute())
    from trt_perception.ros import main as ros_main

    ros_arguments = ["--ros-args", "-r", f"__ns:={arguments.namespace}"]
    for name, value in parameters.items():
        ros_arguments += ["-p", f"{name}:={value}"]
    return int(ros_main.main(ros_arguments))
