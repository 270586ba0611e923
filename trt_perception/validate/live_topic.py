"""Where the live node's result of one head of one camera is, and where the offline run's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trt_perception.validate.result_topics import head_topics
from trt_perception.validate.run_header import RunHeader


@dataclass(frozen=True, kw_only=True)
class LiveTopic:
    """One head of one camera.

    Args:
        camera: Name of the camera in the offline run.
        live_camera: Its name in the live node, and so in the drop log.
        head: Name of the head.
        is_detection: Boxes, or else a mask.
        offline: Topic in the run's bag of detections.
        live: Topic of the live node.
        published: What the live node publishes as a detection's class, by label, where that differs; None: nothing.
        hidden: Class ids that the live node leaves out of masks.
    """

    camera: str
    live_camera: str
    head: str
    is_detection: bool
    offline: str
    live: str
    published: Mapping[str, str | None] = field(default_factory=dict)
    hidden: tuple[int, ...] = ()


def live_topics(header: RunHeader, *, namespace: str = "") -> tuple[LiveTopic, ...]:
    """Every head of every camera of a run, for a node with the same cameras' names and one pipeline.

    Args:
        header: The run.
        namespace: The node's namespace.
    """
    prefix = "/" + namespace.strip("/") if namespace.strip("/") else ""
    heads = {name: head.is_detection for name, head in header.heads.items()}
    cameras = sorted({camera for bag in header.bags for camera in bag.cameras} - header.partners)
    return tuple(
        LiveTopic(
            camera=camera,
            live_camera=camera,
            head=name,
            is_detection=heads[name],
            offline=topics.result,
            live=prefix + topics.result,
        )
        for camera in cameras
        for name, topics in head_topics(heads, camera).items()
    )
