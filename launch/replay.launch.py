"""The perception node on a recorded bag, in the bag's own time.

ros2 launch trt_perception replay.launch.py config:=/path/to/perception.yaml bag:=/path/to/bag

The bag starts when the node is active, so that its first images are seen; when it has ended, the node gets a moment
for its last results, and everything stops. To measure rather than to watch, use `trt-perception validate`: it reads the
bag itself and answers every frame, where a replay drops frames that come faster than they are processed.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from launch import Event, EventHandler, LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import LifecycleNode
from launch_ros.events.lifecycle import StateTransition

from trt_perception.errors import ConfigError, PerceptionError
from trt_perception.ros.dds_profile import dds_environment
from trt_perception.settings.load_settings import load_settings

PACKAGE = "trt_perception"

NODE = Path(__file__).with_name("perception.launch.py")

# Launch takes the node to active, because it has to know when the bag may start; a node that ends, ends the replay.
FIXED = {"autostart": "launch", "respawn": "false", "use_sim_time": "true"}

ARGUMENTS = (
    DeclareLaunchArgument("bag", description="Path of the bag: its folder, or its .mcap or .db3 file."),
    DeclareLaunchArgument("rate", default_value="1.0", description="How many times as fast as recorded it is played."),
    DeclareLaunchArgument("loop", default_value="false", description="Whether to play it again and again."),
    DeclareLaunchArgument(
        "topics",
        default_value="",
        description="Topics to play, separated by blanks. Empty: all of them. Name the image topics alone where the "
        "bag also holds results that the node publishes anew.",
    ),
    DeclareLaunchArgument(
        "player",
        default_value="auto",
        description="What plays the bag. ros2: `ros2 bag play`. trt-perception: `trt-perception play`, which needs no "
        "rosbag2. auto: ros2 where it is installed.",
    ),
    DeclareLaunchArgument(
        "finish_s",
        default_value="2.0",
        description="Seconds for the last results between the bag's end and the node's.",
    ),
)

DISCOVERY_S = 4.0
"""How long a player waits before the first message, so that the node finds its topics, and a recorder the node's.
Mostly they do in less than a second; where the middleware's first announcement was lost, at the next one, after 3 s."""

WAIT_S = 30.0
"""How long `trt-perception play` waits at most for the node's subscriptions; `ros2 bag play` cannot wait for them."""


def generate_launch_description() -> LaunchDescription:
    """The arguments of the bag and of the node, then both."""
    node = PythonLaunchDescriptionSource(str(NODE)).try_get_launch_description_without_context()
    node_arguments = (argument for argument in node.get_launch_arguments() if argument.name not in FIXED)
    return LaunchDescription([*node_arguments, *ARGUMENTS, OpaqueFunction(function=_launch_replay)])


def _launch_replay(context: LaunchContext) -> list[Action]:
    arguments = context.launch_configurations
    replay = _Replay(
        player=_player(arguments), loop=_is_true(arguments, "loop"), finish_s=_number(arguments, "finish_s")
    )
    # What the included file requires has to be given by name; the others it finds among the launch configurations.
    node_arguments = {"config": arguments["config"], **FIXED}
    node = IncludeLaunchDescription(PythonLaunchDescriptionSource(str(NODE)), launch_arguments=node_arguments.items())
    return [*map(RegisterEventHandler, replay.handlers()), node]


def _player(arguments: dict[str, str]) -> ExecuteProcess:
    bag = Path(arguments["bag"]).expanduser().absolute()
    if not bag.exists():
        raise ConfigError("launch argument bag", f"no bag {bag}")
    player = arguments["player"]
    if player == "auto":
        player = "ros2" if find_spec("ros2bag") else "trt-perception"
    loop = _is_true(arguments, "loop")
    if player == "ros2":
        command = ["ros2", "bag", "play", str(bag), "--clock", "100", "--disable-keyboard-controls"]
        command += ["--loop"] if loop else []
    elif player == "trt-perception":
        command = [sys.executable, "-m", "trt_perception.cli.main", "play", str(bag), "--clock"]
        command += ["--wait", str(WAIT_S), "--wait-for", *_image_topics(arguments)]
    else:
        raise ConfigError("launch argument player", f"expected auto, ros2, trt-perception, got {player!r}")
    command += ["--delay", str(DISCOVERY_S), "--rate", str(_number(arguments, "rate"))]
    command += ["--topics", *shlex.split(arguments["topics"])] if arguments["topics"] else []
    # The shared-memory segment that carries large images is the sender's.
    profile = Path(arguments["dds_profile"]).expanduser().absolute() if arguments["dds_profile"] else None
    return ExecuteProcess(
        cmd=command,
        name="player",
        additional_env=dds_environment(os.environ, profile),
        output="screen",
        # `trt-perception play` plays once: the next round is a new process.
        respawn=loop and player == "trt-perception",
    )


def _image_topics(arguments: dict[str, str]) -> list[str]:
    """The topics to which the node will subscribe."""
    topics = [camera.image_topic for camera in load_settings(Path(arguments["config"])).cameras]
    # From the inside to the outside, as ROS resolves them; what is absolute already stays as it is.
    namespaces = (arguments["image_namespace"], arguments["namespace"], arguments.get("ros_namespace", ""), "/")
    for namespace in filter(None, namespaces):
        topics = [topic if topic.startswith("/") else f"{namespace.rstrip('/')}/{topic}" for topic in topics]
    return topics


def _number(arguments: dict[str, str], name: str) -> float:
    try:
        number = float(arguments[name])
    except ValueError:
        number = 0.0
    if not 0.0 < number < 1e4:
        raise ConfigError(f"launch argument {name}", f"expected a number above 0, got {arguments[name]!r}")
    return number


def _is_true(arguments: dict[str, str], name: str) -> bool:
    value = arguments[name].lower()
    if value not in ("true", "false"):
        raise ConfigError(f"launch argument {name}", f"expected true or false, got {arguments[name]!r}")
    return value == "true"


class _Replay:
    """Starts the player when the node is active; ends everything when the player has ended, or the node has failed."""

    def __init__(self, *, player: ExecuteProcess, loop: bool, finish_s: float) -> None:
        self._player = player
        self._loop = loop
        self._finish_s = finish_s

    def handlers(self) -> list[EventHandler]:
        """The event handlers that do so."""
        return [
            EventHandler(matcher=_is_active, entities=[self._player], handle_once=True),
            EventHandler(matcher=_has_failed, entities=[OpaqueFunction(function=_end_without_node)]),
            OnProcessExit(target_action=self._player, on_exit=self._on_player_exit),
        ]

    def _on_player_exit(self, event: ProcessExited, context: LaunchContext) -> list[Action] | None:
        if context.is_shutdown:
            return None
        if event.returncode != 0:
            raise PerceptionError(f"the bag was not played to its end: the player ended with code {event.returncode}")
        if self._loop:
            return None
        end = EmitEvent(event=Shutdown(reason="the bag has ended"))
        return [
            LogInfo(msg=f"the bag has ended; {self._finish_s:g} s for the last results"),
            TimerAction(period=self._finish_s, actions=[end]),
        ]


def _is_ours(event: Event) -> bool:
    return isinstance(event.action, LifecycleNode) and event.action.node_package == PACKAGE


def _is_active(event: Event) -> bool:
    return isinstance(event, StateTransition) and _is_ours(event) and event.goal_state == "active"


def _has_failed(event: Event) -> bool:
    """Whether the node has ended, or has come back from where it was sent."""
    if isinstance(event, ProcessExited):
        return _is_ours(event)
    if not isinstance(event, StateTransition) or not _is_ours(event):
        return False
    return event.goal_state == "errorprocessing" or (event.start_state, event.goal_state) in {
        ("configuring", "unconfigured"),
        ("activating", "inactive"),
    }


def _end_without_node(context: LaunchContext) -> None:
    if not context.is_shutdown:
        raise PerceptionError("the node failed (see above): the replay ends")
