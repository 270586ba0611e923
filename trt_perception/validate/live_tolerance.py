"""How far the live node's answer to a frame may be from the offline run's."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class LiveTolerance:
    """What counts as the same answer. On one machine and one backend both are the same to the last digit."""

    pixels: float = option(0.5, description="Distance of each edge of a box, pixels, at most.", minimum=0.0)
    iou: float | None = option(
        None,
        description="With it, boxes are the same from this overlap on, however far their edges are.",
        minimum=0.0,
        maximum=1.0,
    )
    score: float = option(
        0.01,
        description="Difference of the scores, at most. A box of one side alone is no difference where its score is "
        "that near to the operating score: the other side has it, just below.",
        minimum=0.0,
        maximum=1.0,
    )
    mask_share: float = option(
        0.001, description="Share of a mask's pixels that may have another class.", minimum=0.0, maximum=1.0
    )
