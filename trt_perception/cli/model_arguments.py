"""The arguments of every verb that runs a model, and the pipeline that they describe."""

from __future__ import annotations

import argparse
from pathlib import Path

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.engine.any_spec import any_spec
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.runtime.backend import BackendKind
from trt_perception.runtime.engine_pipeline import EnginePipeline
from trt_perception.runtime.make_backend import make_backend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.settings.execution_path import ExecutionPath
from trt_perception.thresholds import Thresholds


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare backend and thresholds."""
    default = Thresholds()
    parser.add_argument(
        "--backend",
        type=BackendKind,
        choices=list(BackendKind),
        default=BackendKind.AUTO,
        metavar="{" + ",".join(kind.value for kind in BackendKind) + "}",
        help="what runs the model (default: auto, and the output says which it took)",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads of one inference in onnxruntime (default: half the cores)"
    )
    parser.add_argument(
        "--engine", type=Path, metavar="FILE", help="the engine for tensorrt (default: beside the ONNX, with its name)"
    )
    parser.add_argument(
        "--path",
        type=ExecutionPath,
        choices=(ExecutionPath.GPU, ExecutionPath.HOST),
        default=ExecutionPath.GPU,
        metavar="{gpu,host}",
        help="with tensorrt: where images are preprocessed and outputs decoded (default: gpu, as in the node)",
    )
    add_key_argument(parser)
    parser.add_argument("--score", type=float, default=default.score, help=f"lowest score (default: {default.score})")
    parser.add_argument(
        "--nms-iou", type=float, default=default.nms_iou, help=f"NMS overlap (default: {default.nms_iou})"
    )


def make_pipeline(model: Path, arguments: argparse.Namespace) -> AnyPipeline:
    """The pipeline, not opened yet.

    Args:
        model: The model's YAML, the ONNX itself, or an engine with its manifest.
        arguments: What `add_model_arguments` declared.

    Raises:
        PerceptionError: The model cannot be used, or its runtime is missing.
    """
    spec = any_spec(model)
    key: Path | None = arguments.public_key
    backend = make_backend(
        arguments.backend, spec, threads=arguments.threads or None, engine=arguments.engine, public_key=key
    )
    thresholds = Thresholds(score=arguments.score, nms_iou=arguments.nms_iou)
    if isinstance(backend, TensorRtBackend) and arguments.path is ExecutionPath.GPU:
        return EnginePipeline(spec, engine=backend.engine, public_key=key, thresholds=thresholds)
    return Pipeline(spec, backend, thresholds=thresholds)
