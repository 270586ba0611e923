"""The figures of `judge` for the terminal."""

from __future__ import annotations

from trt_perception.cli.table import render_table
from trt_perception.validate.agreement import Agreement, DetectionAgreement, MaskAgreement, mean_iou

NOTHING = "-"


def agreement_text(agreement: Agreement) -> str:
    """A table of all heads, and what does not hold."""
    rows = [row for head in agreement.detections for row in _detection_rows(head)]
    rows += [row for mask in agreement.masks for row in _mask_rows(mask)]
    lines = [render_table(("head", "measure", "reference", "tested", "lost"), rows)]
    lines += [f"does not hold: {text}" for text in agreement.failures]
    if not agreement.failures:
        lines.append(f"holds: every limit on {agreement.images} images")
    return "\n".join(lines)


def _detection_rows(head: DetectionAgreement) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    if head.reference is not None and head.tested is not None:
        for name, one, other, lost in (
            ("mAP50", head.reference.map50, head.tested.map50, head.map50_loss_points),
            ("mAP50:95", head.reference.map50_95, head.tested.map50_95, head.map50_95_loss_points),
        ):
            rows.append((head.head, name, _share(one), _share(other), _points(lost)))
    rows.append((head.head, "pseudo-mAP50", NOTHING, _share(head.pseudo_map50), NOTHING))
    rows.append((head.head, "objects found", str(head.objects), f"{head.objects - head.missed}, new {head.new}",
                 str(head.missed)))  # fmt: skip
    return rows


def _mask_rows(mask: MaskAgreement) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (mask.head, f"IoU {label}", _share(one), _share(mask.tested[label]), NOTHING)
        for label, one in mask.reference.items()
    ]
    if mask.reference:
        one, other = mean_iou(mask.reference), mean_iou(mask.tested)
        rows.append((mask.head, "mean IoU", _share(one), _share(other), _points(mask.miou_loss_points)))
    rows.append((mask.head, "same class at", NOTHING, f"{mask.pixel_agreement:.3%} of the pixels", NOTHING))
    return rows


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def _points(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f} points"
