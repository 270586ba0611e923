"""Runs a launch file as `ros2 launch FILE name:=value ...` does; needs only the packages launch and launch_ros."""

from __future__ import annotations

import sys

from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def main() -> int:
    """Exit code 1 where launch met an error."""
    file, *arguments = sys.argv[1:]
    source = PythonLaunchDescriptionSource(file)
    values = [tuple(argument.split(":=", maxsplit=1)) for argument in arguments]
    service = LaunchService(argv=arguments)
    service.include_launch_description(LaunchDescription([IncludeLaunchDescription(source, launch_arguments=values)]))
    return int(service.run())


if __name__ == "__main__":
    sys.exit(main())
