"""The same 1080p frames through the same network, in turn: this package, torch eager, Ultralytics.

    python -m bench.peers --engines FOLDER --networks FOLDER --torch-python PYTHON --out PARTS

Ours runs in this Python (TensorRT, cuda.core), the others in a second process: PYTHON has torch, torchvision,
OpenCV and, for YOLOv8n, Ultralytics.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.engines.part_file import say, write_part
from bench.peers.agreement import agreement
from bench.peers.our_side import OurSide
from bench.peers.protocol import Peer
from bench.pipeline.bed import make_bed
from bench.pipeline.picture import picture

NETWORKS = {"yolov8n": "yolov8n_fp16", "demo": "demo_fp16", "size_m": "size_m_fp16"}
"""Engine by network."""
BATCHES = (1, 6)
ROUNDS = 3


def main() -> None:
    """Measure every network that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", type=Path, required=True)
    parser.add_argument("--networks", type=Path, required=True, help="folder of size_m.onnx")
    parser.add_argument("--checkpoint", type=Path, default=Path("yolov8n.pt"), help="YOLOv8n for Ultralytics")
    parser.add_argument("--torch-python", default="python3")
    parser.add_argument("--torch-path", type=Path, help="folder of more packages for it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement, in rounds (default: 1)")
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--stand-in", action="store_true", help="rehearse: ours sleeps, the others run on the CPU")
    arguments = parser.parse_args()
    bed = make_bed(arguments.engines, stand_in=arguments.stand_in)
    with tempfile.TemporaryDirectory(prefix="peers.") as name:
        folder = Path(name)
        np.save(folder / "picture.npy", picture())
        for network in arguments.only:
            if not bed.has(NETWORKS[network]):
                say(f"{network}: there is no engine {NETWORKS[network]}, left out")
                continue
            try:
                content = _compare(network, arguments, bed, folder)
            except (RuntimeError, OSError) as error:
                say(f"{network}: FAILED: {error}")
                continue
            write_part(arguments.out, f"peers_{network}", bed.identity(), content)


def _compare(network: str, arguments: argparse.Namespace, bed: Any, folder: Path) -> dict[str, Any]:
    """Rounds over all ways, medians of rates and of the ratios in each round."""
    environment = {**os.environ, "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    if arguments.torch_path is not None:
        environment["PYTHONPATH"] = f"{environment.get('PYTHONPATH', '.')}:{arguments.torch_path}"
    peer = Peer(_command(network, arguments, folder), environment)
    try:
        with OurSide(bed, NETWORKS[network]) as ours:
            ways = [(way, batch) for way in peer.ways for batch in BATCHES]
            each = arguments.seconds / ROUNDS
            rounds: list[dict[tuple[str, int], dict[str, Any]]] = []
            for _ in range(ROUNDS):
                found = {(f"this package, {way}", batch): ours.measure(way, batch, each) for way, batch in ours.ways}
                for way, batch in ways:
                    try:
                        found[way, batch] = peer.ask(way, batch=batch, seconds=each)
                    except RuntimeError as error:
                        say(f"{network}: {error}")
                rounds.append(found)
            rows = _rows(network, rounds)
            versions = peer.versions
    finally:
        peer.close()
    for row in rows:
        ratios = ", ".join(f"{name} {row[f'ours_{name}']:.2f}x" for name in ("alone", "six", "best"))
        what = f"{network}, {row['way']}, {row['batch']} at once"
        say(f"{what}: {row['per_s']:.0f} frames/s, {row['p50_ms']:.2f} ms, objects {row['objects']} "
            f"({row['same_objects']:.3f} the same); ours: {ratios}")  # fmt: skip
    return {"rows": rows, "versions": versions}


def _rows(network: str, rounds: list[dict[tuple[str, int], dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a way; `ours_*` says how many times as many frames a second ours does, the median of the rounds."""
    ours = {"alone": ("this package, one by one", 1), "six": ("this package, six at once", 6),
            "best": ("this package, six pipelines kept full", 6)}  # fmt: skip
    reference = rounds[0][ours["alone"]]["objects"]
    rows = []
    for key in rounds[0]:
        measured = [one for one in rounds if key in one]
        row = {
            "network": network,
            "way": key[0],
            "batch": key[1],
            "per_s": float(np.median([one[key]["per_s"] for one in measured])),
            "p50_ms": float(np.median([one[key]["p50_ms"] for one in measured])),
            "objects": len(measured[0][key]["objects"]),
            "same_objects": agreement(reference, measured[0][key]["objects"]),
        }
        row |= {
            f"ours_{name}": float(np.median([one[mine]["per_s"] / one[key]["per_s"] for one in measured]))
            for name, mine in ours.items()
        }
        rows.append(row)
    return rows


def _command(network: str, arguments: argparse.Namespace, folder: Path) -> list[str]:
    command = [arguments.torch_python, "-m", "bench.peers.torch_side", "--network", network]
    command += ["--picture", str(folder / "picture.npy"), *(["--device", "cpu"] if arguments.stand_in else [])]
    if network == "yolov8n":
        return [*command, "--checkpoint", str(arguments.checkpoint)]
    return [*command, "--weights", str(_weights(network, arguments.networks, folder))]


def _weights(network: str, networks: Path, folder: Path) -> Path:
    """The ONNX's weights where torch can read them without the onnx package."""
    import onnx
    from onnx import numpy_helper

    from bench.engines.networks import DEMO

    model = onnx.load(str(DEMO if network == "demo" else networks / f"{network}.onnx"))
    path = folder / f"{network}.npz"
    arrays = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    np.savez(path, **arrays)
    return path


if __name__ == "__main__":
    main()
