"""How an engine's results compare with those of the same model in FP32, in figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import GateError
from trt_perception.options.json_schema import to_plain
from trt_perception.validate.agreement_limits import AgreementLimits
from trt_perception.validate.detection_metrics import DetectionMetrics

POINTS = 100.0


@dataclass(frozen=True, kw_only=True)
class DetectionAgreement:
    """One detection head.

    Args:
        head: Its name.
        objects: What the reference found at the object score.
        pseudo_map50: mAP50 of the tested side where these are the truth; None where the reference found none.
        missed: Of these, how many the tested side did not find.
        new: Objects that only the tested side found.
        reference: Accuracy of the reference against the truth; None where there is none.
        tested: Accuracy of the tested side against the truth.
    """

    head: str
    objects: int
    pseudo_map50: float | None
    missed: int
    new: int
    reference: DetectionMetrics | None = None
    tested: DetectionMetrics | None = None

    @property
    def map50_loss_points(self) -> float | None:
        """mAP50 that is lost, in points; negative where the tested side is better. None without truth."""
        if self.reference is None or self.tested is None:
            return None
        return _loss(self.reference.map50, self.tested.map50)

    @property
    def map50_95_loss_points(self) -> float | None:
        """The same for mAP50:95."""
        if self.reference is None or self.tested is None:
            return None
        return _loss(self.reference.map50_95, self.tested.map50_95)

    def failures(self, limits: AgreementLimits) -> Iterator[str]:
        """What does not hold."""
        for name, loss in (("mAP50", self.map50_loss_points), ("mAP50:95", self.map50_95_loss_points)):
            if loss is not None and loss > limits.max_map_loss_points:
                yield (
                    f"{self.head}: expected at most {limits.max_map_loss_points:g} points of {name} lost, "
                    f"got {loss:.2f}"
                )
        if self.pseudo_map50 is not None and self.pseudo_map50 < limits.min_pseudo_map50:
            yield (
                f"{self.head}: expected pseudo-mAP50 of at least {limits.min_pseudo_map50:g}, got "
                f"{self.pseudo_map50:.3f}; of {self.objects} objects {self.missed} are missed and {self.new} are new"
            )
        if self.pseudo_map50 is None and self.new:
            yield f"{self.head}: expected no object, as the reference found none, got {self.new}"


@dataclass(frozen=True, kw_only=True)
class MaskAgreement:
    """One mask head.

    Args:
        head: Its name.
        pixel_agreement: Share of the pixels to which both sides give the same class.
        reference: Intersection over union of the reference and the truth by label; None: no pixel of the label on
            either side. Empty where there is no truth.
        tested: The same of the tested side.
    """

    head: str
    pixel_agreement: float
    reference: Mapping[str, float | None]
    tested: Mapping[str, float | None]

    @property
    def miou_loss_points(self) -> float | None:
        """Mean IoU that is lost, in points; negative where the tested side is better. None without truth."""
        return _loss(mean_iou(self.reference), mean_iou(self.tested))

    def failures(self, limits: AgreementLimits) -> Iterator[str]:
        """What does not hold."""
        loss = self.miou_loss_points
        if loss is not None and loss > limits.max_miou_loss_points:
            yield (
                f"{self.head}: expected at most {limits.max_miou_loss_points:g} points of mean IoU lost, got {loss:.2f}"
            )
        if self.pixel_agreement < limits.min_pixel_agreement:
            yield (
                f"{self.head}: expected the same class at {limits.min_pixel_agreement:.2%} of the pixels at least, "
                f"got {self.pixel_agreement:.2%}"
            )


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """All heads over all images.

    Args:
        images: How many.
        limits: What was counted as an object, and what is allowed.
        detections: Detection heads, in the model's order.
        masks: Mask heads, in the model's order.
    """

    images: int
    limits: AgreementLimits
    detections: tuple[DetectionAgreement, ...]
    masks: tuple[MaskAgreement, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """What does not hold; empty where the tested side is good enough."""
        heads: tuple[DetectionAgreement | MaskAgreement, ...] = (*self.detections, *self.masks)
        return tuple(text for head in heads for text in head.failures(self.limits))

    def require(self, tested: str) -> None:
        """Let what does not hold be an error.

        Args:
            tested: Name of what was tested, for the error.

        Raises:
            GateError: Something does not hold; names all of it.
        """
        if self.failures:
            raise GateError(
                f"{tested} is not good enough on {self.images} images: {'; '.join(self.failures)}; calibrate on more "
                "frames, keep the layers that matter out of INT8, or state other --limits"
            )

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it, with what is derived."""
        plain: dict[str, Any] = {**to_plain(self), "failures": list(self.failures)}
        for entry, detection in zip(plain["detections"], self.detections, strict=True):
            entry["map50_loss_points"] = detection.map50_loss_points
            entry["map50_95_loss_points"] = detection.map50_95_loss_points
        for entry, mask in zip(plain["masks"], self.masks, strict=True):
            entry["miou_loss_points"] = mask.miou_loss_points
        return plain


def mean_iou(iou: Mapping[str, float | None]) -> float | None:
    """Mean over the labels that have a figure; None where none has."""
    values = [value for value in iou.values() if value is not None]
    return sum(values) / len(values) if values else None


def _loss(reference: float | None, tested: float | None) -> float | None:
    return None if reference is None or tested is None else (reference - tested) * POINTS
