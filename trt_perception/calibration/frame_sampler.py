"""Chooses the frames to calibrate on: spread over time, camera, brightness and condition."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from trt_perception.calibration.candidate import Candidate, brightness, content_digest
from trt_perception.calibration.image_source import ImageSource, SourceImage, raw_frame
from trt_perception.calibration.paired_images import ModelInputs, PairedImages
from trt_perception.errors import FrameError, InputError
from trt_perception.frame import Frame

CANDIDATES_PER_FRAME = 4
"""Images that are decoded for each one that is chosen: enough to find the rare ones, few enough for a long bag."""

Progress = Callable[[int, int], object]
"""Called with images done and images in all."""


@dataclass(frozen=True, kw_only=True)
class FrameSample:
    """The chosen frames.

    Args:
        sources: The bags and folders.
        chosen: In order of source and time.
        image_count: Images of all sources.
        looked_at: Images that were decoded to choose from them.
        unreadable: Those among them that cannot be used, each with its reason.
        unpaired: Images that are in no complete set, where a model has several inputs.
    """

    sources: tuple[ImageSource | PairedImages, ...] = field(repr=False)
    chosen: tuple[Candidate, ...] = field(repr=False)
    image_count: int
    looked_at: int
    unreadable: tuple[str, ...]
    unpaired: int = 0

    @property
    def digest(self) -> str:
        """sha256 over the contents of the chosen frames, whatever their order or file; hexadecimal."""
        return hashlib.sha256("\n".join(sorted(image.digest for image in self.chosen)).encode()).hexdigest()

    def frames(self) -> Iterator[tuple[str, tuple[Frame, ...]]]:
        """Name and pixels of each chosen frame, with those of the model's other inputs behind it.

        Raises:
            InputError: An image cannot be read any more.
        """
        wanted = {image.key for image in self.chosen}
        for number, source in enumerate(self.sources):
            for image in source.images() if any(key[0] == number for key in wanted) else ():
                if (number, image.camera, image.ordinal) not in wanted:
                    continue
                try:
                    yield image.label, tuple(raw_frame(each.encoded()) for each in (image, *image.partners))
                except FrameError as error:
                    raise InputError(f"{image.label}: could be read before, and now {error}") from error


def sample_frames(
    paths: Sequence[Path],
    *,
    frames: int,
    seed: int = 0,
    inputs: ModelInputs | None = None,
    progress: Progress = lambda done, total: None,
) -> FrameSample:
    """Look at evenly spaced images of every camera and choose among those that can be used.

    The choice fills every combination of camera, condition and brightness band as evenly as the images allow; inside
    one, time. The same sources and seed give the same choice.

    Args:
        paths: Bags and folders.
        frames: How many to choose.
        seed: Moves the choice inside its steps of time.
        inputs: Of a model of several inputs; then complete sets are chosen, by their first images. Default: it has one.
        progress: Called after each image.

    Raises:
        InputError: No source or none with images, or fewer usable images than asked for.
        MissingError: The bag library is not installed.
    """
    if frames < 1:
        raise InputError(f"frames: expected at least 1, got {frames}")
    if not paths:
        raise InputError("calibration: expected a bag or a folder of images, got none")
    alone = tuple(ImageSource(path) for path in paths)
    sources = alone if inputs is None else tuple(PairedImages(source, inputs) for source in alone)
    random = np.random.default_rng(seed)
    unreadable: list[str] = []
    usable = []
    looked_at = 0
    for number, image in _looked_at(sources, frames, random, progress):
        looked_at += 1
        try:
            usable.append(_candidate(number, image))
        except FrameError as error:
            unreadable.append(f"{image.label}: {error}")
    if len(usable) < frames:
        raise InputError(_too_few(len(usable), frames, unreadable))
    return FrameSample(
        sources=sources,
        chosen=tuple(
            sorted(choose(usable, frames, random), key=lambda image: (image.source, image.time_ns, image.camera))
        ),
        image_count=sum(sum(source.camera_counts.values()) for source in sources),
        looked_at=looked_at,
        unreadable=tuple(unreadable),
        unpaired=sum(source.unpaired for source in sources if isinstance(source, PairedImages)),
    )


def choose(candidates: Sequence[Candidate], count: int, random: np.random.Generator) -> list[Candidate]:
    """`count` of the candidates (at most all): each combination in turn, and inside one, equal steps of its images."""
    strata: dict[tuple[str, str, str], list[Candidate]] = defaultdict(list)
    for image in sorted(candidates, key=lambda image: (image.time_ns, image.key)):
        strata[image.camera, image.condition, image.band].append(image)
    names = sorted(strata)
    shares = dict.fromkeys(names, 0)
    left = min(count, len(candidates))
    while left:
        for name in [name for name in names if shares[name] < len(strata[name])][:left]:
            shares[name] += 1
            left -= 1
    chosen = []
    for name in names:
        edges = np.linspace(0, len(strata[name]), shares[name] + 1).astype(int)
        chosen += [strata[name][random.integers(a, b)] for a, b in pairwise(edges)]
    return chosen


def _looked_at(
    sources: Sequence[ImageSource | PairedImages], frames: int, random: np.random.Generator, progress: Progress
) -> Iterator[tuple[int, SourceImage]]:
    """Source number and image: every n-th of each camera, so that long recordings need not be decoded whole."""
    total = sum(sum(source.camera_counts.values()) for source in sources)
    share = -(-CANDIDATES_PER_FRAME * frames // sum(len(source.camera_counts) for source in sources))
    done = 0
    for number, source in enumerate(sources):
        steps = {camera: max(1, count // share) for camera, count in source.camera_counts.items()}
        starts = {camera: int(random.integers(step)) for camera, step in steps.items()}
        for image in source.images():
            if image.ordinal % steps[image.camera] == starts[image.camera]:
                yield number, image
            done += 1
            progress(done, total)


def _candidate(number: int, image: SourceImage) -> Candidate:
    frame = image.encoded()
    digests = [content_digest(frame)]
    for partner in image.partners:
        encoded = partner.encoded()
        raw_frame(encoded)  # a set is usable where each of its images decodes
        digests.append(content_digest(encoded))
    return Candidate(
        source=number,
        camera=image.camera,
        ordinal=image.ordinal,
        time_ns=image.time_ns,
        brightness=brightness(raw_frame(frame)),
        condition=image.condition,
        digest=digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    )


def _too_few(usable: int, frames: int, unreadable: Sequence[str]) -> str:
    bad = f" ({len(unreadable)} unreadable, the first: {unreadable[0]})" if unreadable else ""
    remedy = f"give more data, or say --frames {usable}" if usable else "give other data"
    return f"calibration: expected {frames} usable images, got {usable}{bad}; {remedy}"
