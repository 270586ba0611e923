"""Parameters of the node itself; everything else stands in the config file."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class NodeOptions:
    """What the node is told by ROS parameters. Fixed from configure to cleanup."""

    config: str = option("", description="The perception config (YAML): cameras, models, pipelines.")
    backend: str = option(
        "", description="Runtime that executes the models: tensorrt or onnxruntime. Empty: the config's."
    )
    drop_log: str = option(
        "", description="File that gets every dropped frame as a JSON line: camera, stamp_ns, reason. Empty: none."
    )
    autostart: bool = option(
        False, description="Whether the node configures and activates itself when it starts. Read once."
    )
