"""GPU time of the kernels that make masks, alone, beside what torch needs for the same.

    python bench/mask_kernels.py [--rehearse]

Images of 1920 x 1080. Times are between two events around launches of one captured CUDA graph that holds the work many
times over, divided by their number: gaps between kernels count, the host does not. torch, where it is installed with
CUDA, makes the mask of camera size as usual: upsampling of all logits, then argmax. `--rehearse` runs each once on the
CPU by the tests' stand-in for CUDA, which shows that the bench works and writes nothing.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from kernel_bench import run_kernel_bench
from kernel_device import ROUNDS, RUNS, KernelDevice
from numpy.typing import NDArray
from result_file import ResultFile

from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.model.model_spec import (
    HeadKind,
    HeadSpec,
    InputSpec,
    MaskSize,
    ModelSpec,
    OutputSpec,
    TensorType,
)
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

IMAGE = (1920, 1080)
NETWORK = (1024, 576)
"""Width and height: the shape of the image, so that no padding makes the work less."""
CLASSES = 19
OBJECTS = 20


class Case(NamedTuple):
    """One head on one input.

    Args:
        what: For people.
        kind: Its family.
        stride: Network pixels a cell.
        dtype: Element type of its outputs.
        mask_size: Of the mask.
        content: `regions` as networks give them, or `noise`, in which every pixel lies between classes.
    """

    what: str
    kind: HeadKind
    stride: int
    dtype: TensorType
    mask_size: MaskSize = MaskSize.CAMERA
    content: str = "regions"


LOGITS, IDS, BINARY, OBJECT_MASKS = (
    HeadKind.SEMANTIC_LOGITS,
    HeadKind.SEMANTIC_CLASS_IDS,
    HeadKind.BINARY_MASK,
    HeadKind.YOLOV8_SEG,
)
CASES = (
    *(
        Case(f"{CLASSES} classes", LOGITS, stride, dtype, mask_size)
        for stride in (4, 8)
        for dtype in (TensorType.FLOAT32, TensorType.FLOAT16)
        for mask_size in MaskSize
    ),
    Case(f"{CLASSES} classes", LOGITS, 4, TensorType.FLOAT32, content="noise"),
    Case(f"{CLASSES} classes", LOGITS, 1, TensorType.FLOAT16),
    Case("binary", BINARY, 1, TensorType.FLOAT16),
    Case("class ids", IDS, 1, TensorType.INT64),
    Case("class ids", IDS, 1, TensorType.INT64, MaskSize.NETWORK),
    Case("class ids", IDS, 4, TensorType.INT32),
    Case(f"{OBJECTS} objects", OBJECT_MASKS, 4, TensorType.FLOAT32),
    Case(f"{OBJECTS} objects", OBJECT_MASKS, 4, TensorType.FLOAT32, MaskSize.NETWORK),
)


def spec_of(case: Case) -> ModelSpec:
    """A model with that head alone."""
    width, height = NETWORK[0] // case.stride, NETWORK[1] // case.stride
    labels = tuple(f"class_{index}" for index in range(2 if case.kind is BINARY else CLASSES))
    cells = sum(NETWORK[0] // stride * (NETWORK[1] // stride) for stride in (8, 16, 32))
    of_kind: dict[HeadKind, dict[str, tuple[int, ...]]] = {
        LOGITS: {"logits": (1, CLASSES, height, width)},
        BINARY: {"logits": (1, 1, height, width)},
        IDS: {"ids": (1, height, width)},
        OBJECT_MASKS: {"boxes": (1, 4 + CLASSES + 32, cells), "prototypes": (1, 32, height, width)},
    }
    shapes = of_kind[case.kind]
    return ModelSpec(
        name="bench",
        model="bench.onnx",
        inputs=(InputSpec(name="images", shape=(1, 3, NETWORK[1], NETWORK[0])),),
        outputs=tuple(OutputSpec(name=name, shape=shape, dtype=case.dtype) for name, shape in shapes.items()),
        heads=(HeadSpec(name="head", kind=case.kind, outputs=tuple(shapes), labels=labels, mask_size=case.mask_size),),
    )


def outputs_of(case: Case, spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """What such a network might give."""
    random = np.random.default_rng(0)
    arrays: dict[str, NDArray[Any]] = {}
    for output in spec.outputs:
        if output.name == "boxes":
            boxes = np.zeros(output.shape[1:])
            chosen = random.choice(output.shape[2], OBJECTS, replace=False)
            boxes[:2, chosen] = random.uniform(0, np.array(NETWORK)[:, None], (2, OBJECTS))
            boxes[2:4, chosen] = random.uniform(40, 300, (2, OBJECTS))
            boxes[4 + random.integers(0, CLASSES, OBJECTS), chosen] = random.uniform(0.4, 1, OBJECTS)
            boxes[4 + CLASSES :, chosen] = random.normal(size=(32, OBJECTS))
            array = boxes[None]
        elif case.content == "noise" or output.name == "prototypes":
            array = random.normal(size=output.shape)
        else:
            array = regions(*output.shape[-2:], classes=1 if case.kind is BINARY else CLASSES)
            array = array.argmax(axis=1) if case.kind is IDS else array
            array = 1 / (1 + np.exp(-array)) if case.kind is BINARY else array
        arrays[output.name] = array.astype(output.dtype.value)
    return arrays


def regions(height: int, width: int, *, classes: int) -> NDArray[np.float64]:
    """Logits of smooth regions with borders: (1, classes, h, w)."""
    y, x = np.mgrid[:height, :width] / height
    phases = np.random.default_rng(1).uniform(0, 6.3, (3, classes, 1, 1))
    waves = 4 * np.sin(3 * x + phases[0]) + 3 * np.sin(4 * y + phases[1]) + np.sin(9 * (x + y) + phases[2])
    return np.asarray(waves[None], np.float64)


def measure(case: Case, device: KernelDevice) -> dict[str, Any]:
    """One row."""
    spec = spec_of(case)
    kernels = make_head_kernels(spec.heads[0], spec, {})
    transform = ImageTransform.of(*IMAGE, spec.inputs[0])
    outputs = {name: device.put(array) for name, array in outputs_of(case, spec).items()}
    limits = device.put(kernels.limits(Thresholds(nms_iou=1.0))) if kernels.limits_bytes else 0
    workspace, result = device.room(kernels.workspace_bytes), device.room(kernels.result_bytes(transform))
    calls = kernels.calls(outputs, transform, limits=limits, workspace=workspace, result=result)
    row = {
        "head": case.what,
        "stride": case.stride,
        "type": case.dtype.value,
        "mask": case.mask_size.value,
        "content": case.content,
        "us": device.us(calls),
        "kernels": ", ".join(f"{call.source.function} {device.us([call]):.1f}" for call in calls),
        "result_kb": kernels.result_bytes(transform) / 1e3,
    }
    device.clear()
    return row


def torch_us(case: Case) -> float | None:
    """The same by torch: bilinear upsampling and argmax; None for other heads and sizes, or where it is not here."""
    if case.kind is not LOGITS or case.mask_size is not MaskSize.CAMERA or importlib.util.find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    (logits,) = outputs_of(case, spec_of(case)).values()
    tensor = torch.from_numpy(logits).cuda()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    rounds = []
    for _ in range(ROUNDS + 1):
        start.record()
        for _ in range(RUNS):
            up = torch.nn.functional.interpolate(tensor, size=IMAGE[::-1], mode="bilinear", align_corners=False)
            up.argmax(dim=1).to(torch.uint8)
        end.record()
        end.synchronize()
        rounds.append(start.elapsed_time(end) * 1e3 / RUNS)
    return float(statistics.median(rounds[1:]))


def result_of(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> ResultFile:
    """The file."""
    columns = {
        "head": "head",
        "stride": "stride",
        "type": "type",
        "mask": "mask size",
        "content": "content",
        "us": "GPU us",
        "torch_us": "torch us",
        "times_torch": "torch / ours",
        "kernels": "kernels alone, us",
        "result_kb": "kB to the host",
    }
    return ResultFile(
        name="mask_kernels",
        question=f"GPU time of the kernels that make masks of {IMAGE[0]} x {IMAGE[1]} images, "
        f"network {NETWORK[0]} x {NETWORK[1]}, median of {ROUNDS} rounds of {RUNS} runs.",
        command=f"python bench/{Path(__file__).name}",
        columns=columns,
        rows=rows,
        machine=facts,
    )


def measure_beside_torch(case: Case, device: KernelDevice) -> dict[str, Any]:
    """One row, with torch's time where torch is installed with CUDA."""
    row, torch = measure(case, device), torch_us(case)
    return {**row, "torch_us": torch, "times_torch": torch and torch / row["us"]}


if __name__ == "__main__":
    sys.exit(
        run_kernel_bench(__doc__, name="mask_kernels", cases=CASES, measure=measure_beside_torch, result_of=result_of)
    )
