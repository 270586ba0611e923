"""The same networks in PyTorch, eager, on the same GPU: FP32, FP32 with TF32, FP16.

    python3 -m bench.engines.torch_eager --out OUT [--networks demo size_l]

Needs torch with CUDA and nothing of TensorRT. Inferences are enqueued one after another and timed by CUDA events, the
input lies on the GPU: as the engines are measured. cuDNN chooses its fastest kernels (benchmark mode).
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.engines.part_file import say, write_part
from training.export import HEIGHT, WIDTH
from training.fold import folded
from training.make_sizes import SIZES, random_network
from training.network.network_options import NetworkOptions
from trt_perception.engine.gpu_identity import current_gpu

MODES = ("FP32", "FP32 with TF32", "FP16")
BATCHES = (1, 4, 16)
IN_FLIGHT = 20
NETWORKS = {"demo": NetworkOptions(), **{f"size_{name.lower()}": SIZES[name] for name in ("S", "M", "L")}}
"""The demo model's shape with random weights: they do not change the time."""


def measure(module: Any, mode: str, batch: int, seconds: float, device: str, height: int, width: int) -> dict[str, Any]:
    """One configuration: p50 and p99 of one inference, and frames a second."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "TF32" in mode
    torch.backends.cudnn.benchmark = True
    kind = torch.float16 if mode == "FP16" else torch.float32
    image = torch.rand(batch, 3, height, width, device=device, dtype=kind)
    times: list[float] = []
    with torch.inference_mode():
        _run(module, image, device)
        started = time.perf_counter()
        while not times or time.perf_counter() - started < seconds:
            times += _run(module, image, device)
        wall = time.perf_counter() - started
    return {
        "way": f"torch {mode}",
        "streams": 1,
        "batch": batch,
        "p50_ms": float(np.median(times)),
        "p99_ms": float(np.percentile(times, 99)),
        "frames_per_s": len(times) * batch / wall,
    }


def _run(module: Any, image: Any, device: str) -> list[float]:
    """IN_FLIGHT inferences; the time of each, ms."""
    if device == "cpu":
        started = time.perf_counter()
        module(image)
        return [(time.perf_counter() - started) * 1e3]
    events = [torch.cuda.Event(enable_timing=True) for _ in range(IN_FLIGHT + 1)]
    events[0].record()
    for event in events[1:]:
        module(image)
        event.record()
    events[-1].synchronize()
    return [one.elapsed_time(two) for one, two in itertools.pairwise(events)]


def memory_mib(module: Any) -> float:
    """Weights, MiB."""
    return float(sum(item.numel() * item.element_size() for item in module.state_dict().values())) / 2**20


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--seconds", type=float, default=0.7, help="of each configuration (default: 0.7)")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cpu: to rehearse")
    parser.add_argument("--size", type=int, nargs=2, default=(WIDTH, HEIGHT), metavar=("WIDTH", "HEIGHT"))
    arguments = parser.parse_args()
    width, height = arguments.size
    on_gpu = arguments.device == "cuda"
    gpu = current_gpu(0) if on_gpu else None
    identity = {"gpu": gpu.name, "driver": gpu.driver} if gpu else {}
    rows = []
    for name in arguments.networks:
        network = folded(random_network(NETWORKS[name], seed=0)).eval().to(arguments.device)
        for mode in MODES:
            module = network.half() if mode == "FP16" else network.float()
            for batch in BATCHES:
                row = measure(module, mode, batch, arguments.seconds, arguments.device, height, width)
                rows.append({"network": name, **row, "weights_mib": memory_mib(module)})
                say(f"{name} {mode} batch {batch}: {row['p50_ms']:.3f} ms, {row['frames_per_s']:.0f} frames/s")
    write_part(arguments.out, "torch", identity, {"torch": torch.__version__, "rows": rows})


if __name__ == "__main__":
    main()
