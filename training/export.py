"""Write a trained network as ONNX: batch normalisation folded, names that carry the region, metadata.

python3 -m training.export CHECKPOINT demo_model.onnx [--dynamic-batch]
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.checkpoint import load_average
from training.fold import folded
from training.network.network import Network
from training.network.network_options import STRIDES
from trt_perception.demo.classes import CLASS_NAMES, MASK_NAMES
from trt_perception.model.embedded_spec import spec_metadata
from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, ModelSpec, OutputSpec
from trt_perception.model.preprocess_options import ChannelOrder, PreprocessOptions

HEIGHT, WIDTH = 544, 960
OPSET = 17
OUTPUTS = ("detections", "segmentation")


def export_onnx(network: nn.Module, path: Path, *, dynamic_batch: bool = False) -> None:
    """Write `network` to `path`, whole or not at all.

    Raises:
        ImportError: The onnx package is missing.
    """
    import onnx

    module = folded(network)
    assert isinstance(module, Network)
    two_streams = module.options.thermal_widths is not None
    inputs = {"images": torch.zeros(1, 3, HEIGHT, WIDTH)}
    if two_streams:
        inputs["thermal"] = torch.zeros(1, 1, HEIGHT, WIDTH)
    temporary = path.with_suffix(".tmp")
    with warnings.catch_warnings():
        # The exporter built on TorchScript names nodes by module; torch calls it old.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Sizes become constants on purpose.
        warnings.filterwarnings("ignore", message="Converting a tensor to a Python")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(temporary),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(OUTPUTS),
        )
    model = onnx.load(str(temporary))
    _name_by_module(model.graph)
    if dynamic_batch:
        _free_batch(model.graph)
    model.producer_name, model.producer_version = "trt_perception", ""
    for key, value in metadata(path.stem, two_streams=two_streams).items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(temporary))
    temporary.replace(path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", flush=True)


def metadata(name: str, *, two_streams: bool) -> dict[str, str]:
    """What the ONNX says about itself, in the words of the model YAML."""
    rgb = InputSpec(name="images", shape=(1, 3, HEIGHT, WIDTH), preprocess=PreprocessOptions())
    mono = PreprocessOptions(channel_order=ChannelOrder.MONO)
    thermal = InputSpec(name="thermal", shape=(1, 1, HEIGHT, WIDTH), preprocess=mono)
    cells = sum((HEIGHT // stride) * (WIDTH // stride) for stride in STRIDES)
    detections, segmentation = OUTPUTS
    return spec_metadata(
        ModelSpec(
            name=name,
            model=f"{name}.onnx",
            inputs=(rgb, thermal) if two_streams else (rgb,),
            outputs=(
                OutputSpec(name=detections, shape=(1, cells, 5 + len(CLASS_NAMES))),
                OutputSpec(name=segmentation, shape=(1, len(MASK_NAMES), HEIGHT // 4, WIDTH // 4)),
            ),
            heads=(
                HeadSpec(
                    name="detection",
                    kind=HeadKind.YOLOX,
                    outputs=(detections,),
                    labels=CLASS_NAMES,
                    strides=STRIDES,
                ),
                HeadSpec(
                    name="segmentation", kind=HeadKind.SEMANTIC_LOGITS, outputs=(segmentation,), labels=MASK_NAMES
                ),
            ),
        )
    )


def _name_by_module(graph: Any) -> None:
    """Turn ``/backbone/stem/conv/Conv`` into ``backbone.stem.conv.Conv``, as the weights are named, and constants
    into initialisers, so that a pattern over names finds all of a region. Equal weights, which the exporter shares
    through Identity nodes that hide them from fusion and quantization, become initialisers of their own.
    """
    from onnx import TensorProto

    names: dict[str, str] = {}
    nodes = []
    weights = {weight.name: weight for weight in graph.initializer}
    for node in graph.node:
        node.name = _dotted(node.name)
        for tensor in node.output:
            names[tensor] = _dotted(tensor)
        if node.op_type == "Constant" or (node.op_type == "Identity" and node.input[0] in weights):
            constant = TensorProto()
            constant.CopyFrom(node.attribute[0].t if node.op_type == "Constant" else weights[node.input[0]])
            constant.name = names[node.output[0]]
            graph.initializer.append(constant)
        else:
            nodes.append(node)
    for node in nodes:
        node.input[:] = [names.get(tensor, tensor) for tensor in node.input]
        node.output[:] = [names[tensor] for tensor in node.output]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]  # under the old names; whoever needs shapes infers them


def _dotted(name: str) -> str:
    """``/stage1/stage1.0/conv/Conv`` names a part of a sequence twice: ``stage1.0.conv.Conv``."""
    parts: list[str] = []
    for part in name.strip("/").split("/"):
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _free_batch(graph: Any) -> None:
    """Let the first size of inputs and outputs be any; a Reshape then keeps it."""
    from onnx import numpy_helper

    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for constant in graph.initializer:
        if constant.name in shapes:
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0  # 0 = as in the input
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt or its folder")
    parser.add_argument("output", type=Path, help="the ONNX to write")
    parser.add_argument("--dynamic-batch", action="store_true", help="leave the batch size open")
    arguments = parser.parse_args()
    export_onnx(load_average(arguments.checkpoint), arguments.output, dynamic_batch=arguments.dynamic_batch)


if __name__ == "__main__":
    main()
