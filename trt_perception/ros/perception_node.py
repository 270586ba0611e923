"""The lifecycle node: from image topics to results, configured and started by transitions."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from trt_perception.errors import DeviceError, PerceptionError
from trt_perception.ros.camera_status import Level, Status
from trt_perception.ros.collector import spare_long_lived, spare_nothing
from trt_perception.ros.diagnostics import Diagnostics
from trt_perception.ros.model_pool import BackendFactory, default_backend
from trt_perception.ros.parameters import Parameters
from trt_perception.ros.perception_system import PerceptionSystem
from trt_perception.ros.private_memory import private_memory_mb
from trt_perception.version import __version__


class PerceptionNode(LifecycleNode):  # type: ignore[misc]
    """Configure loads, allocates and warms up; activate publishes; deactivate, cleanup and shutdown take it back.

    A transition that fails logs one line and leaves the node as it was before.

    Args:
        name: The node's name.
        backend_factory: Makes the models' backends; benches and tests give their own.
        arguments: As rclpy's LifecycleNode takes them.
    """

    def __init__(
        self, name: str = "perception", *, backend_factory: BackendFactory = default_backend, **arguments: Any
    ) -> None:
        super().__init__(name, allow_undeclared_parameters=True, **arguments)
        self.last_error: PerceptionError | None = None
        self._backend_factory = backend_factory
        self._system: PerceptionSystem | None = None
        self._configured_count = 0
        self._is_finalized = False
        self._parameters_of_node = Parameters(self, on_change=self._publish_info)
        self._diagnostics = Diagnostics(self, system=lambda: self._system, node_status=self._status)

    @property
    def system(self) -> PerceptionSystem | None:
        """What exists between configure and cleanup; None at other times."""
        return self._system

    @property
    def lost_device(self) -> DeviceError | None:
        """Why only a new process can go on; None where all is well."""
        if isinstance(self.last_error, DeviceError) and self.last_error.is_sticky:
            return self.last_error
        return None if self._system is None else self._system.lost_device

    def autostart(self) -> bool:
        """Configure and activate, where the parameter `autostart` says so; False where that failed."""
        if not self._parameters_of_node.options().autostart:
            return True
        success = TransitionCallbackReturn.SUCCESS
        return bool(self.trigger_configure() == success and self.trigger_activate() == success)

    def shut_down(self) -> None:
        """Make the transition to `finalized`, where it has not been made yet."""
        if not self._is_finalized:
            self.trigger_shutdown()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the config, load every model once, warm up, make the topics."""
        return self._transition(self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe, start the workers, publish."""
        super().on_activate(state)  # lets the publishers publish
        result = self._transition(self._activate)
        if result == TransitionCallbackReturn.SUCCESS:
            spare_long_lived()
        else:
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, stop the workers."""
        spare_nothing()
        result = self._transition(self._deactivate)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything."""
        return self._transition(self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, from whatever state."""
        self._is_finalized = True
        return self._transition(self._release)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, so that the node can be configured anew."""
        return self._transition(self._release)

    def destroy_node(self) -> None:
        """Release everything, then the node."""
        self._release()
        super().destroy_node()

    def _transition(self, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Run a transition; an expected error is one line, any other shows where it came from."""
        try:
            action()
        except PerceptionError as error:
            self.last_error = error
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            self.get_logger().error(f"unexpected exception\n{traceback.format_exc().rstrip()}")
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        self.last_error = None
        self._configured_count += 1
        options = self._parameters_of_node.options()
        system = PerceptionSystem(self, options, backend_factory=self._backend_factory, version=self._configured_count)
        system.open()
        try:
            self._parameters_of_node.open(system.models, system.settings.pipelines)
        except BaseException:
            self._parameters_of_node.close()
            system.close()
            raise
        self._system = system
        runtimes = ", ".join(f"{model}: {name}" for model, name in system.models.backend_names.items())
        self.get_logger().info(f"configured {len(system.channels)} cameras from {options.config} ({runtimes})")
        for warning in system.models.warnings:
            self.get_logger().warning(warning)

    def _activate(self) -> None:
        if self._system is not None:
            try:
                self._system.start()
            except BaseException:
                self._system.stop()
                raise
            self.get_logger().info("active")

    def _deactivate(self) -> None:
        if self._system is not None:
            self._system.stop()

    def _publish_info(self) -> None:
        if self._system is not None and self._system.subscriptions:
            self._system.publish_info()

    def _release(self) -> None:
        spare_nothing()
        system, self._system = self._system, None
        self._parameters_of_node.close()
        if system is not None:
            system.close()

    def _status(self) -> Status:
        """The node's own line of diagnostics."""
        system = self._system
        if system is None:
            level, message = (Level.ERROR, str(self.last_error)) if self.last_error else (Level.OK, "not configured")
        else:
            level, message = Level.OK, "active" if system.subscriptions else "configured, not active"
            if system.drop_log is not None and system.drop_log.problem:
                level, message = Level.WARN, f"{message}; drop log: {system.drop_log.problem}, see drop_log_lost"
            elif advised := system.advised_receivers:
                level, message = Level.WARN, f"{message}; more images than one process takes: {_advice(advised)}"
        values = {"version": __version__, "memory_mb": f"{private_memory_mb():.0f}"}
        if system is not None:
            values["config"] = str(Path(self._parameters_of_node.options().config).absolute())
            values["backend"] = system.settings.backend.value
            values.update({f"model {name}": text for name, text in system.models.backend_names.items()})
            values["image_mb_per_s"] = f"{system.image_mb_per_s:.0f}"
            values["cameras"] = ", ".join(system.channels)
            values.update({} if system.receivers is None else system.receivers.states)
            if system.drop_log is not None:
                values["drop_log_lost"] = str(system.drop_log.lost_count)
        return Status(level=level, message=message, values=values)


def _advice(receivers: int) -> str:
    return f"set `ingest: {{receivers: {receivers}}}` in the config, see docs/ingest.md"
