"""YOLOv8n with random weights as ONNX and as a checkpoint of Ultralytics: one network for both sides of a comparison.

    python3 -m bench.peers.make_yolov8n OUTPUT_FOLDER

Needs torch, onnx and Ultralytics (AGPL-3.0; nothing of it is kept in this project). Writes yolov8n.onnx and yolov8n.pt.
Trained weights are not needed to compare speed, but four things have to be as in a trained network: no two tensors are
equal, normalisation is not the identity, activations keep their size through all layers, and as many boxes pass the
score limit as in a busy street, with scores that differ. So statistics and limits are those of a picture of the
synthetic drive, as the bench shows it to the network.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SIZE_PX = 640
OPSET = 17
PASSING = 300
"""Of the 8,400 candidates, about so many have a score above SCORE."""
SCORE = 0.25


def drive_picture() -> Tensor:
    """What the network sees of the bench's picture: float32 (1, 3, SIZE_PX, SIZE_PX), RGB, 0 to 1."""
    from bench.peers.torch_side import letterbox
    from bench.pipeline.picture import picture

    boxed, *_ = letterbox(picture(), SIZE_PX, SIZE_PX)
    return torch.from_numpy(boxed[:, :, ::-1].transpose(2, 0, 1).copy())[None].float() / 255


def randomise(network: Any, picture: Tensor) -> None:
    """Draw every weight; statistics of normalisation are those of the picture as it passes through."""
    hooks = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            hooks.append(module.register_forward_pre_hook(_take_statistics))
    with torch.no_grad():
        network(picture)
    for hook in hooks:
        hook.remove()


def _take_statistics(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None  # for the type checker: statistics are always tracked here
    assert norm.running_var is not None
    norm.running_mean.copy_(inputs[0].mean((0, 2, 3)))
    norm.running_var.copy_(inputs[0].var((0, 2, 3)) + 1e-3)


def set_passing(network: Any, picture: Tensor) -> int:
    """Move the class biases until PASSING candidates pass; how many do."""
    limit = torch.logit(torch.tensor(SCORE))
    branches = network.model[-1].cv3
    with torch.no_grad():
        for branch in branches:
            nn.init.normal_(branch[-1].weight, std=1.0 / branch[-1].in_channels ** 0.5)
            branch[-1].bias.copy_(torch.randn_like(branch[-1].bias))
        best = torch.logit(_scores(network, picture).double(), eps=1e-12).float()
        shift = limit - best.kthvalue(best.numel() - PASSING).values
        for branch in branches:
            branch[-1].bias.add_(shift)
        return int((_scores(network, picture) > SCORE).sum())


def _scores(network: Any, picture: Tensor) -> Tensor:
    """The best class score of every candidate."""
    output = network(picture)
    output = output[0] if isinstance(output, (tuple, list)) else output
    scores: Tensor = output[0, 4:].amax(0)
    return scores


def save_cleaned(source: Path, target: Path) -> None:
    """Equal tensors come out of the exporter as one, shared through Identity nodes that hide it from the builder."""
    import onnx

    from trt_perception.precision.graph_cleaning import clean_graph

    cleaning = clean_graph(source, highest_opset=OPSET)
    kept = [item for item in cleaning.model.metadata_props if item.key != "date"]  # the same seed makes the same file
    del cleaning.model.metadata_props[:]
    cleaning.model.metadata_props.extend(kept)
    onnx.save(cleaning.model, str(target))
    megabytes = target.stat().st_size / 1e6
    print(f"{target}: opset {cleaning.opset}, {len(cleaning.folded)} nodes folded, {megabytes:.1f} MB")


def main() -> None:
    """The command line."""
    from ultralytics import YOLO

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of yolov8n.onnx and yolov8n.pt")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    model = YOLO("yolov8n.yaml")
    network = model.model.eval()
    picture = drive_picture()
    randomise(network, picture)
    print(f"{set_passing(network, picture)} candidates above {SCORE}", flush=True)
    checkpoint = arguments.output / "yolov8n.pt"
    model.save(str(checkpoint))
    exported = YOLO(str(checkpoint)).export(format="onnx", imgsz=SIZE_PX, opset=OPSET, simplify=False, dynamic=False)
    raw = arguments.output / "yolov8n.raw.onnx"
    shutil.move(exported, raw)
    save_cleaned(raw, arguments.output / "yolov8n.onnx")
    raw.unlink()


if __name__ == "__main__":
    main()
