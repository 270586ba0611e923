"""What became of every frame of one camera in a live run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class CameraReport:
    """The ledger of one camera: sent = answered + dropped + never received.

    Args:
        camera: Its name.
        sent: Frames that the sender published.
        answered: Frames with a result.
        dropped: Frames that the node dropped, by reason.
        never_received: Frames of which the node knows nothing.
        invented: Results whose stamp was never sent; anything but 0 is a fault.
        fps: Results a second, first to last.
        delay_p50_ms: From sending the image to having the result, median; None without results.
        delay_p99_ms: The same, 99th percentile.
    """

    camera: str
    sent: int
    answered: int
    dropped: Mapping[str, int]
    never_received: int
    invented: int
    fps: float
    delay_p50_ms: float | None
    delay_p99_ms: float | None


def report_camera(
    camera: str, *, sent_ns: Mapping[int, int], answered_ns: Mapping[int, int], drops: Mapping[int, str]
) -> CameraReport:
    """Close the ledger of one camera.

    Args:
        camera: Its name.
        sent_ns: Time of sending by stamp.
        answered_ns: Time of the result's arrival by stamp, of the same clock.
        drops: Reason by stamp, from the node's drop log.
    """
    answered = sent_ns.keys() & answered_ns.keys()
    dropped = {stamp: reason for stamp, reason in drops.items() if stamp in sent_ns and stamp not in answered}
    delays_ms = np.array([(answered_ns[stamp] - sent_ns[stamp]) / 1e6 for stamp in answered])
    arrivals = sorted(answered_ns[stamp] for stamp in answered)
    seconds = (arrivals[-1] - arrivals[0]) / 1e9 if len(arrivals) > 1 else 0.0
    return CameraReport(
        camera=camera,
        sent=len(sent_ns),
        answered=len(answered),
        dropped=dict(Counter(dropped.values())),
        never_received=len(sent_ns) - len(answered) - len(dropped),
        invented=len(answered_ns.keys() - sent_ns.keys()),
        fps=(len(arrivals) - 1) / seconds if seconds > 0.0 else 0.0,
        delay_p50_ms=float(np.percentile(delays_ms, 50)) if delays_ms.size else None,
        delay_p99_ms=float(np.percentile(delays_ms, 99)) if delays_ms.size else None,
    )
