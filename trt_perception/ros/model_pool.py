"""The models of one node, each loaded once, and the pipelines that share them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from trt_perception.encoding import Encoding
from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import ConfigError
from trt_perception.frame import Frame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros.backend_request import BackendRequest
from trt_perception.ros.class_table import check_label_map
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.settings.engine_requests import engine_file
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.pipeline_settings import PipelineSettings

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
        contexts=request.contexts,
        strict=request.strict,
        public_key=request.public_key,
    )


class ModelPool:
    """Loads the models that pipelines use, and makes one pipeline for each of the config's.

    Args:
        settings: The config.
        backend_factory: Makes the backends.
    """

    def __init__(self, settings: PerceptionSettings, *, backend_factory: BackendFactory = default_backend) -> None:
        self.specs: dict[str, ModelSpec] = {}
        self.pipelines: dict[str, Pipeline] = {}
        self._settings = settings
        self._backend_factory = backend_factory
        self._backends: dict[str, Backend] = {}

    @property
    def backend_names(self) -> dict[str, str]:
        """Runtime and version, by model."""
        return {model: backend.name for model, backend in self._backends.items()}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be with the models' files, and does not keep them from running."""
        return tuple(
            f"model {model}: {text}"
            for model, backend in self._backends.items()
            for text in getattr(backend, "warnings", ())
        )

    def open(self) -> None:
        """Load every model that a pipeline uses, and run each once.

        Raises:
            PerceptionError: One cannot be loaded; nothing stays loaded.
        """
        try:
            for plan in self._settings.plans:
                if plan.model.name not in self.specs:
                    self._load(plan.model)
                if plan.settings.name not in self.pipelines:
                    self.pipelines[plan.settings.name] = self._make_pipeline(plan.settings)
            for pipeline in self.pipelines.values():
                _warm_up(pipeline)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Unload everything. Harmless when called twice."""
        for backend in self._backends.values():
            backend.close()
        self._backends.clear()
        self.pipelines.clear()
        self.specs.clear()

    def _load(self, model: ModelSettings) -> None:
        spec = any_spec(Path(model.spec))
        cameras = {plan.camera.name for plan in self._settings.plans if plan.model is model}
        request = BackendRequest(
            kind=self._settings.backend,
            spec=spec,
            threads=self._settings.threads,
            engine=engine_file(model),
            contexts=min(len(cameras), MOST_CONTEXTS),
            strict=model.engine.strict,
            public_key=Path(model.engine.public_key) if model.engine.public_key else None,
        )
        backend = self._backend_factory(request)
        self._backends[model.name] = backend  # before it is opened, so that it is closed even where that fails
        backend.open()
        self.specs[model.name] = spec

    def _make_pipeline(self, settings: PipelineSettings) -> Pipeline:
        spec = self.specs[settings.model]
        labels = tuple(label for head in spec.heads for label in head.labels)
        check_label_map(settings.label_map, labels, pipeline=settings.name)
        return Pipeline(spec, self._backends[settings.model], thresholds=settings.thresholds)


def _warm_up(pipeline: Pipeline) -> None:
    """Run once: the first inference is slower than all others, and no camera's frame is to pay for it."""
    source = pipeline.spec.inputs[0]
    width, height = source.width, source.height
    if source.preprocess.crop is not None:
        x, y, crop_width, crop_height = source.preprocess.crop
        width, height = max(width, x + crop_width), max(height, y + crop_height)
    grey = Frame(
        camera="warm_up",
        stamp_ns=0,
        frame_id="",
        encoding=Encoding.BGR8,
        width=width,
        height=height,
        step=3 * width,
        data=np.full(3 * width * height, 128, np.uint8),
    )
    pipeline.process([grey])
