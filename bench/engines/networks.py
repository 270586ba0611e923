"""The networks that are measured, and what of each is needed before an engine can be built."""

from __future__ import annotations

import dataclasses
import multiprocessing
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.engines.held_out import draw_calibration
from trt_perception.calibration.calibrate import CalibrationOptions, calibrate
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.calibration_table import read_table, write_table
from trt_perception.precision.model_digest import model_sha256
from trt_perception.precision.named_plan import named_plan
from trt_perception.precision.precision_plan import PrecisionPlan

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx"

PLANS = {"fp32": "fp32", "fp16": "fp16", "split": "int8_backbone_fp16_head", "int8": "int8"}
"""Precision plan by the short name of a precision."""
SIZES = ("size_s", "size_m", "size_l")
NETWORKS = ("demo", "nano", *SIZES)
STREAMS = (1, 4, 8)
BATCHES = (1, 4, 16)
OPTIMAL_BATCH = 4
"""The batch that every dynamic engine is tuned for."""
SIZE_FRAMES = 12
"""Frames that calibrate a network of random weights: enough for ranges of the right order."""


@dataclass(frozen=True)
class Network:
    """One network in the folder of work.

    Args:
        name: One of NETWORKS.
        work: The folder.
    """

    name: str
    work: Path

    @property
    def onnx(self) -> Path:
        """In FP32, batch open but for nano."""
        return self.work / "networks" / f"{self.name}.onnx"

    @property
    def table(self) -> Path:
        """Its calibrated ranges."""
        return self.work / "networks" / f"{self.name}.calibration.json"

    @property
    def is_dynamic(self) -> bool:
        """Whether its batch is open."""
        return self.name != "nano"

    @property
    def overrides(self) -> ModelOverrides:
        """What the ONNX leaves open, at batch 1."""
        if not self.is_dynamic:
            return ModelOverrides()
        static = load_spec(DEMO)
        inputs = {item.name: item.shape for item in static.inputs}
        return ModelOverrides(shapes={**inputs, **{item.name: item.shape for item in static.outputs}})

    @property
    def spec(self) -> ModelSpec:
        """At batch 1."""
        return load_spec(self.onnx, overrides=self.overrides)

    def engine(self, precision: str) -> Path:
        """Where the engine of a precision lies."""
        return self.work / "engines" / f"{self.name}_{precision}.engine"

    def timing_cache(self, precision: str) -> Path:
        """Kernel times of that engine alone: TensorRT refuses what another builder of the process made."""
        return self.work / "timing" / f"{self.name}_{precision}.cache"

    def plan(self, precision: str) -> PrecisionPlan:
        """The precision plan."""
        return named_plan(PLANS[precision])


def prepare_demo(network: Network, table: Path) -> None:
    """The demo model with an open batch, and its ranges.

    The table is that of the shipped file; the ranges hold, since weights and computation are the same.
    """
    _free_batch(DEMO, network.onnx)
    ranges = dataclasses.replace(read_table(table), model_sha256=model_sha256(network.onnx))
    write_table(ranges, network.table)


def prepare_nano(network: Network, model: Path, table: Path) -> None:
    """YOLOX-nano as it is, with its ranges."""
    network.onnx.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, network.onnx)
    shutil.copyfile(table, network.table)


def prepare_sizes(networks: list[Network], pictures: Path, *, frames: int, processes: int) -> None:
    """Ranges of networks of random weights, whose ONNX lie there already; one process a network."""
    context = multiprocessing.get_context("spawn")
    threads = max(1, processes // len(networks))
    with context.Pool(min(processes, len(networks))) as pool:
        pool.starmap(_prepare_size, [(network, pictures, frames, threads) for network in networks])


def _prepare_size(network: Network, pictures: Path, frames: int, threads: int) -> None:
    calibration = calibrate(
        network.onnx,
        sorted(path for path in pictures.iterdir() if path.is_dir()),
        CalibrationOptions(calibrator=network.plan("split").calibrator, frames=frames),
        overrides=network.overrides,
        threads=threads,
    )
    write_table(calibration.table, network.table)


def draw_for_sizes(folder: Path, *, frames: int, processes: int, size: tuple[int, int]) -> Path:
    """Pictures to calibrate the sizes on."""
    draw_calibration(folder, drives=-(-frames // 6) + 1, instants=1, processes=processes, size=size)
    return folder


def _free_batch(source: Path, target: Path) -> None:
    """As training/export.py: the first size of inputs and outputs becomes any, and a Reshape keeps it."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(source))
    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del graph.value_info[:]
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for constant in graph.initializer:
        if constant.name in shapes:
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0  # as in the input
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(target))
