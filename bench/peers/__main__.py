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

from bench.engines.networks import DEMO
from bench.engines.part_file import say, write_part
from bench.peers.agreement import agreement
from bench.peers.our_side import OurSide
from bench.peers.protocol import Peer
from bench.pipeline.bed import Bed, make_bed
from bench.pipeline.picture import picture
from trt_perception.ros.malloc import tune_malloc

NETWORKS = {"yolov8n": "yolov8n_fp16", "demo": "demo_fp16", "size_m": "size_m_fp16"}
"""Engine by network."""
BATCHES = (1, 6)
ROUNDS = 3

Round = dict[tuple[str, int], dict[str, Any]]
"""What each way did, by way and frames at once."""


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
    tune_malloc()  # as the node does
    bed = make_bed(arguments.engines, stand_in=arguments.stand_in)
    networks = [name for name in arguments.only if _is_there(name, arguments, bed)]
    with tempfile.TemporaryDirectory(prefix="peers.") as name:
        folder = Path(name)
        np.save(folder / "picture.npy", picture())
        for network in networks:
            write_weights(network, arguments.networks, folder)
        peer = Peer(_command(networks, arguments, folder), _environment(arguments.torch_path))
        try:
            for network in networks:
                with OurSide(bed, NETWORKS[network]) as ours:
                    _compare(network, arguments.seconds, ours, peer, out=arguments.out, known=bed.identity())
        finally:
            peer.close()


def _is_there(network: str, arguments: argparse.Namespace, bed: Bed) -> bool:
    if not bed.has(NETWORKS[network]):
        say(f"{network}: there is no engine {NETWORKS[network]}, left out")
        return False
    file = {"yolov8n": arguments.checkpoint, "demo": DEMO}.get(network, arguments.networks / f"{network}.onnx")
    if not file.exists():
        say(f"{network}: there is no {file}, left out")
    return bool(file.exists())


def _compare(network: str, seconds: float, ours: OurSide, peer: Peer, *, out: Path, known: dict[str, str]) -> None:
    """Rounds over all ways; medians of rates, and of the ratios in each round. Writes the part after every round."""
    each = seconds / ROUNDS
    rounds: list[Round] = []
    for number in range(ROUNDS):
        found = {(f"this package, {way}", batch): ours.measure(way, batch, each) for way, batch in ours.ways}
        for way in peer.ready["ways"][network]:
            for batch in BATCHES:
                try:
                    found[way, batch] = peer.ask(network, way, batch=batch, seconds=each)
                except RuntimeError as error:
                    say(f"{network}: {error}")
                    continue
                say(f"{network}, round {number + 1}: {way}, {batch} at once: {found[way, batch]['per_s']:.0f} frames/s")
        rounds.append(found)
        rows = _rows(network, rounds)
        write_part(out, f"peers_{network}", known, {"rows": rows, "versions": peer.ready["versions"]})
    for row in rows:
        ratios = ", ".join(f"{name} {row[f'ours_{name}']:.2f}x" for name in ("alone", "six", "best"))
        what = f"{network}, {row['way']}, {row['batch']} at once"
        say(f"{what}: {row['per_s']:.0f} frames/s, {row['p50_ms']:.2f} ms, objects {row['objects']} "
            f"({row['same_objects']:.3f} the same); ours: {ratios}")  # fmt: skip


def _rows(network: str, rounds: list[Round]) -> list[dict[str, Any]]:
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


def _command(networks: list[str], arguments: argparse.Namespace, folder: Path) -> list[str]:
    command = [arguments.torch_python, "-m", "bench.peers.torch_side", "--networks", *networks]
    command += ["--picture", str(folder / "picture.npy"), "--weights", str(folder)]
    command += ["--checkpoint", str(arguments.checkpoint), *(["--device", "cpu"] if arguments.stand_in else [])]
    return command


def _environment(more_packages: Path | None) -> dict[str, str]:
    """This one's, without what would slow the others down, and with no look at any network."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    environment |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    if more_packages is not None:
        environment["PYTHONPATH"] = f"{environment.get('PYTHONPATH', '.')}:{more_packages}"
    return environment


def write_weights(network: str, networks: Path, folder: Path) -> None:
    """The ONNX's weights as NETWORK.npz, which torch reads without the onnx package; YOLOv8n has a checkpoint."""
    import onnx
    from onnx import numpy_helper

    if network != "yolov8n":
        model = onnx.load(str(DEMO if network == "demo" else networks / f"{network}.onnx"))
        arrays = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        np.savez(folder / f"{network}.npz", **arrays)


if __name__ == "__main__":
    main()
