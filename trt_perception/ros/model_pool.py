"""The models of one node, each loaded once a GPU, and the pipelines that share them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from trt_perception.encoding import Encoding
from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import ConfigError, MissingError, ModelError
from trt_perception.frame import Frame
from trt_perception.model.model_spec import InputSpec, ModelSpec
from trt_perception.ros.backend_request import BackendRequest
from trt_perception.ros.class_table import check_label_map
from trt_perception.ros.gpu_pool import GpuPool
from trt_perception.ros.pipeline_group import PipelineGroup
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.settings.check_sources import check_sources
from trt_perception.settings.engine_requests import engine_file
from trt_perception.settings.execution_path import ExecutionPath
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings, PipelinePlan

P = TypeVar("P")

BackendFactory = Callable[[BackendRequest], Backend]
"""Makes the backend of one model."""

MOST_CONTEXTS = 8
"""Inferences of one model at once. An H200 did 2.7 times the frames of one stream at eight (YOLOv8n in FP16, TensorRT
8.6.1); every context takes memory."""


def default_backend(request: BackendRequest) -> Backend:
    """The backend that the config names.

    Raises:
        ConfigError: `auto`, which may fall to the CPU in silence.
        MissingError: The runtime is not installed.
    """
    if request.kind is BackendKind.AUTO:
        raise ConfigError("backend", "expected tensorrt or onnxruntime, got 'auto'", "the node never chooses by itself")
    return make_backend(
        request.kind,
        request.spec,
        threads=request.threads,
        engine=request.engine,
        device=request.device,
        contexts=request.contexts,
        strict=request.strict,
        public_key=request.public_key,
    )


class ModelPool:
    """Loads the models that pipelines use, and makes the config's pipelines.

    Args:
        settings: The config.
        backend_factory: Makes the backends of what runs on the host. Another than the default runs everything there.
        say: Takes one line about memory, before it is taken.
        warn: Takes one line about what is not as it should be, while frames come.
    """

    def __init__(
        self,
        settings: PerceptionSettings,
        *,
        backend_factory: BackendFactory = default_backend,
        say: Callable[[str], object] = lambda line: None,
        warn: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.specs: dict[str, ModelSpec] = {}
        self.pipelines: dict[str, PipelineGroup] = {}
        self._settings = settings
        self._backend_factory = backend_factory
        self._backends: dict[tuple[str, int], Backend] = {}
        self._gpu_pool = GpuPool(say=say, warn=warn, trace=settings.timing)
        self._fallbacks: dict[str, str] = {}

    @property
    def backend_names(self) -> dict[str, str]:
        """Runtime and version, by model."""
        on_host = {model: backend.name for (model, _), backend in self._backends.items()}
        return {model: on_host.get(model) or self._gpu_pool.name(model) for model in self.specs}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be with the models, and does not keep them from running."""
        files = {
            f"model {model}: {text}": None
            for (model, _), backend in self._backends.items()
            for text in getattr(backend, "warnings", ())
        }
        fallbacks = (
            f"model {model}: the host preprocesses and decodes its frames (path gpu_or_host): {reason}"
            for model, reason in self._fallbacks.items()
        )
        return (*files, *self._gpu_pool.warnings, *fallbacks)

    def open(self) -> None:
        """Load every model that a pipeline uses, and run each once.

        Raises:
            PerceptionError: One cannot be loaded; nothing stays loaded.
        """
        try:
            for plan in self._settings.plans:
                if plan.model.name not in self.specs:
                    self._open_model(plan.model)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Unload everything. Harmless when called twice."""
        self._gpu_pool.close()
        for backend in self._backends.values():
            backend.close()
        self._backends.clear()
        self.pipelines.clear()
        self.specs.clear()
        self._fallbacks.clear()

    def register(self, address: int, nbytes: int) -> Callable[[], None]:
        """Let the GPUs know of memory that frames will lie in; what undoes it, before `close`."""
        return self._gpu_pool.register(address, nbytes)

    def _open_model(self, model: ModelSettings) -> None:
        spec = any_spec(Path(model.spec))
        plans = [plan for plan in self._settings.plans if plan.model is model]
        labels = tuple(label for head in spec.heads for label in head.labels)
        for plan in plans:
            check_sources(plan, spec)
            check_label_map(plan.settings.label_map, labels, pipeline=plan.settings.name)
        if not (self._wants_gpu() and self._open_on_gpu(model, spec, plans)):
            self._open_on_host(model, spec, plans)
        self.specs[model.name] = spec

    def _wants_gpu(self) -> bool:
        settings = self._settings
        return (
            settings.backend is BackendKind.TENSORRT
            and settings.path is not ExecutionPath.HOST
            and self._backend_factory is default_backend
        )

    def _open_on_gpu(self, model: ModelSettings, spec: ModelSpec, plans: Sequence[PipelinePlan]) -> bool:
        """Whether the model's pipelines run on the GPU."""
        try:
            pipelines = self._gpu_pool.open_pipelines(model, spec, plans)
        except (MissingError, ModelError) as error:
            if self._settings.path is ExecutionPath.GPU:
                raise
            self._fallbacks[model.name] = str(error)  # what the host cannot do without either, it will say itself
            return False
        for name, group in _by_pipeline(plans, pipelines).items():
            self.pipelines[name] = PipelineGroup(group)
        return True

    def _open_on_host(self, model: ModelSettings, spec: ModelSpec, plans: Sequence[PipelinePlan]) -> None:
        """One backend for each GPU that the model's cameras are on; the pipelines of one of them share it."""
        devices = dict.fromkeys(plan.camera.device for plan in plans)
        backends = {device: self._load(model, spec, plans, device) for device in devices}
        made: dict[tuple[str, int], Pipeline] = {}
        for plan in plans:
            key = (plan.settings.name, plan.camera.device)
            if key not in made:
                made[key] = Pipeline(spec, backends[key[1]], thresholds=plan.settings.thresholds)
        processors = [made[plan.settings.name, plan.camera.device] for plan in plans]
        for name, group in _by_pipeline(plans, processors).items():
            self.pipelines[name] = PipelineGroup(group)
        for pipeline in made.values():
            _warm_up(pipeline)

    def _load(self, model: ModelSettings, spec: ModelSpec, plans: Sequence[PipelinePlan], device: int) -> Backend:
        threads = {_thread(plan) for plan in plans if plan.camera.device == device}
        request = BackendRequest(
            kind=self._settings.backend,
            spec=spec,
            threads=self._settings.threads,
            engine=engine_file(model),
            device=device,
            contexts=min(len(threads), MOST_CONTEXTS),
            strict=model.engine.strict,
            public_key=Path(model.engine.public_key) if model.engine.public_key else None,
        )
        backend = self._backend_factory(request)
        self._backends[model.name, device] = backend  # before it is opened, so that it is closed even where that fails
        backend.open()
        return backend


def _thread(plan: PipelinePlan) -> tuple[str, str]:
    """Which thread runs it: a camera's pipelines share one, a set has one of its own."""
    return plan.camera.name, plan.settings.name if len(plan.sources) > 1 else ""


def _by_pipeline(plans: Sequence[PipelinePlan], processors: Sequence[P]) -> dict[str, dict[str, P]]:
    """The processors of each pipeline, by camera."""
    groups: dict[str, dict[str, P]] = {}
    for plan, processor in zip(plans, processors, strict=True):
        groups.setdefault(plan.settings.name, {})[plan.camera.name] = processor
    return groups


def _warm_up(pipeline: Pipeline) -> None:
    """Run once: the first inference is slower than all others, and no camera's frame is to pay for it."""
    pipeline.process([_grey(source) for source in pipeline.spec.inputs])


def _grey(source: InputSpec) -> Frame:
    width, height = source.width, source.height
    if source.preprocess.crop is not None:
        x, y, crop_width, crop_height = source.preprocess.crop
        width, height = max(width, x + crop_width), max(height, y + crop_height)
    return Frame(
        camera="warm_up",
        stamp_ns=0,
        frame_id="",
        encoding=Encoding.BGR8,
        width=width,
        height=height,
        step=3 * width,
        data=np.full(3 * width * height, 128, np.uint8),
    )
