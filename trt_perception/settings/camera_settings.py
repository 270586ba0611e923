"""How one camera is received."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.errors import ConfigError
from trt_perception.options.option import option


class Transport(str, Enum):
    """Form in which a camera's images travel."""

    RAW = "raw"
    COMPRESSED = "compressed"


class Reliability(str, Enum):
    """Reliability of a subscription's quality of service."""

    BEST_EFFORT = "best_effort"
    RELIABLE = "reliable"


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """One camera.

    Raises:
        ConfigError: The name cannot be part of a topic.
    """

    name: str = option(description="Name of the camera: letters, digits, underscores; its outputs are `<name>/...`.")
    transport: Transport = option(Transport.RAW, description="Whether images come raw or compressed (JPEG, PNG).")
    topic: str = option("", description="Image topic. Empty: `<name>/image_raw`, with `/compressed` where compressed.")
    reliability: Reliability = option(
        Reliability.BEST_EFFORT, description="Reliability of the image subscription; best effort hears both kinds."
    )
    max_age_ms: float = option(
        0.0, description="A frame older than this when its turn comes is dropped as stale. 0: never.", minimum=0.0
    )
    timeout_ms: float = option(
        1000.0, description="Silence after which the camera is reported as stopped.", minimum=10.0, maximum=3_600_000.0
    )
    priority: int = option(
        0,
        description="Of the cameras of one GPU the higher goes first, e.g. the front one; 0: after all others.",
        minimum=0,
        maximum=5,
    )
    device: int = option(
        0, description="The GPU that the camera's pipelines run on, as CUDA counts them.", minimum=0, maximum=255
    )
    enabled: bool = option(True, description="Whether the camera is processed from the start; a service switches it.")

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.name.isascii() or "__" in self.name:
            raise ConfigError(
                "name", f"expected letters, digits and single underscores, not starting with a digit, got {self.name!r}"
            )

    @property
    def image_topic(self) -> str:
        """The topic subscribed to, relative to the node's namespace unless it was given as absolute."""
        suffix = "/compressed" if self.transport is Transport.COMPRESSED else ""
        return self.topic or f"{self.name}/image_raw{suffix}"
