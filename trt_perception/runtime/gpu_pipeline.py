"""One model with its sources, on the GPU from the pixels to the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import RLock
from time import monotonic_ns

from trt_perception.draw.draw_kernels import DrawKernels
from trt_perception.engine.engine_io import check_tensors
from trt_perception.errors import DeviceError, InputError, PerceptionError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.result import Result, StageTimes
from trt_perception.runtime.camera_upload import CameraUpload
from trt_perception.runtime.check_frames import check_frames
from trt_perception.runtime.check_outputs import check_outputs
from trt_perception.runtime.device_frame import DeviceFrame
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.engine_memory import lacking, mib
from trt_perception.runtime.frame_graphs import FrameGraphs
from trt_perception.runtime.frame_plan import FramePlan
from trt_perception.runtime.gpu_painter import GpuPainter, Picture
from trt_perception.runtime.gpu_stages import GpuStages
from trt_perception.runtime.judging_model import JudgingModel
from trt_perception.runtime.open_engine import OpenedEngine
from trt_perception.runtime.pipeline_memory import PipelineMemory
from trt_perception.runtime.pipeline_slot import PipelineSlot
from trt_perception.runtime.result_slots import ResultSlots
from trt_perception.runtime.stage_kernels import StageKernels
from trt_perception.runtime.ticket import Ticket
from trt_perception.runtime.usual_frame import grey_frame
from trt_perception.thresholds import Thresholds


class GpuPipeline(JudgingModel):
    """Uploads, preprocesses, infers and decodes on the GPU, on one stream, with one launch and one copy a frame.

    Fixed for its life: all but `thresholds`. `process` may be called from several threads, which take turns; `start`
    and `catch_up` from one at a time. Frames of one pipeline are worked on one after another, those of several beside
    each other.

    Args:
        spec: The model.
        opened: Its engine, shared with other pipelines; close it after them.
        uploads: Where the frames of each input come in, shared with the camera's other pipelines; close them after
            these. None: its own.
        priority: Of the stream. Lower numbers go first. None: the lowest.
        thresholds: Limits of the detections. Default: `Thresholds()`.
        slots: Frames under way at once.
        mapped: Whether kernels read the host's memory, for `uploads` of its own. None: where host and GPU share one.
        graph: Whether to launch CUDA graphs where the engine can be captured; `note` says what became of it.
        trace: Whether results carry the times of the stages on the GPU.

    Raises:
        ModelError: The engine is not one of this model, or a head does not fit the model's outputs.
        ConfigError: An input is no image, or `thresholds` name a label that no detection head has.
    """

    def __init__(
        self,
        spec: ModelSpec,
        opened: OpenedEngine,
        *,
        uploads: Sequence[CameraUpload] | None = None,
        priority: int | None = None,
        thresholds: Thresholds | None = None,
        slots: int = 2,
        mapped: bool | None = None,
        graph: bool = True,
        trace: bool = False,
    ) -> None:
        if slots < 1:
            raise InputError(f"model {spec.name}: expected at least 1 slot, got {slots}")
        super().__init__(spec, thresholds)
        self._opened = opened
        self._gpu = opened.engine.gpu
        self._given_uploads = uploads
        self._priority = priority
        self._slot_count = slots
        self._mapped = mapped
        self._graph = graph
        self._trace = trace
        check_tensors(opened.engine.tensors, spec, engine=opened.engine.name)
        self._kernels = StageKernels(spec, opened.engine.tensors)
        self.memory = PipelineMemory.of(opened, self._kernels, slots=slots)
        """What it takes, known before it is opened."""
        self._lock = RLock()
        self._uploads: tuple[CameraUpload, ...] = ()
        self._stages: GpuStages | None = None
        self._graphs: FrameGraphs | None = None
        self._slots: ResultSlots | None = None
        self._painter: GpuPainter | None = None

    @property
    def note(self) -> str:
        """`CUDA graph`, or `no CUDA graph` and why."""
        return "no CUDA graph: not open" if self._graphs is None else self._graphs.note

    @property
    def stream(self) -> object:
        """The stream of cuda.core that it works on; None where it is not open."""
        return None if self._stages is None else self._stages.context.stream

    def open(self) -> None:
        """Allocate, load the kernels of every encoding, and run a grey image once. Harmless when called twice.

        Raises:
            EngineError: An output has another shape than the model's at the shapes of its inputs.
            MissingError: Kernels cannot be compiled here.
            DeviceError: CUDA or TensorRT fails; out of memory says how much is needed and how much is free.
        """
        with self._lock:
            if self._stages is not None:
                return
            self._gpu.use()
            free = self._gpu.free_bytes()
            try:
                self._open()
            except DeviceError as error:
                self.close()
                raise self.memory.explain(error, free) from error
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Free everything, once the frames under way are done. Their results stay. Harmless when called twice."""
        with self._lock:
            self._gpu.use()
            slots, self._slots = self._slots, None
            if slots is not None:
                slots.settle()
            if self._graphs is not None:
                self._graphs.clear()
            stages, self._stages, self._graphs = self._stages, None, None
            if stages is not None:
                stages.close()
            if self._painter is not None:
                self._painter.close()
            if slots is not None:
                slots.free()
            uploads, self._uploads = self._uploads, ()
            for upload in uploads if self._given_uploads is None else ():
                upload.close()

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        """The heads' results for one set of frames, in pixels of the first one's image.

        Args:
            frames: One frame for each input of the model, in the spec's order.

        Raises:
            InputError: Another number of frames than the model has inputs.
            FrameError: A frame cannot be used, or the model's outputs for it cannot.
            DeviceError: CUDA or TensorRT failed; `is_sticky` says whether only a new process can go on.
        """
        result = self.start(frames).result()
        self.catch_up()
        return result

    def start(self, frames: Sequence[Frame | EncodedFrame]) -> Ticket:
        """Enqueue everything for one set of frames; waits only where all slots are under way, for the oldest.

        The pixels of the frames must stay as they are until the ticket has its result.

        Args:
            frames: As of `process`.

        Raises:
            InputError: Another number of frames than the model has inputs.
            FrameError: A frame cannot be used.
            DeviceError: CUDA or TensorRT failed.
        """
        check_frames(frames, self._spec)
        begun = monotonic_ns()
        raw = [decode_image(frame) if isinstance(frame, EncodedFrame) else frame for frame in frames]
        decoded = monotonic_ns() if any(isinstance(frame, EncodedFrame) for frame in frames) else 0
        with self._lock:
            stages, graphs, slots = self._opened_parts()
            self._gpu.use()
            plan = self._kernels.plan([FrameLayout.of(frame) for frame in raw])
            self._reserve(plan)
            slot: PipelineSlot | None = None
            try:
                places = [upload.upload(frame, taker=self) for upload, frame in zip(self._uploads, raw, strict=True)]
                slot = slots.of(places[0].index)
                slot.settle()
                picture = self._enqueue(stages, graphs, slots, plan, places, slot)
            except BaseException:
                self._abandon()
                if slot is not None:
                    slot.give_memory_back()
                raise
            finish = partial(self._finish, slot, plan, raw, places, picture, begun_ns=begun, image_decoded_ns=decoded)
            slot.ticket = ticket = Ticket(finish)
            return ticket

    def draw(self, shown: ModelSpec, *, wanted: Callable[[], bool], left_out: Mapping[str, frozenset[int]]) -> None:
        """Draw results into their images from now on, for frames at which `wanted` says so; `Result.picture` has it.

        Where there is no memory for pictures there are none.

        Args:
            shown: The model, with the labels that are shown.
            wanted: Asked by `start`, for every frame.
            left_out: Classes that are not drawn, by head.

        Raises:
            MissingError, DeviceError: The kernels cannot be compiled or loaded.
        """
        heads = {head.name: kernels for head, kernels in zip(self._spec.heads, self._kernels.heads, strict=True)}
        kernels = DrawKernels(shown, heads, left_out=left_out)
        with self._lock:
            if self._painter is not None:
                self._settle()
                self._painter.close()
            self._painter = GpuPainter(self._gpu, kernels, wanted=wanted, slots=self._slot_count)

    def catch_up(self) -> None:
        """Do what need not hold a frame up: capture the graph of a new frame layout. Call it between frames.

        Raises:
            DeviceError: The device is lost.
        """
        with self._lock:
            if self._graphs is not None:
                self._gpu.use()
                self._graphs.catch_up()

    def _open(self) -> None:
        gpu, engine = self._gpu, self._opened.engine
        for source in sorted(self._kernels.sources(), key=str):
            gpu.load_kernel(source)
        shapes = {source.name: source.shape for source in self._spec.inputs}
        context = EngineContext(engine, shapes=shapes, priority=self._priority)
        self._stages = GpuStages(context, self._kernels)
        check_outputs(context, self._spec, engine=engine.name)
        self._graphs = FrameGraphs(gpu, context.stream, graph=self._graph)
        self._slots = ResultSlots(gpu, count=self._slot_count, trace=self._trace)
        if self._given_uploads is None:
            for _ in self._spec.inputs:
                upload = CameraUpload(gpu, priority=self._priority, mapped=self._mapped, places=self._slot_count)
                self._uploads += (upload,)
        else:
            self._uploads = tuple(self._given_uploads)
        self._warm_up()

    def _warm_up(self) -> None:
        """The first run is slower than all others, and what it captures serves most cameras."""
        layouts = self._kernels.usual_plan().layouts
        self.process([grey_frame(layout) for layout in layouts])

    def _reserve(self, plan: FramePlan) -> None:
        """Make room for the plan's results, which changes the addresses that graphs have captured."""
        stages, graphs, slots = self._opened_parts()
        if plan.result_bytes <= min(stages.result_bytes, slots.result_bytes):
            return
        self._settle()
        graphs.clear()
        slots.free()
        try:
            stages.reserve_result(plan.result_bytes)
            slots.reserve(plan.result_bytes)
        except DeviceError as error:
            raise lacking(error, f"results of {mib(plan.result_bytes)} MiB are to lie there", self._gpu) from error

    def _enqueue(
        self,
        stages: GpuStages,
        graphs: FrameGraphs,
        slots: ResultSlots,
        plan: FramePlan,
        places: Sequence[DeviceFrame],
        slot: PipelineSlot,
    ) -> Picture | None:
        gpu, stream = self._gpu, stages.context.stream
        stages.use_limits(self._limits[1])
        for place in places:
            if place.uploaded is not None:
                gpu.wait(stream, place.uploaded)
        pixels = tuple(place.address for place in places)
        is_graph = graphs.launch((slot.index, plan.layouts, pixels), partial(stages.work, plan, pixels, slot.events))
        stages.fetch(plan, slot.take_memory(slots.blocks), slot.events)
        picture = None
        if self._painter is not None:
            picture = self._painter.draw(
                plan.layouts[0],
                stream,
                pixels=pixels[0],
                results=stages.results(plan),
                slot=slot.index,
                settle=self._settle,
            )
        gpu.record(stream, slot.done)
        for place in places:
            place.readers.append(slot.done)
        if not is_graph and all(place.memory is not None for place in places):
            self._foresee(plan)
        return picture

    def _foresee(self, plan: FramePlan) -> None:
        """The next frames of this layout come through the other places."""
        stages, graphs, slots = self._opened_parts()
        for places in zip(*(upload.places for upload in self._uploads), strict=False):
            pixels = tuple(place.address for place in places)
            slot = slots.of(places[0].index)
            graphs.foresee((slot.index, plan.layouts, pixels), partial(stages.work, plan, pixels, slot.events))

    def _settle(self) -> None:
        """Have all results read, and wait until the stream is idle."""
        if self._slots is not None:
            self._slots.settle()
        self._wait()

    def _finish(
        self,
        slot: PipelineSlot,
        plan: FramePlan,
        frames: Sequence[Frame],
        places: Sequence[DeviceFrame],
        picture: Picture | None,
        *,
        begun_ns: int,
        image_decoded_ns: int,
    ) -> Result:
        """Wait and read. `frames` is held until then, since the GPU may still read it."""
        gpu = self._gpu
        try:
            gpu.use()
            with gpu.guard(f"running the engine {self._opened.engine.name}"):
                slot.done.sync()
        except BaseException:
            slot.give_memory_back()
            raise
        done_ns = monotonic_ns()
        for place in places:
            place.let_go(slot.done)
        heads = self._kernels.read(slot.lend_memory(plan.result_bytes), plan)
        started_ns = image_decoded_ns or begun_ns
        times = StageTimes(
            decode_ns=started_ns - begun_ns,
            inference_ns=done_ns - started_ns,
            postprocess_ns=monotonic_ns() - done_ns,
        )
        stamps = None
        if slot.events is not None:
            stamps = slot.events.stamps(done_ns, image_decoded_ns=image_decoded_ns)
        size = (plan.transform.image_width, plan.transform.image_height)
        drawn = picture() if picture is not None else None
        return Result(heads=heads, times=times, image_size=size, stamps=stamps, picture=drawn)

    def _abandon(self) -> None:
        """Something failed half way: nothing may still read pixels that their owner takes back."""
        with suppress(PerceptionError):
            self._wait()
            for upload in self._uploads:
                upload.drain()

    def _wait(self) -> None:
        stages, _, _ = self._opened_parts()
        with self._gpu.guard(f"running the engine {self._opened.engine.name}"):
            stages.context.stream.sync()

    def _opened_parts(self) -> tuple[GpuStages, FrameGraphs, ResultSlots]:
        if self._stages is None or self._graphs is None or self._slots is None:
            raise DeviceError(f"model {self._spec.name}: a frame before open or after close; open the pipeline first")
        return self._stages, self._graphs, self._slots
