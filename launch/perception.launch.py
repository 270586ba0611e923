"""The perception node on live cameras.

ros2 launch trt_perception perception.launch.py config:=/path/to/perception.yaml

`ros2 launch trt_perception perception.launch.py --show-args` lists the arguments. Every argument can also be given by a
launch file that includes this one; a namespace that it has pushed is put before `namespace`.
"""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

from launch import EventHandler, LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    PopEnvironment,
    PopLaunchConfigurations,
    PushEnvironment,
    PushLaunchConfigurations,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessExited, ProcessStarted, ShutdownProcess
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.ros_adapters import get_ros_node
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import GetState

from trt_perception.errors import ConfigError, InputError, PerceptionError
from trt_perception.ros.dds_profile import dds_environment
from trt_perception.runtime.backend import BackendKind
from trt_perception.settings.build_command import build_command
from trt_perception.settings.load_settings import load_settings
from trt_perception.settings.perception_settings import PerceptionSettings

PACKAGE = "trt_perception"

# Not auto: a car must not fall to the CPU in silence.
BACKENDS = (BackendKind.TENSORRT.value, BackendKind.ONNXRUNTIME.value)

_ANSWER_S = 0.5
"""How long an answer to one request for the node's state may take."""

ARGUMENTS = (
    DeclareLaunchArgument("config", description="Path of the perception config: cameras, models, pipelines (YAML)."),
    DeclareLaunchArgument("name", default_value="perception", description="Name of the node."),
    DeclareLaunchArgument(
        "namespace", default_value="", description="Namespace of the node and its topics. Empty: the including file's."
    ),
    DeclareLaunchArgument(
        "image_namespace",
        default_value="",
        description="Namespace of the image topics where it is not the node's, e.g. /sensing/camera for "
        "/sensing/camera/<camera>/image_raw. A camera whose `topic` in the config is absolute keeps it.",
    ),
    DeclareLaunchArgument(
        "backend",
        default_value="",
        description="Runtime of the models in place of the config's: tensorrt, onnxruntime.",
    ),
    DeclareLaunchArgument(
        "build",
        default_value="false",
        description="Whether to build the TensorRT engines of the config's models first, where they are absent or not "
        "current. The node starts once they are there; where one cannot be built, the launch ends.",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        description="Who takes the node to active. true: the node itself. launch: this launch file asks for each "
        "transition, so that other launch files can act on them. false: nobody here; a lifecycle manager does. "
        "After a respawn true and launch bring the node back to active.",
    ),
    DeclareLaunchArgument(
        "respawn", default_value="true", description="Whether to start the node again when its process has ended."
    ),
    DeclareLaunchArgument("respawn_delay", default_value="2.0", description="Seconds until it is started again."),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="",
        description="Whether the node takes the time from /clock. Empty: as the including file has set it, else false.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value="",
        description="ROS parameter file (YAML) with more of the node's parameters, e.g. QoS overrides. "
        "What the other arguments set comes after it.",
    ),
    DeclareLaunchArgument(
        "drop_log", default_value="", description="File to which the node writes every dropped frame (JSON lines)."
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        description="Least severity that is logged: debug, info, warn, error; for one logger e.g. perception:=debug.",
    ),
    DeclareLaunchArgument(
        "dds_profile",
        default_value="",
        description="Fast DDS profile file of the node. Empty: the package's, with a shared-memory segment for large "
        "images, unless the environment names a profile or transports.",
    ),
)


def generate_launch_description() -> LaunchDescription:
    """The arguments, then the node; its config is checked before anything is started."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_launch_node)])


def _launch_node(context: LaunchContext) -> list[Action]:
    arguments = context.launch_configurations
    # What is wrong with the config is said here, once, and not by a node that dies and comes back.
    settings = load_settings(Path(arguments["config"]))
    autostart = _choice(arguments, "autostart", ("true", "false", "launch"))
    node = LifecycleNode(
        package=PACKAGE,
        executable="perception_node",
        name=arguments["name"],
        namespace=arguments["namespace"],
        parameters=_parameters(arguments, itself=autostart == "true"),
        remappings=_remappings(settings, arguments["image_namespace"]),
        ros_arguments=["--log-level", arguments["log_level"]],
        additional_env=_environment(arguments["dds_profile"]),
        respawn=_choice(arguments, "respawn", ("true", "false")) == "true",
        respawn_delay=_seconds(arguments, "respawn_delay"),
        output="screen",
        emulate_tty=True,
    )
    transitions = _Transitions(node).handlers() if autostart == "launch" else []
    actions = [*map(RegisterEventHandler, [_on_exit(node), *transitions]), node]
    backend = arguments["backend"] or settings.backend.value
    if _choice(arguments, "build", ("true", "false")) == "false" or backend != BackendKind.TENSORRT.value:
        return actions
    return _after_build(context, Path(arguments["config"]), actions)


def _after_build(context: LaunchContext, config: Path, actions: list[Action]) -> list[Action]:
    """The builder; and the actions once it is done, as if they had been taken now.

    By then the launch has left the group that includes this file: namespace, parameters and environment that the group
    has set are kept here, or the node would start without them.
    """
    builder = ExecuteProcess(cmd=build_command(config), name="build", output="screen")
    configurations, environment = dict(context.launch_configurations), dict(context.environment)

    def restore(context: LaunchContext) -> None:
        context.launch_configurations.update(configurations)
        context.environment.update(environment)

    def start(event: ProcessExited, context: LaunchContext) -> list[Action] | None:
        if context.is_shutdown:
            return None
        if event.returncode != 0:
            raise PerceptionError(
                f"engines could not be built (see above), code {event.returncode}: no node is started"
            )
        entered = [PushLaunchConfigurations(), PushEnvironment(), OpaqueFunction(function=restore)]
        return [*entered, *actions, PopEnvironment(), PopLaunchConfigurations()]

    return [RegisterEventHandler(OnProcessExit(target_action=builder, on_exit=start)), builder]


def _parameters(arguments: dict[str, str], *, itself: bool) -> list[str | dict[str, str | bool]]:
    """The user's parameter file, then what the arguments set; an argument left empty sets nothing."""
    parameters: dict[str, str | bool] = {"config": str(Path(arguments["config"]).expanduser().absolute())}
    parameters["autostart"] = itself
    if arguments["use_sim_time"]:
        parameters["use_sim_time"] = _choice(arguments, "use_sim_time", ("true", "false")) == "true"
    if arguments["backend"]:
        parameters["backend"] = _choice(arguments, "backend", BACKENDS)
    if arguments["drop_log"]:
        parameters["drop_log"] = str(Path(arguments["drop_log"]).expanduser().absolute())
    if not arguments["params_file"]:
        return [parameters]
    return [str(_file(arguments["params_file"], "params_file")), parameters]


def _remappings(settings: PerceptionSettings, namespace: str) -> list[tuple[str, str]]:
    topics = (camera.image_topic for camera in settings.cameras if namespace)
    return [(topic, f"{namespace.rstrip('/')}/{topic}") for topic in topics if not topic.startswith("/")]


def _environment(profile: str) -> dict[str, str]:
    return dds_environment(os.environ, _file(profile, "dds_profile") if profile else None)


def _choice(arguments: dict[str, str], name: str, choices: tuple[str, ...]) -> str:
    # Launch files written in Python pass on True and False as they print.
    value = arguments[name].lower()
    if value not in choices:
        raise ConfigError(f"launch argument {name}", f"expected {', '.join(choices)}, got {arguments[name]!r}")
    return value


def _seconds(arguments: dict[str, str], name: str) -> float:
    try:
        seconds = float(arguments[name])
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < 3600.0:
        raise ConfigError(f"launch argument {name}", f"expected seconds from 0 to 3600, got {arguments[name]!r}")
    return seconds


def _file(path: str, name: str) -> Path:
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise ConfigError(f"launch argument {name}", f"no file {file}")
    return file


def _on_exit(node: LifecycleNode) -> OnProcessExit:
    """A node that could not use its input is not started again: the same input would end it again."""

    def stop(event: ProcessExited, _: LaunchContext) -> list[Action] | None:
        if event.returncode != InputError.exit_code:
            return None
        message = f"{node.node_name} cannot use its input (see above) and is not started again: mend it and launch anew"
        return [LogInfo(msg=message), EmitEvent(event=ShutdownProcess(process_matcher=matches_action(node)))]

    return OnProcessExit(target_action=node, on_exit=stop)


class _Transitions:
    """Asks for configure once the node answers, and for activate once it is inactive; after a respawn again."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._pid = 0

    def handlers(self) -> list[EventHandler]:
        """The event handlers that do so."""
        on = partial(OnStateTransition, target_lifecycle_node=self._node)
        configure = "configuring"
        return [
            OnProcessStart(target_action=self._node, on_start=self._on_start),
            on(start_state=configure, goal_state="inactive", entities=[self._ask(Transition.TRANSITION_ACTIVATE)]),
            on(start_state=configure, goal_state="unconfigured", entities=[self._log("could not be configured")]),
            on(start_state="activating", goal_state="inactive", entities=[self._log("could not be activated")]),
            on(start_state="activating", goal_state="active", entities=[self._log("is active")]),
        ]

    def _ask(self, transition_id: int) -> EmitEvent:
        return EmitEvent(
            event=ChangeState(lifecycle_node_matcher=matches_action(self._node), transition_id=transition_id)
        )

    def _log(self, text: str) -> OpaqueFunction:
        return OpaqueFunction(function=lambda _: [LogInfo(msg=f"{self._node.node_name} {text}")])

    def _on_start(self, event: ProcessStarted, context: LaunchContext) -> None:
        self._pid = event.pid
        waiting = context.asyncio_loop.run_in_executor(None, self._configure_once_it_answers, context, event.pid)
        context.add_completion_future(waiting)

    def _configure_once_it_answers(self, context: LaunchContext, pid: int) -> None:
        """Ask for the node's state until it is told, then for configure.

        The services of a process that was killed stay known for the 20 s of the middleware's lease, and a request for
        configure that goes to them alone is never answered: launch would wait for ever. Once the new process has
        answered `get_state`, its `change_state`, which it announced before, is known too.
        """
        node = get_ros_node(context)
        client = node.create_client(GetState, f"{self._node.node_name}/get_state")
        try:
            while not context.is_shutdown and self._pid == pid:
                answered = threading.Event()
                response = client.call_async(GetState.Request())
                response.add_done_callback(lambda _, answered=answered: answered.set())
                if answered.wait(_ANSWER_S):
                    event = self._ask(Transition.TRANSITION_CONFIGURE).event
                    context.asyncio_loop.call_soon_threadsafe(context.emit_event_sync, event)
                    return
                client.remove_pending_request(response)
        finally:
            if not context.is_shutdown:
                node.destroy_client(client)
