"""One model with its sources: from frames to a result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.decode_image import declared_size, decode_image
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.result import Result, StageTimes
from trt_perception.runtime.backend import Backend
from trt_perception.runtime.check_frames import check_frames
from trt_perception.runtime.judging_model import JudgingModel
from trt_perception.thresholds import Thresholds


class Pipeline(JudgingModel):
    """Decodes, preprocesses, infers and decodes the heads. Several threads may call `process` at once.

    Fixed for its life: the model and the backend. Settable while it runs: `thresholds`.

    Args:
        spec: The model.
        backend: What executes it; opened and closed with the pipeline.
        thresholds: Limits of the detections. Default: `Thresholds()`.

    Raises:
        ModelError: A head does not fit the model's outputs.
        ConfigError: An input is no image, or `thresholds` name a label that no detection head has.
    """

    def __init__(self, spec: ModelSpec, backend: Backend, *, thresholds: Thresholds | None = None) -> None:
        super().__init__(spec, thresholds)
        self._backend = backend
        self._reads_inputs = bool(getattr(backend, "reads_inputs", True))
        self._preprocessors = [ImagePreprocessor(source) for source in spec.inputs]
        self._decoders = [make_decoder(head, spec) for head in spec.heads]

    @property
    def backend(self) -> Backend:
        """What executes the model."""
        return self._backend

    @property
    def name(self) -> str:
        """Runtime and version; in brackets what else there is to know of the backend."""
        return self._backend.name

    @property
    def engine(self) -> Path | None:
        """The engine file that is run; None where it is the model's own."""
        return getattr(self._backend, "engine", None)

    def judging(self, spec: ModelSpec, thresholds: Thresholds) -> Pipeline:
        """Another one on the same backend: for the same model with its heads described in another way."""
        return Pipeline(spec, self._backend, thresholds=thresholds)

    def open(self) -> None:
        """Open the backend.

        Raises:
            ModelError: The model is not what the spec says.
            MissingError: The runtime or the model file is not there.
        """
        self._backend.open()

    def close(self) -> None:
        """Close the backend. Harmless when called twice."""
        self._backend.close()

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        """The heads' results for one set of frames, in pixels of the first one's image.

        Args:
            frames: One frame for each input of the model, in the spec's order.

        Raises:
            InputError: Another number of frames than the model has inputs.
            FrameError: A frame cannot be used, or the model's outputs for it cannot.
            DeviceError: The backend failed.
        """
        check_frames(frames, self._spec)
        _, limits = self._limits
        started = perf_counter_ns()
        if self._reads_inputs:
            raw = [decode_image(frame) if isinstance(frame, EncodedFrame) else frame for frame in frames]
            decoded = perf_counter_ns()
            inputs, transform = self._preprocess(raw)
        else:
            inputs, decoded = {}, started
            transform = ImageTransform.of(*_size(frames[0]), self._spec.inputs[0])
        preprocessed = perf_counter_ns()
        outputs = self._backend.infer(inputs)
        inferred = perf_counter_ns()
        heads = {
            head.name: decoder.decode(outputs, transform, limit)
            for head, decoder, limit in zip(self._spec.heads, self._decoders, limits, strict=True)
        }
        times = StageTimes(
            decode_ns=decoded - started if any(isinstance(frame, EncodedFrame) for frame in frames) else 0,
            preprocess_ns=preprocessed - decoded if self._reads_inputs else 0,
            inference_ns=inferred - preprocessed,
            postprocess_ns=perf_counter_ns() - inferred,
        )
        return Result(heads=heads, times=times, image_size=(transform.image_width, transform.image_height))

    def _preprocess(self, frames: list[Frame]) -> tuple[dict[str, NDArray[Any]], ImageTransform]:
        inputs = {}
        transforms = []
        for source, preprocess, frame in zip(self._spec.inputs, self._preprocessors, frames, strict=True):
            inputs[source.name], transform = preprocess(frame)
            transforms.append(transform)
        return inputs, transforms[0]


def _size(frame: Frame | EncodedFrame) -> tuple[int, int]:
    return declared_size(frame) if isinstance(frame, EncodedFrame) else (frame.width, frame.height)
