"""GPU pipelines on a simulated GPU: real kernels on the CPU, and an engine that is a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from helpers.fake_engine import GPU, PLAN, VERSION, Arrays, FakePlan, Handler, fake_tensorrt, plan_of, write_fake_engine
from helpers.frames import bgr_frame
from helpers.kernel_bench import KernelBench
from helpers.model_specs import input_spec
from helpers.simulated_gpu import SimulatedDevice
from trt_perception.detections import Detections
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec
from trt_perception.result import Result
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.camera_upload import CameraUpload
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.null_backend import NullBackend
from trt_perception.runtime.open_engine import OpenedEngine
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.runtime.tensorrt_engine import TensorRtEngine
from trt_perception.thresholds import Thresholds

SIDE = 32
CELLS = 16
ROWS = 21
"""Cells of a YOLOX of that size, at strides 8, 16 and 32; only those of stride 8 find anything."""
LABELS = ("red", "green", "blue")

BOXES = HeadSpec(name="boxes", kind=HeadKind.YOLOX_DECODED, outputs=("boxes",), labels=LABELS)
MASK = HeadSpec(name="mask", kind=HeadKind.SEMANTIC_LOGITS, outputs=("mask",), labels=LABELS)


def spec_of(*, inputs: tuple[str, ...] = ("images",), heads: tuple[HeadSpec, ...] = (BOXES, MASK)) -> ModelSpec:
    """A model of 32 x 32 pixels: boxes of 16 cells, and which colour each of 8 x 8 pixels has."""
    shapes = {"boxes": (1, ROWS, 5 + len(LABELS)), "mask": (1, len(LABELS), 8, 8)}
    return ModelSpec(
        name="tiny",
        model="/absent/tiny.onnx",
        inputs=tuple(input_spec(SIDE, SIDE, name=name) for name in inputs),
        outputs=tuple(OutputSpec(name=head.name, shape=shapes[head.name]) for head in heads),
        heads=heads,
    )


def engine_function(inputs: Arrays) -> Arrays:
    """What the model computes: means of colours, over cells and pixels. Several inputs are added."""
    image = sum(np.asarray(value[0], np.float32) * (index + 1) for index, value in enumerate(inputs.values()))
    means = np.asarray(image).reshape(3, 4, 8, 4, 8).mean((2, 4), dtype=np.float32)  # of the cells
    rows, columns = np.indices((4, 4), np.float32)
    centres = np.stack([columns * 8 + 4 + means[0], rows * 8 + 4 - means[1]], -1).reshape(CELLS, 2)
    sizes = np.stack([5 + 3 * means[2], 5 + 3 * means[0]], -1).reshape(CELLS, 2)
    scores = means.reshape(3, CELLS).T / len(inputs)
    found = np.concatenate([centres, sizes, np.ones((CELLS, 1), np.float32), scores], 1)
    boxes = np.concatenate([found, np.zeros((ROWS - CELLS, found.shape[1]), np.float32)])
    mask = np.asarray(image).reshape(3, 8, 4, 8, 4).mean((2, 4), dtype=np.float32)
    return {"boxes": boxes[None].astype(np.float32), "mask": mask[None]}


class FunctionBackend(NullBackend):
    """The same function for `Pipeline`."""

    reads_inputs = True

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self._outputs = tuple(output.name for output in spec.outputs)

    def infer(self, inputs: Tensors) -> Tensors:
        outputs = engine_function(inputs)
        return {name: outputs[name] for name in self._outputs}


class GpuRig:
    """A simulated GPU with one engine, and what makes pipelines of it.

    Args:
        folder: For the engine's files.
        order: As of `SimulatedDevice`.
        bench: Where kernels run.
        spec: The model.
        function: What the engine computes.
        changes: As of `plan_of`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bench: KernelBench,
        order: str | int = "eager",
        spec: ModelSpec | None = None,
        function: Handler = engine_function,
        **changes: Any,
    ) -> None:
        self.spec = spec or spec_of()
        self.device = SimulatedDevice(order, bench=bench)
        names = tuple(output.name for output in self.spec.outputs)

        def handler(inputs: Arrays) -> Arrays:
            outputs = function(inputs)
            return {name: outputs[name] for name in names}

        self.plan: FakePlan = plan_of(self.spec, handler, device=self.device, **changes)
        for name, (is_input, shape, dtype) in self.plan.tensors.items():
            # TensorRT 8.6 gives int32 where a model has int64.
            self.plan.tensors[name] = (is_input, shape, {"int64": "int32"}.get(dtype, dtype))
        self.gpu = self.device.gpu()
        engine = TensorRtEngine(fake_tensorrt(self.plan), self.gpu, PLAN, name="tiny.engine")
        self.opened = OpenedEngine(
            engine=engine,
            manifest=write_fake_engine(folder / "tiny.engine", self.spec),
            tensorrt=TensorRtIdentity(flavour="tensorrt", version=VERSION),
            gpu=GPU,
            weights_bytes=0,
        )

    def pipeline(self, **options: Any) -> GpuPipeline:
        """A pipeline, not open yet."""
        return GpuPipeline(self.spec, self.opened, **options)

    def upload(self, **options: Any) -> CameraUpload:
        """A camera's upload."""
        return CameraUpload(self.gpu, frame_bytes=4096, **options)

    def expected(self, *frames: Frame | EncodedFrame, thresholds: Thresholds | None = None) -> Result:
        """What the pipeline on the host finds."""
        with Pipeline(self.spec, FunctionBackend(self.spec), thresholds=thresholds) as pipeline:
            return pipeline.process(frames)


MakeRig = Callable[..., GpuRig]
"""The fixture `make_rig`: takes what `GpuRig` takes besides folder and bench."""


def picture(seed: int, *, width: int = SIDE, height: int = SIDE, padding: int = 0) -> Frame:
    """A frame of coarse, colourful squares, another for each seed."""
    random = np.random.default_rng(seed)
    squares = random.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    return bgr_frame(squares[rows][:, columns], padding=padding, stamp_ns=seed + 1)


def assert_same(got: Result, expected: Result) -> None:
    """Every head finds the same."""
    assert list(got.heads) == list(expected.heads)
    for name, head in expected.heads.items():
        other = got.heads[name]
        if isinstance(head, Detections):
            assert isinstance(other, Detections)
            assert len(head)  # a frame without objects would prove nothing
            np.testing.assert_array_equal(other.class_ids, head.class_ids)
            np.testing.assert_array_equal(other.scores, head.scores)
            np.testing.assert_array_equal(other.boxes, head.boxes)
        else:
            assert not isinstance(other, Detections)
            np.testing.assert_array_equal(other.class_ids, head.class_ids)
