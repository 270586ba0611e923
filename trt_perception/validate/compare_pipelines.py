"""Runs a model in FP32 and an engine of it over the same images."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trt_perception.errors import FrameError, InputError
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.agreement import Agreement
from trt_perception.validate.agreement_limits import AgreementLimits
from trt_perception.validate.agreement_meter import MEASURING_THRESHOLDS, AgreementMeter
from trt_perception.validate.labelled_images import LabelledImage


def compare_pipelines(
    reference: Pipeline,
    tested: Pipeline,
    images: Iterable[LabelledImage],
    *,
    limits: AgreementLimits | None = None,
    on_image: Callable[[], object] = lambda: None,
) -> Agreement:
    """Both pipelines, open already, on every image. Their thresholds become MEASURING_THRESHOLDS.

    Args:
        reference: The model in FP32.
        tested: The engine; its heads have the reference's names and labels.
        images: What both are given.
        limits: What counts as an object, and what is allowed. Default: AgreementLimits().
        on_image: Called after each image.

    Raises:
        InputError: The heads are not the same, or an image cannot be used.
        MissingError: pycocotools is not installed.
        DeviceError: A backend failed.
    """
    heads = [(head.name, head.kind.is_detection, head.labels) for head in reference.spec.heads]
    others = [(head.name, head.kind.is_detection, head.labels) for head in tested.spec.heads]
    if heads != others:
        raise InputError(
            f"{tested.spec.name}: expected the heads and labels of {reference.spec.name}, "
            f"{_names(heads)}, got {_names(others)}; give the model that it was built from as --reference"
        )
    reference.thresholds = tested.thresholds = MEASURING_THRESHOLDS
    meter = AgreementMeter(reference.spec.heads, limits)
    for image in images:
        try:
            frames = [image.frame, *image.partners]
            meter.add(reference.process(frames), tested.process(frames), image.truth)
        except FrameError as error:
            raise InputError(f"{image.label}: cannot be compared: {error}") from error
        on_image()
    return meter.agreement()


def _names(heads: list[tuple[str, bool, tuple[str, ...]]]) -> str:
    return ", ".join(f"{name} ({len(labels)} labels)" for name, _, labels in heads)
