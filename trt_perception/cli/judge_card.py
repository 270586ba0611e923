"""Keeps the verdict of `judge` in an engine's manifest and card."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

from trt_perception.engine.engine_results import AccuracyResult
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.update_card import update_card
from trt_perception.validate.agreement import Agreement, mean_iou
from trt_perception.validate.benefit import Benefit

REFERENCE = "ONNX Runtime FP32"


def write_card(
    engine: Path,
    agreement: Agreement,
    *,
    sources: Sequence[Path],
    against: Path | None = None,
    streams: int = 1,
    benefit: Benefit | None = None,
) -> bool:
    """Write accuracy, and the verdict on its benefit where there is one.

    Returns:
        Whether a signature was removed, since it covers the manifest.

    Raises:
        EngineError: A manifest is damaged, or the files cannot be written.
    """
    latency = None
    if benefit is not None and against is not None:
        manifest, other = read_manifest(engine), read_manifest(against)
        latency = manifest.latency and dataclasses.replace(
            manifest.latency,
            compared_with=against.name,
            streams=streams,
            speed=benefit.speed_ratio,
            size=manifest.plan_bytes / other.plan_bytes,
            holds=benefit.is_recommended,
        )
    return update_card(engine, accuracy=accuracy_result(agreement, sources), latency=latency)


def accuracy_result(agreement: Agreement, sources: Sequence[Path]) -> AccuracyResult:
    """The figures as a manifest keeps them."""
    metrics: dict[str, tuple[float, float]] = {}
    for head in agreement.detections:
        if head.reference is not None and head.tested is not None:
            metrics.update(_pair(f"{head.head} mAP50", head.reference.map50, head.tested.map50))
            metrics.update(_pair(f"{head.head} mAP50:95", head.reference.map50_95, head.tested.map50_95))
        metrics.update(_pair(f"{head.head} pseudo-mAP50", 1.0, head.pseudo_map50))
    for mask in agreement.masks:
        metrics.update(_pair(f"{mask.head} mean IoU", mean_iou(mask.reference), mean_iou(mask.tested)))
        metrics.update(_pair(f"{mask.head} pixels of the same class", 1.0, mask.pixel_agreement))
    limits = agreement.limits
    return AccuracyResult(
        reference=REFERENCE,
        data=", ".join(source.name for source in sources),
        frames=agreement.images,
        metrics=metrics,
        limit=f"at most {limits.max_map_loss_points:g} points of mAP and {limits.max_miou_loss_points:g} of mean IoU "
        f"lost, pseudo-mAP50 at least {limits.min_pseudo_map50:g}, the same class at "
        f"{limits.min_pixel_agreement:.0%} of the pixels at least",
        holds=not agreement.failures,
        measured=_now(),
    )


def _pair(name: str, reference: float | None, tested: float | None) -> dict[str, tuple[float, float]]:
    return {} if reference is None or tested is None else {name: (reference, tested)}


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
