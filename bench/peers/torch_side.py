"""The same network as people run it in PyTorch: OpenCV in front, eager in between, torchvision's NMS behind.

    python3 -m bench.peers.torch_side --network yolov8n --picture FILE.npy (--weights FILE.npz | --checkpoint FILE.pt)

Needs torch, torchvision and OpenCV, and Ultralytics for YOLOv8n. Answers questions on stdin; see protocol.py.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
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


def ways_of_yolov8n(checkpoint: Path, device: str) -> dict[str, Callable[[list[Any]], list[Any]]]:
    """Eager in FP32 and FP16, and Ultralytics' own `predict` in both."""
    from ultralytics import YOLO

    ways: dict[str, Callable[[list[Any]], list[Any]]] = {}
    for half in (False, True):
        precision = "FP16" if half else "FP32"
        network = YOLO(str(checkpoint)).model.fuse(verbose=False).eval().to(device)
        network = network.half() if half else network.float()
        ways[f"torch eager {precision}"] = Eager(network, decode_yolov8, half=half, device=device, size=(640, 640))
        # As it comes Ultralytics cuts the padding of wide images down to a multiple of 32 px: 640 x 384 here.
        for title, rect in (("", True), (", 640 x 640", False)):
            ways[f"Ultralytics {precision}{title}"] = Ultralytics(checkpoint, half=half, rect=rect, device=device)
    return ways


def ways_of_ours(name: str, weights: Path, device: str) -> dict[str, Callable[[list[Any]], list[Any]]]:
    """Our own network in eager mode, with the weights of the ONNX."""
    from training.export import HEIGHT, WIDTH
    from training.fold import folded
    from training.make_sizes import SIZES
    from training.network.network import Network
    from training.network.network_options import NetworkOptions

    ways: dict[str, Callable[[list[Any]], list[Any]]] = {}
    values = {key: torch.from_numpy(value) for key, value in np.load(weights).items()}
    for half in (False, True):
        network = folded(Network(NetworkOptions() if name == "demo" else SIZES[name.rpartition("_")[2].upper()]))
        wanted = network.state_dict().keys()
        network.load_state_dict({key: values[key] for key in wanted})
        network = (network.half() if half else network.float()).eval().to(device)
        decode = make_decode_grid(WIDTH, HEIGHT, device)
        ways[f"torch eager {'FP16' if half else 'FP32'}"] = Eager(
            network, decode, half=half, device=device, size=(WIDTH, HEIGHT)
        )
    return ways


def main() -> None:
    """Answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", required=True)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    with contextlib.redirect_stdout(sys.stderr):
        if options.network == "yolov8n":
            ways = ways_of_yolov8n(options.checkpoint, options.device)
        else:
            ways = ways_of_ours(options.network, options.weights, options.device)
    picture = np.load(options.picture)
    if options.device == "cpu":  # no half on the CPU that is worth waiting for
        ways = {name: way for name, way in ways.items() if "FP32" in name}

    def measure(name: str, batch: int, seconds: float) -> dict[str, Any]:
        images = [picture.copy() for _ in range(batch)]
        found = ways[name](images)
        for _ in range(3 if options.device == "cuda" else 0):
            ways[name](images)
        times: list[float] = []
        started = time.perf_counter()
        while not times or time.perf_counter() - started < seconds:
            begun = time.perf_counter()
            ways[name](images)
            times.append((time.perf_counter() - begun) * 1e3)
        elapsed = time.perf_counter() - started
        objects = found[0][np.argsort(-found[0][:, 4], kind="stable")].tolist()
        return {"per_s": len(times) * batch / elapsed, "p50_ms": float(np.median(times)), "objects": objects}

    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "opencv": cv2.__version__}
    with contextlib.suppress(ImportError):
        if options.network == "yolov8n":
            import ultralytics

            versions["ultralytics"] = ultralytics.__version__
    serve({"ways": list(ways), "versions": versions}, measure)


if __name__ == "__main__":
    main()
