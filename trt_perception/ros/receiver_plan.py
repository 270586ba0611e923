"""What a receiver process is told: when it starts, on its command line, and later, through its control socket."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trt_perception.ingest.ring_ends import WriterEnds

COMPRESSED_HEADROOM = 2.0
"""Slots for compressed images are that much larger than the image that needs them: the next one may be larger."""


@dataclass(frozen=True, kw_only=True)
class CameraRing:
    """One camera of a receiver.

    Args:
        name: The camera.
        is_compressed: Whether its images come compressed.
        ends: Descriptors of its ring, inherited.
        slots: Messages that its ring holds.
    """

    name: str
    is_compressed: bool
    ends: WriterEnds
    slots: int


@dataclass(frozen=True, kw_only=True)
class ReceiverPlan:
    """One receiver process.

    Args:
        node: Name of its ROS node.
        namespace: Namespace of its ROS node.
        control: Descriptor of its control socket, inherited.
        cameras: Its cameras.
    """

    node: str
    namespace: str
    control: int
    cameras: tuple[CameraRing, ...]

    def to_json(self) -> str:
        """The plan as one argument."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ReceiverPlan:
        """The plan out of that argument."""
        data = json.loads(text)
        cameras = tuple(
            CameraRing(**{**camera, "ends": WriterEnds(**camera["ends"])}) for camera in data.pop("cameras")
        )
        return cls(cameras=cameras, **data)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What a receiver subscribes to for one camera.

    Args:
        topic: Full name of the topic, remapped where it is.
        qos: Quality of service: name of the policy's value by policy, and the depth.
    """

    topic: str
    qos: Mapping[str, Any]


def pack(kind: str, **values: Any) -> bytes:
    """One packet of the control socket."""
    return json.dumps({"kind": kind, **values}).encode()


def unpack(packet: bytes) -> dict[str, Any]:
    """The values of a packet, its `kind` among them."""
    values: dict[str, Any] = json.loads(packet)
    return values
