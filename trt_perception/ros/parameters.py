"""The node's ROS parameters: declared from the options' metadata, checked as a whole, applied while running."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.parameter import Parameter

from trt_perception.errors import ConfigError, PerceptionError
from trt_perception.ros.model_pool import ModelPool
from trt_perception.ros.node_options import NodeOptions
from trt_perception.settings.pipeline_settings import PipelineSettings
from trt_perception.thresholds import Thresholds

AS_SCORE = -1.0
"""Value of a class threshold that follows the pipeline's score threshold."""

QOS_PREFIX = "qos_overrides."
"""Parameters that rclpy declares for each topic."""

READ_ONCE = frozenset({"autostart"})

# Field of Thresholds by option of PipelineSettings, for the options that may change while the node runs.
_FIELDS = {"score_threshold": "score", "nms_iou": "nms_iou", "max_detections": "max_detections"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Target:
    """What a parameter sets: a field of a pipeline's thresholds, or the threshold of one label."""

    pipeline: str
    field: str = ""
    label: str = ""


class Parameters:
    """Declares the node's parameters, and passes changed thresholds on to the pipelines.

    Args:
        node: The node; its static parameters are declared at once.
        on_change: Called when thresholds have changed.
    """

    def __init__(self, node: Any, *, on_change: Callable[[], object]) -> None:
        self._node = node
        self._on_change = on_change
        self._models: ModelPool | None = None
        self._targets: dict[str, _Target] = {}
        self._declaring = ""
        for field in dataclasses.fields(NodeOptions):
            descriptor = _descriptor(field.metadata, read_only=field.name in READ_ONCE)
            node.declare_parameter(field.name, field.default, descriptor)
        node.add_on_set_parameters_callback(self._on_set)

    def options(self) -> NodeOptions:
        """The node's options as they are set now."""
        return NodeOptions(
            **{field.name: self._node.get_parameter(field.name).value for field in dataclasses.fields(NodeOptions)}
        )

    def open(self, models: ModelPool, pipelines: Sequence[PipelineSettings]) -> None:
        """Declare the thresholds of every pipeline; what ROS was told at the start overrides the config.

        Args:
            models: The pipelines that take the thresholds.
            pipelines: Their settings.

        Raises:
            ConfigError: A given value has the wrong type or is out of range.
        """
        for settings in pipelines:
            if settings.name in models.pipelines:
                self._declare_thresholds(settings, models)
        self._models = models
        self._apply([self._node.get_parameter(name) for name in self._targets])
        self._warn_of_unknown()

    def close(self) -> None:
        """Take the thresholds back; the node's own options may change again."""
        self._models = None
        for name in self._targets:
            if self._node.has_parameter(name):
                self._node.undeclare_parameter(name)
        self._targets.clear()

    def _warn_of_unknown(self) -> None:
        """Name what ROS was told at the start and nobody declared: a misspelt threshold would be lost in silence.

        No more than a warning, since a parameter file may speak to several nodes at once.
        """
        given = getattr(self._node, "_parameter_overrides", {})  # rclpy has no public way to ask
        for name in given:
            if not self._node.has_parameter(name) and not name.startswith(QOS_PREFIX):
                self._node.get_logger().warning(f"parameter {name} was given; {self._no_such(name)}")

    def _no_such(self, name: str) -> str:
        close = difflib.get_close_matches(name, [*self._targets, *NodeOptions.__dataclass_fields__], n=1)
        remedy = f"did you mean {close[0]}?" if close else "what is no parameter stands in the config file"
        return f"there is no such parameter; {remedy}"

    def _declare_thresholds(self, settings: PipelineSettings, models: ModelPool) -> None:
        metadata = {field.name: field.metadata for field in dataclasses.fields(PipelineSettings)}
        for option, field in _FIELDS.items():
            name = f"{settings.name}.{option}"
            self._declare(name, getattr(settings, option), _descriptor(metadata[option], kind=field))
            self._targets[name] = _Target(pipeline=settings.name, field=field)
        spec = models.pipelines[settings.name].spec
        limits = {"description": f"Lowest score of this class; {AS_SCORE:g}: as score_threshold."}
        for label in dict.fromkeys(label for head in spec.heads if head.kind.is_detection for label in head.labels):
            name = f"{settings.name}.class_thresholds.{label}"
            value = settings.class_thresholds.get(label, AS_SCORE)
            self._declare(name, value, _descriptor({**limits, "minimum": AS_SCORE, "maximum": 1.0}, kind="score"))
            self._targets[name] = _Target(pipeline=settings.name, label=label)

    def _declare(self, name: str, value: float, descriptor: Any) -> None:
        self._declaring = name
        try:
            self._node.declare_parameter(name, value, descriptor)
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise ConfigError(f"parameter {name}", str(error)) from error
        finally:
            self._declaring = ""

    def _on_set(self, parameters: Sequence[Any]) -> Any:
        """Called by rclpy before a set of parameters changes: all of them, or none."""
        try:
            for parameter in parameters:
                self._check_name(parameter)
            self._apply(parameters)
        except PerceptionError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_name(self, parameter: Any) -> None:
        """Refuse what cannot be set, or not now.

        The node lets undeclared parameters come this far, since rclpy's own refusal of one does not even name it.
        """
        name = parameter.name
        if self._models is not None and name in NodeOptions.__dataclass_fields__:
            raise ConfigError(
                f"parameter {name}",
                "it cannot change while the node is configured",
                "deactivate and clean up the node first (`ros2 lifecycle set NODE deactivate`, then `cleanup`), "
                "set it, then configure and activate",
            )
        if name in self._targets and parameter.type_ == Parameter.Type.NOT_SET:
            raise ConfigError(f"parameter {name}", "it cannot be deleted", "set it to the value that it shall have")
        known = self._node.has_parameter(name) or name == self._declaring or name.startswith(QOS_PREFIX)
        if not known:
            raise ConfigError(f"parameter {name}", self._no_such(name))

    def _apply(self, parameters: Sequence[Any]) -> None:
        """Check all new thresholds, then set them.

        Raises:
            ConfigError: One is out of range; none is set.
        """
        if self._models is None:
            return
        changed: dict[str, Thresholds] = {}
        for parameter in parameters:
            target = self._targets.get(parameter.name)
            if target is not None:
                thresholds = changed.get(target.pipeline, self._models.pipelines[target.pipeline].thresholds)
                changed[target.pipeline] = _with(thresholds, target, parameter.value)
        for pipeline, thresholds in changed.items():
            self._models.pipelines[pipeline].thresholds = thresholds
        if changed:
            self._on_change()


def _with(thresholds: Thresholds, target: _Target, value: Any) -> Thresholds:
    """The thresholds with one value changed."""
    if target.field:
        return dataclasses.replace(thresholds, **{target.field: value})
    per_class = {label: score for label, score in thresholds.per_class.items() if label != target.label}
    if value != AS_SCORE:
        per_class[target.label] = value
    return dataclasses.replace(thresholds, per_class=per_class)


def _descriptor(metadata: Any, *, kind: str = "", read_only: bool = False) -> Any:
    """A parameter's description and range, from the option's metadata.

    Args:
        metadata: The field's metadata.
        kind: Field of Thresholds that it sets; a range is made for these.
        read_only: Whether it cannot change at all.
    """
    descriptor = ParameterDescriptor(description=metadata["description"], read_only=read_only)
    if kind == "max_detections":
        descriptor.integer_range = [
            IntegerRange(from_value=int(metadata["minimum"]), to_value=int(metadata["maximum"]), step=1)
        ]
    elif kind:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(metadata["minimum"]), to_value=float(metadata["maximum"]), step=0.0)
        ]
    return descriptor
