"""Which processes receive the images."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.options.option import option


class ReceiverChoice(str, Enum):
    """What stands for a number of receivers."""

    AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """How images reach the node's process."""

    receivers: ReceiverChoice | int = option(
        ReceiverChoice.AUTO,
        description="Processes that receive images for the node. 0: it does itself; `auto`: see docs/ingest.md.",
        minimum=0,
        maximum=64,
    )
    camera_mb_per_s: float = option(
        187.0,
        description="What `auto` takes a raw camera to send, 10^6 bytes a second; 187 is 1080p in bgr8 at 30 Hz.",
        minimum=0.0,
    )
