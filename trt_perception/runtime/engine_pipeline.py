"""An engine file as a pipeline that does all of a frame on the GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trt_perception.errors import DeviceError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.result import Result
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.judging_model import JudgingModel
from trt_perception.runtime.open_engine import OpenedEngine, open_engine
from trt_perception.thresholds import Thresholds


class EnginePipeline(JudgingModel):
    """Opens an engine for itself and runs it in one `GpuPipeline`: for commands, which run one model at a time.

    Fixed for its life, its `thresholds` too. Several threads may call `process`; they take turns.

    Args:
        spec: The model.
        engine: The engine file; its manifest lies beside it.
        device: Index of the GPU, as CUDA counts.
        public_key: Whose signature is asked for. None: none.
        thresholds: Limits of the detections. Default: `Thresholds()`.

    Raises:
        ConfigError: `thresholds` name a label that no detection head has.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        engine: Path,
        device: int = 0,
        public_key: Path | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        super().__init__(spec, thresholds)
        self._path = engine
        self._device = device
        self._public_key = public_key
        self._opened: OpenedEngine | None = None
        self._pipeline: GpuPipeline | None = None
        self._name = f"tensorrt (engine {engine.name}, not open)"

    @property
    def engine(self) -> Path:
        """The engine file."""
        return self._path

    @property
    def name(self) -> str:
        """Runtime, version, path; in brackets GPU, and whether frames are CUDA graphs."""
        return self._name

    def judging(self, spec: ModelSpec, thresholds: Thresholds) -> EnginePipeline:
        """Another one of the same engine, not open: for the same model with its heads described in another way."""
        return EnginePipeline(
            spec, engine=self._path, device=self._device, public_key=self._public_key, thresholds=thresholds
        )

    def open(self) -> None:
        """Load the engine and the kernels, and run a grey image once. Harmless when called twice.

        Raises:
            EngineError: The engine's files are not those of this model, this GPU and this TensorRT, or are damaged.
            ModelError: A head does not fit the engine's outputs.
            MissingError: TensorRT, the CUDA packages or the driver are not here, or kernels cannot be compiled.
            DeviceError: TensorRT or CUDA fails; out of memory says how much is needed and how much is free.
        """
        if self._pipeline is not None:
            return
        self._opened = opened = open_engine(
            self._path, device=self._device, spec=self._spec, public_key=self._public_key
        )
        try:
            self._pipeline = GpuPipeline(self._spec, opened, thresholds=self.thresholds)
            self._pipeline.open()
        except BaseException:
            self.close()
            raise
        self._name = f"{opened.tensorrt}, path gpu ({opened.gpu.name}, {self._pipeline.note})"

    def close(self) -> None:
        """Free everything. Harmless when called twice."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.engine.close()

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        """As `GpuPipeline.process`.

        Raises:
            InputError: Another number of frames than the model has inputs.
            FrameError: A frame cannot be used, or the model's outputs for it cannot.
            DeviceError: CUDA or TensorRT failed; `is_sticky` says whether only a new process can go on.
        """
        if self._pipeline is None:
            raise DeviceError(f"model {self._spec.name}: a frame before open or after close; open the pipeline first")
        return self._pipeline.process(frames)
