"""The whole perception config, checked as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from trt_perception.errors import ConfigError
from trt_perception.options.option import option
from trt_perception.runtime.backend import BackendKind
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.execution_path import ExecutionPath
from trt_perception.settings.ingest_settings import IngestSettings
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.pipeline_settings import PipelineSettings

T = TypeVar("T")

SCHEMA = 1
"""Number of the config's format. A newer number than this is refused."""


@dataclass(frozen=True, kw_only=True)
class PipelinePlan:
    """One pipeline of one set of sources, as the node builds it.

    Args:
        settings: The pipeline's settings.
        model: The model's settings.
        sources: The cameras that feed it, in the order of the model's inputs.
    """

    settings: PipelineSettings
    model: ModelSettings
    sources: tuple[CameraSettings, ...]

    @property
    def camera(self) -> CameraSettings:
        """The camera whose image the results refer to: the first source."""
        return self.sources[0]


@dataclass(frozen=True, kw_only=True)
class PerceptionSettings:
    """Cameras, models and pipelines of one node.

    Raises:
        ConfigError: A name is used twice, or refers to nothing; a newer schema.
    """

    schema: int = option(SCHEMA, description="Number of this file's format.")
    backend: BackendKind = option(BackendKind.TENSORRT, description="Runtime that executes the models.")
    path: ExecutionPath = option(
        ExecutionPath.GPU,
        description="With tensorrt: whether all of a frame runs on the GPU, or preprocessing and decoding on the host; "
        "`gpu_or_host` takes the host where our kernels cannot be had, and says so.",
    )
    timing: bool = option(
        False,
        description="Whether `<camera>/timing` says where each frame's time went (needs trt_perception_msgs), and NVTX "
        "ranges do where the package nvtx is installed.",
    )
    threads: int = option(
        0,
        description="CPU threads of one inference in the onnxruntime backend. 0: half the cores.",
        minimum=0,
        maximum=1024,
    )
    ingest: IngestSettings = option(IngestSettings(), description="Which processes receive the images.")
    cameras: tuple[CameraSettings, ...] = option(description="The cameras.")
    models: tuple[ModelSettings, ...] = option(description="The models.")
    pipelines: tuple[PipelineSettings, ...] = option(description="Which model runs on which cameras.")

    def __post_init__(self) -> None:
        if self.schema > SCHEMA:
            raise ConfigError("schema", f"expected at most {SCHEMA}, got {self.schema}", "update trt_perception")
        for group in ("cameras", "models", "pipelines"):
            _check_names(group, [item.name for item in getattr(self, group)])
        tuple(self._plan())  # checks that every name refers to something

    @property
    def plans(self) -> tuple[PipelinePlan, ...]:
        """One plan for each pipeline and camera, or set of cameras, in the order of the config."""
        return tuple(self._plan())

    def _plan(self) -> Iterable[PipelinePlan]:
        cameras = {camera.name: camera for camera in self.cameras}
        models = {model.name: model for model in self.models}
        for index, pipeline in enumerate(self.pipelines):
            where = f"pipelines[{index}]"
            model = _named(models, pipeline.model, f"{where}.model")
            for place, names in _sources(pipeline, tuple(cameras)):
                sources = tuple(_named(cameras, name, f"{where}.{place.format(at)}") for at, name in enumerate(names))
                yield PipelinePlan(settings=pipeline, model=model, sources=sources)


def _sources(pipeline: PipelineSettings, cameras: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The cameras of each run of the model, after where they stand; `{}` in it is the position among them."""
    if pipeline.sets:
        return [(f"sets[{index}][{{}}]", names) for index, names in enumerate(pipeline.sets)]
    return [(f"cameras[{index}]", (name,)) for index, name in enumerate(pipeline.cameras or cameras)]


def _check_names(group: str, names: list[str]) -> None:
    if not names:
        raise ConfigError(group, "expected at least one, got none")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ConfigError(group, f"name {name!r} is used {count} times, expected every name once")


def _named(items: dict[str, T], name: str, where: str) -> T:
    if name not in items:
        raise ConfigError(where, f"expected one of {', '.join(items)}, got {name!r}")
    return items[name]
