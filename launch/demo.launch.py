"""The demo under ROS: a synthetic drive is drawn, then played in its own time to the perception node.

ros2 launch trt_perception demo.launch.py

Meanwhile `ros2 topic echo /front/detections`, or rviz2 on /front/debug_image, shows what the node finds.
`trt-perception demo` plays the same drive and leaves pictures, a video and a report with the accuracy.
"""

from __future__ import annotations

import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource

from trt_perception.errors import PerceptionError

REPLAY = Path(__file__).with_name("replay.launch.py")

# What follows from the drive.
FIXED = ("config", "bag")

ARGUMENTS = (
    DeclareLaunchArgument("model", default_value="", description="The model's YAML or ONNX. Empty: the demo's own."),
    DeclareLaunchArgument("out", default_value="demo/out", description="Folder that gets the drive and the config."),
    DeclareLaunchArgument("seconds", default_value="20", description="Length of the drive."),
    DeclareLaunchArgument("rate_hz", default_value="4", description="Images a second and camera."),
    DeclareLaunchArgument("cameras", default_value="6", description="Cameras of the drive, 1 to 8."),
    DeclareLaunchArgument("seed", default_value="9500", description="Seed of the drive: another seed, another drive."),
    DeclareLaunchArgument(
        "condition",
        default_value="cycle",
        description="Light and weather: day, dusk, night, rain, fog, glare, or cycle.",
    ),
    DeclareLaunchArgument(
        "backend", default_value="onnxruntime", description="Runtime of the model: onnxruntime on the CPU, tensorrt."
    ),
)

OPTIONS = ("out", "seconds", "rate_hz", "cameras", "seed", "condition", "backend")


def generate_launch_description() -> LaunchDescription:
    """The arguments of the drive, those of the replay, then one after the other."""
    replay = PythonLaunchDescriptionSource(str(REPLAY)).try_get_launch_description_without_context()
    of_replay = (argument for argument in replay.get_launch_arguments() if argument.name not in FIXED)
    return LaunchDescription([*ARGUMENTS, *of_replay, OpaqueFunction(function=_launch_demo)])


def _launch_demo(context: LaunchContext) -> list[Action]:
    arguments = context.launch_configurations
    command = [sys.executable, "-m", "trt_perception.cli.main", "demo", "--prepare-only"]
    command += ["--model", arguments["model"]] if arguments["model"] else []
    for name in OPTIONS:
        command += [f"--{name.replace('_', '-')}", arguments[name]]
    prepare = ExecuteProcess(cmd=command, name="drive", output="screen")
    out = Path(arguments["out"]).absolute()

    def play(event: ProcessExited, context: LaunchContext) -> list[Action] | None:
        if context.is_shutdown:
            return None
        if event.returncode != 0:
            raise PerceptionError(f"the drive was not made (see above): code {event.returncode}")
        return [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(REPLAY)),
                launch_arguments={"config": str(out / "perception.yaml"), "bag": str(out / "drive")}.items(),
            )
        ]

    return [RegisterEventHandler(OnProcessExit(target_action=prepare, on_exit=play)), prepare]
