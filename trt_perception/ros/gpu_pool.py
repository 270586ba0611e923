"""The engines of one node on its GPUs, and a pipeline on the GPU for each camera that uses one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from trt_perception.errors import DeviceError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.camera_upload import CameraUpload
from trt_perception.runtime.engine_memory import lacking, mib
from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.make_backend import require_tensorrt
from trt_perception.runtime.open_engine import OpenedEngine, open_engine
from trt_perception.runtime.usual_frame import usual_frame_bytes
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.engine_requests import engine_file
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PipelinePlan


class GpuPool:
    """Opens each engine once a GPU, each camera's upload once, and one pipeline for each camera of a pipeline.

    Args:
        say: Takes one line: how much memory the pipelines of a model take, before they take it.
        warn: Takes one line that is a fault, but not one that ends anything.
        trace: Whether results carry the times of the stages.
    """

    def __init__(self, *, say: Callable[[str], object], warn: Callable[[str], object], trace: bool = False) -> None:
        self._say = say
        self._warn = warn
        self._trace = trace
        self._gpus: dict[int, Gpu] = {}
        self._engines: dict[tuple[str, int], OpenedEngine] = {}
        self._uploads: dict[str, CameraUpload] = {}
        self._pipelines: dict[str, list[GpuPipeline]] = {}  # by model

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be with the engines' files, and does not keep them from running."""
        found = {
            f"model {model}: {text}": None for (model, _), opened in self._engines.items() for text in opened.warnings
        }
        return tuple(found)

    def name(self, model: str) -> str:
        """Runtime, version, GPUs, and whether frames are CUDA graphs."""
        engines = [opened for (name, _), opened in self._engines.items() if name == model]
        pipelines = self._pipelines.get(model, [])
        gpus = ", ".join(f"{opened.gpu.name} {opened.engine.gpu.index}" for opened in engines)
        notes = ", ".join(dict.fromkeys(pipeline.note for pipeline in pipelines))
        return f"{engines[0].tensorrt} ({gpus}, path gpu, pipelines: {len(pipelines)}, {notes})"

    def open_pipelines(self, model: ModelSettings, spec: ModelSpec, plans: Iterable[PipelinePlan]) -> list[GpuPipeline]:
        """The pipelines of one model, open, in the order of the plans.

        Raises:
            PerceptionError: One cannot be opened; none of this model stays open.
        """
        plans = tuple(plans)
        try:
            pipelines = [self._make_pipeline(model, spec, plan) for plan in plans]
            self._announce(model, plans, pipelines)
            for plan, pipeline in zip(plans, pipelines, strict=True):
                self._open(plan, pipeline)
        except BaseException:
            self._drop(model.name)
            raise
        return pipelines

    def register(self, address: int, nbytes: int) -> Callable[[], None]:
        """Pin memory that frames will lie in, so that uploads take no processor; what undoes it.

        Where that fails frames are uploaded all the same, more slowly, and one line says so.
        """
        gpu = next(iter(self._gpus.values()), None)
        if gpu is None:
            return lambda: None
        gpu.use()
        try:
            gpu.register(address, nbytes)
        except DeviceError as error:
            if error.is_sticky:
                raise
            self._warn(
                f"{mib(nbytes)} MiB of shared memory cannot be pinned ({error}), "
                "so uploads take two to three times as long; see `ulimit -l`"
            )
            return lambda: None
        return lambda: _unregister(gpu, address)

    def close(self) -> None:
        """Close everything. Harmless when called twice."""
        for model in {name for name, _ in self._engines}:
            self._drop(model)
        uploads, self._uploads = self._uploads, {}
        for upload in uploads.values():
            upload.close()
        self._gpus.clear()

    def _make_pipeline(self, model: ModelSettings, spec: ModelSpec, plan: PipelinePlan) -> GpuPipeline:
        opened = self._engine(model, spec, plan.camera.device)
        pipeline = GpuPipeline(
            spec,
            opened,
            uploads=self._uploads_of(plan),
            priority=opened.engine.gpu.stream_priority(plan.camera.priority),
            thresholds=plan.settings.thresholds,
            trace=self._trace,
        )
        self._pipelines.setdefault(model.name, []).append(pipeline)
        return pipeline

    def _engine(self, model: ModelSettings, spec: ModelSpec, device: int) -> OpenedEngine:
        key = (model.name, device)
        if key not in self._engines:
            path = engine_file(model)
            require_tensorrt(spec, path)
            opened = open_engine(
                path,
                device=device,
                spec=spec,
                strict=model.engine.strict,
                public_key=Path(model.engine.public_key) if model.engine.public_key else None,
                gpu=self._gpus.get(device),
            )
            self._engines[key] = opened
            self._gpus[device] = opened.engine.gpu
        return self._engines[key]

    def _uploads_of(self, plan: PipelinePlan) -> list[CameraUpload]:
        """Shared by the pipelines of one camera, which one thread serves; a set has a thread and uploads of its own."""
        if len(plan.sources) == 1:
            return [self._upload(plan.camera.name, plan.camera.name, plan.camera)]
        names = [source.name for source in plan.sources]
        return [self._upload(f"{plan.settings.name}/{names[0]}/{name}", name, plan.camera) for name in names]

    def _upload(self, key: str, name: str, camera: CameraSettings) -> CameraUpload:
        """The upload of that key: of the named camera's frames, to the GPU and with the priority of `camera`."""
        if key not in self._uploads:
            gpu = self._gpus[camera.device]
            priority = gpu.stream_priority(camera.priority)
            try:
                self._uploads[key] = CameraUpload(gpu, priority=priority)
            except DeviceError as error:
                purpose = f"2 frames of {mib(usual_frame_bytes())} MiB of camera {name} are to lie there"
                raise lacking(error, purpose, gpu) from error
        return self._uploads[key]

    def _announce(self, model: ModelSettings, plans: Iterable[PipelinePlan], pipelines: list[GpuPipeline]) -> None:
        """Say what the pipelines will take, and refuse at once what cannot be had.

        Raises:
            DeviceError: More than is free.
        """
        for device in sorted({plan.camera.device for plan in plans}):
            gpu = self._gpus[device]
            gpu.use()
            here = [pipe for plan, pipe in zip(plans, pipelines, strict=True) if plan.camera.device == device]
            needed, free = sum(pipe.memory.own_bytes for pipe in here), gpu.free_bytes()
            weights = self._engines[model.name, device].weights_bytes
            text = (
                f"model {model.name}: {len(here)} pipelines on GPU {device} take {mib(needed)} MiB beside the weights "
                f"({mib(weights)} MiB) and frames ({mib(2 * usual_frame_bytes())} MiB a camera in Full HD); "
                f"{mib(free)} MiB are free"
            )
            if needed > free:
                raise DeviceError(f"{text}: run fewer cameras or models on this GPU")
            self._say(text)

    def _open(self, plan: PipelinePlan, pipeline: GpuPipeline) -> None:
        try:
            pipeline.open()
        except DeviceError as error:
            text = f"camera {plan.camera.name}, pipeline {plan.settings.name}: {error}"
            raise DeviceError(text, is_sticky=error.is_sticky) from error

    def _drop(self, model: str) -> None:
        for pipeline in self._pipelines.pop(model, []):
            pipeline.close()
        for key in [key for key in self._engines if key[0] == model]:
            self._engines.pop(key).engine.close()


def _unregister(gpu: Gpu, address: int) -> None:
    with suppress(DeviceError):  # a device that is lost gives nothing back
        gpu.use()
        gpu.unregister(address)
