"""The same network as people run it in PyTorch: OpenCV in front, eager in between, torchvision's NMS behind.

    python3 -m bench.peers.torch_side --networks yolov8n --picture FILE.npy --weights FOLDER --checkpoint FILE.pt

Needs torch, torchvision and OpenCV, and Ultralytics for YOLOv8n. Answers questions on stdin; see protocol.py.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision

from bench.peers.protocol import serve

SCORE, IOU, MOST = 0.25, 0.45, 300
PAD = 114
STRIDES = (8, 16, 32)


def letterbox(image: Any, width: int, height: int) -> tuple[Any, float, int, int]:
    """The image scaled into the size, centred on grey, as most repositories do it; scale and offsets."""
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = round(image.shape[1] * scale), round(image.shape[0] * scale)
    resized = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    right, bottom = width - inner[0] - left, height - inner[1] - top
    padded = cv2.copyMakeBorder(resized, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(PAD, PAD, PAD))
    return padded, scale, left, top


class Eager:
    """One network in one precision, one batch at a time, from images to boxes in pixels of the images.

    Args:
        network: Takes (b, 3, h, w), RGB, 0 to 1.
        decode: Makes boxes (b, n, 4) x1 y1 x2 y2 and class scores (b, n, c) of the first output.
        half: FP16.
        device: cuda or cpu.
        size: Width and height of the network.
    """

    def __init__(self, network: Any, decode: Callable[[Any], Any], *, half: bool, device: str, size: tuple[int, int]):
        self.network, self.decode, self.half, self.device, self.size = network, decode, half, device, size

    @torch.inference_mode()
    def __call__(self, images: list[Any]) -> list[Any]:
        """Boxes with score and class, float32 (n, 6), of each image; masks are made, and left."""
        boxed = [letterbox(image, *self.size) for image in images]
        stacked = np.stack([one[0][:, :, ::-1].transpose(2, 0, 1) for one in boxed])
        tensor = torch.from_numpy(np.ascontiguousarray(stacked)).to(self.device)
        tensor = (tensor.half() if self.half else tensor.float()) / 255
        outputs = self.network(tensor)
        first = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
        boxes, scores = self.decode(first)
        best, classes = scores.max(-1)
        found = []
        for index, (_, scale, left, top) in enumerate(boxed):
            keep = best[index] > SCORE
            box, score, kind = boxes[index][keep].float(), best[index][keep].float(), classes[index][keep]
            chosen = torchvision.ops.batched_nms(box, score, kind, IOU)[:MOST]
            offset = torch.tensor([left, top, left, top], device=box.device)
            inside = ((box[chosen] - offset) / scale).clamp_(min=0)
            inside[:, 0::2].clamp_(max=images[index].shape[1])
            inside[:, 1::2].clamp_(max=images[index].shape[0])
            rows = torch.cat((inside, score[chosen, None], kind[chosen, None].float()), 1)
            found.append(rows.cpu().numpy())
        if isinstance(outputs, (tuple, list)) and len(outputs) > 1 and getattr(outputs[1], "ndim", 0) == 4:
            outputs[1].argmax(1).byte().cpu()
        return found


class Ultralytics:
    """Its own `predict`.

    Args:
        checkpoint: The network.
        half: FP16.
        rect: Whether a wide image makes a wide input, which is its default.
        device: cuda or cpu.
    """

    def __init__(self, checkpoint: Path, *, half: bool, rect: bool, device: str) -> None:
        from ultralytics import YOLO

        self._model = YOLO(str(checkpoint))
        self._options = {"verbose": False, "save": False, "device": device, "rect": rect, "imgsz": 640}
        self._options |= {"conf": SCORE, "iou": IOU, "max_det": MOST, **({"quantize": 16} if half else {})}

    def __call__(self, images: list[Any]) -> list[Any]:
        """Boxes with score and class, float32 (n, 6), of each image."""
        results = self._model.predict(images, batch=len(images), **self._options)
        return [result.boxes.data.cpu().numpy() for result in results]


def decode_yolov8(output: Any) -> tuple[Any, Any]:
    """(b, 4 + c, n): x y w h in network pixels, class scores."""
    rows = output.transpose(1, 2)
    centre, size = rows[..., :2], rows[..., 2:4]
    return torch.cat((centre - size / 2, centre + size / 2), -1), rows[..., 4:]


def make_decode_grid(width: int, height: int, device: str) -> Callable[[Any], Any]:
    """For (b, n, 5 + c) in grid units: xy = (p + cell) * stride, wh = exp(p) * stride, objectness, class scores."""
    cells, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        cells.append(np.stack((x.ravel(), y.ravel()), 1))
        strides.append(np.full((x.size, 1), stride))
    cell = torch.from_numpy(np.concatenate(cells)).float().to(device)
    step = torch.from_numpy(np.concatenate(strides)).float().to(device)

    def decode(output: Any) -> tuple[Any, Any]:
        rows = output.float()
        centre, size = (rows[..., :2] + cell) * step, rows[..., 2:4].exp() * step
        return torch.cat((centre - size / 2, centre + size / 2), -1), rows[..., 4:5] * rows[..., 5:]

    return decode


Way = Callable[[list[Any]], list[Any]]


def make_way(network: str, way: str, *, checkpoint: Path, weights: Path, device: str) -> Way:
    """One way of running one network.

    Args:
        network: yolov8n, demo or size_m.
        way: One of `ways_of` that network.
        checkpoint: YOLOv8n.
        weights: Folder of the other networks' weights, NAME.npz.
        device: cuda or cpu.
    """
    half = "FP16" in way
    if way.startswith("Ultralytics"):
        # As it comes Ultralytics cuts the padding of wide images down to a multiple of 32 px: 640 x 384 here.
        return Ultralytics(checkpoint, half=half, rect="640 x 640" not in way, device=device)
    module, decode, size = (
        _yolov8n(checkpoint) if network == "yolov8n" else _ours(network, weights / f"{network}.npz", device)
    )
    module = (module.half() if half else module.float()).eval().to(device)
    return Eager(module, decode, half=half, device=device, size=size)


def ways_of(network: str, *, device: str) -> list[str]:
    """FP32 first; on the CPU nothing else, since half is not worth waiting for there."""
    precisions = ("FP32", "FP16") if device == "cuda" else ("FP32",)
    ways = [f"torch eager {precision}" for precision in precisions]
    if network == "yolov8n":
        ways += [f"Ultralytics {precision}" for precision in precisions] + ["Ultralytics FP32, 640 x 640"]
    return ways


def _yolov8n(checkpoint: Path) -> tuple[Any, Callable[[Any], Any], tuple[int, int]]:
    from ultralytics import YOLO

    return YOLO(str(checkpoint)).model.fuse(verbose=False), decode_yolov8, (640, 640)


def _ours(name: str, weights: Path, device: str) -> tuple[Any, Callable[[Any], Any], tuple[int, int]]:
    """Our own network with the weights of the ONNX, normalisation folded."""
    from training.export import HEIGHT, WIDTH
    from training.fold import folded
    from training.make_sizes import SIZES
    from training.network.network import Network
    from training.network.network_options import NetworkOptions

    network = folded(Network(NetworkOptions() if name == "demo" else SIZES[name.rpartition("_")[2].upper()]))
    values = np.load(weights)
    network.load_state_dict({key: torch.from_numpy(values[key]) for key in network.state_dict()})
    return network, make_decode_grid(WIDTH, HEIGHT, device), (WIDTH, HEIGHT)


def main() -> None:
    """Answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", required=True)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="folder of NAME.npz")
    parser.add_argument("--checkpoint", type=Path, required=True, help="YOLOv8n")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options = parser.parse_args()
    picture = np.load(options.picture)
    made: dict[tuple[str, str], Way] = {}

    def measure(asked: dict[str, Any]) -> dict[str, Any]:
        key = asked["network"], asked["way"]
        with contextlib.redirect_stdout(sys.stderr):  # libraries print, too
            if key not in made:
                made[key] = make_way(
                    *key, checkpoint=options.checkpoint, weights=options.weights, device=options.device
                )
            return _measure(made[key], [picture.copy() for _ in range(asked["batch"])], asked["seconds"])

    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "opencv": cv2.__version__}
    with contextlib.suppress(ImportError):
        versions["ultralytics"] = metadata.version("ultralytics")
    ways = {network: ways_of(network, device=options.device) for network in options.networks}
    serve({"ways": ways, "versions": versions}, measure)


def _measure(way: Way, images: list[Any], seconds: float) -> dict[str, Any]:
    found = way(images)
    times: list[float] = []
    if torch.cuda.is_available():
        for _ in range(3):
            way(images)
    started = time.perf_counter()
    while not times or time.perf_counter() - started < seconds:
        begun = time.perf_counter()
        way(images)
        times.append((time.perf_counter() - begun) * 1e3)
    elapsed = time.perf_counter() - started
    objects = found[0][np.argsort(-found[0][:, 4], kind="stable")].tolist()
    return {"per_s": len(times) * len(images) / elapsed, "p50_ms": float(np.median(times)), "objects": objects}


if __name__ == "__main__":
    main()
