"""The images of a bag or a folder that are the inputs of one run of a model of several inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from trt_perception.bag.camera_sets import CameraSets, choose_sets
from trt_perception.bag.set_pairer import SetPairer
from trt_perception.calibration.image_source import ImageSource, SourceImage
from trt_perception.errors import FrameError, InputError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.pairing.paired_set import Outcome, PairedSet
from trt_perception.pairing.pairing_options import PairingOptions


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """What is to be paired.

    Args:
        model: Name of the model.
        names: Of its inputs.
        sets: Cameras of each run, in their order. Empty: as the cameras' names tell.
        pairing: When frames belong together.
    """

    model: str
    names: tuple[str, ...]
    sets: CameraSets = ()
    pairing: PairingOptions


def model_inputs(spec: ModelSpec, sets: CameraSets, pairing: PairingOptions) -> ModelInputs | None:
    """What is to be paired for a model; None where it has one input.

    Raises:
        InputError: There are sets for a model of one input.
    """
    if len(spec.inputs) > 1:
        return ModelInputs(
            model=spec.name, names=tuple(source.name for source in spec.inputs), sets=sets, pairing=pairing
        )
    if sets:
        raise InputError(f"model {spec.name} has one input: --set is for several; leave it out")
    return None


@dataclass(frozen=True)
class _Stamped:
    image: SourceImage
    stamp_ns: int


class PairedImages:
    """The complete sets of a source as images of their first cameras, each with its partners; read as often as wanted.

    Args:
        source: The bag or folder; it is read once to count.
        inputs: What is to be paired.

    Attributes:
        path: The bag or folder.
        camera_counts: Complete sets by first camera.
        unpaired: Images of these cameras that are in no complete set.

    Raises:
        InputError: The sets do not fit the cameras, a folder's files cannot be paired, or no set is complete.
    """

    def __init__(self, source: ImageSource, inputs: ModelInputs) -> None:
        self.path = source.path
        self._source = source
        self._pairing = inputs.pairing
        self._sets = choose_sets(inputs.model, inputs.names, source.camera_counts, inputs.sets, where=source.path)
        self._cameras = {camera for cameras in self._sets for camera in cameras}
        for cameras in self._sets:
            source.check_times(cameras)
        self.camera_counts, self.unpaired = self._counts()
        if not self.camera_counts:
            names = ", ".join(" + ".join(cameras) for cameras in self._sets)
            raise InputError(
                f"{source.path}: expected frames of {names} with stamps within {inputs.pairing.tolerance_ms:g} ms of "
                "each other, found none; look at the stamps, or give another --tolerance-ms"
            )

    def images(self) -> Iterator[SourceImage]:
        """The first of each complete set with its partners, in the order in which the sets are complete.

        Raises:
            BagError: While reading: a file is damaged.
        """
        ordinals: Counter[str] = Counter()
        for outcome in self._outcomes(self._source.images()):
            if isinstance(outcome, PairedSet):
                first, *partners = (each.image for each in outcome.frames)
                yield replace(first, ordinal=ordinals[first.camera], partners=tuple(partners))
                ordinals[first.camera] += 1

    def _counts(self) -> tuple[Mapping[str, int], int]:
        """Complete sets by first camera, and images that are in none."""
        left = Counter({camera: self._source.camera_counts[camera] for camera in self._cameras})
        found: Counter[str] = Counter()
        for outcome in self._outcomes(self._source.images()):
            if isinstance(outcome, PairedSet):
                found[outcome.frames[0].image.camera] += 1
                for each, is_first_use in zip(outcome.frames, outcome.is_first_use, strict=True):
                    left[each.image.camera] -= is_first_use
        return dict(sorted(found.items())), left.total()

    def _outcomes(self, images: Iterable[SourceImage]) -> Iterator[Outcome[_Stamped]]:
        pairer = SetPairer[_Stamped](self._sets, self._pairing)
        for image in images:
            stamp_ns = image.image.stamp_ns
            if image.camera in self._cameras and stamp_ns is not None and _is_usable(image):
                yield from pairer.add(image.camera, _Stamped(image, stamp_ns))
        yield from pairer.end_all()


def _is_usable(image: SourceImage) -> bool:
    """Whether the message is an image; one that is none would keep another from being paired."""
    try:
        image.encoded()
    except FrameError:
        return False
    return True
