"""How far an engine may be from the model in FP32."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class AgreementLimits:
    """What makes an engine good enough. Points are hundredths: from mAP 0.710 to 0.705 is a loss of 0.5 points."""

    max_map_loss_points: float = option(
        0.5, description="Loss of mAP50 and of mAP50:95 against the truth, at most.", minimum=0.0, maximum=100.0
    )
    max_miou_loss_points: float = option(
        0.5, description="Loss of mean IoU of a mask head against the truth, at most.", minimum=0.0, maximum=100.0
    )
    min_pseudo_map50: float = option(
        0.95, description="mAP50 where what the reference finds is taken as the truth.", minimum=0.0, maximum=1.0
    )
    min_pixel_agreement: float = option(
        0.98, description="Share of the pixels to which both give the same class.", minimum=0.0, maximum=1.0
    )
    object_score: float = option(
        0.35, description="From this score on, what the reference finds is an object.", minimum=0.0, maximum=1.0
    )
    found_score: float = option(
        0.25, description="From this score on, an object counts as found by the other side.", minimum=0.0, maximum=1.0
    )
    match_iou: float = option(
        0.5, description="Overlap from which two boxes of one class are the same object.", minimum=0.0, maximum=1.0
    )
