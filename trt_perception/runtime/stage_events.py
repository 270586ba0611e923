"""When the stages of a traced frame ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trt_perception.result import StageStamps
from trt_perception.runtime.gpu import Gpu


@dataclass(frozen=True, kw_only=True)
class StageEvents:
    """Events with times, in the order in which one stream passes them; all but the last are part of the captured graph.

    Args:
        begun: Before the preprocessing, once the pixels are there.
        preprocessed: Behind it.
        inferred: Behind the engine.
        decoded: Behind the copy of the result to the host.
    """

    begun: Any
    preprocessed: Any
    inferred: Any
    decoded: Any

    @staticmethod
    def make(gpu: Gpu) -> StageEvents:
        """New ones.

        Raises:
            DeviceError: CUDA makes none.
        """
        begun, preprocessed, inferred, decoded = (gpu.make_event(timing=True) for _ in range(4))
        return StageEvents(begun=begun, preprocessed=preprocessed, inferred=inferred, decoded=decoded)

    def stamps(self, now_ns: int, *, image_decoded_ns: int) -> StageStamps:
        """Steady-clock stamps of the frame that has just come back.

        The GPU's clock is tied to the host's by the moment at which the waiting thread woke up, so all stamps are late
        by the time that this took; differences between them are the GPU's own.

        Args:
            now_ns: That moment.
            image_decoded_ns: Stamp of the unpacked image; 0: there was none to unpack.
        """
        return StageStamps(
            image_decoded_ns=image_decoded_ns,
            uploaded_ns=now_ns - _ns(self.begun, self.decoded),
            preprocessed_ns=now_ns - _ns(self.preprocessed, self.decoded),
            inferred_ns=now_ns - _ns(self.inferred, self.decoded),
            decoded_ns=now_ns,
        )


def _ns(earlier: Any, later: Any) -> int:
    return int(float(later - earlier) * 1e6)
