"""Accuracy, speed and memory of engines: one subcommand a part, and `merge` for docs/results/engines.json.

    python -m bench.engines --work WORK --out OUT PART

bench/run_engines.sh runs them in order and says what each needs.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from bench.engines.held_out import PictureSet, draw_calibration
from bench.engines.networks import BATCHES, NETWORKS, PLANS, SIZE_FRAMES, SIZES, STREAMS, Network

DEFAULT_LEVELS = {"demo": 3, "nano": 1, "size_s": 3, "size_m": 3, "size_l": 3}
"""Optimisation level by network. SiLU makes hundreds of kernels, which takes minutes above level 1."""
PRECISIONS = {"demo": ("fp32", "fp16", "split", "int8"), "nano": ("fp16", "split")}
OF_SIZES = ("fp32", "fp16", "split")


def parser() -> argparse.ArgumentParser:
    """All subcommands."""
    top = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__.splitlines()[0])
    top.add_argument("--work", type=Path, required=True, help="folder of networks and engines")
    top.add_argument("--out", type=Path, help="folder of the parts (default: WORK/parts)")
    top.add_argument("--maker", choices=("tensorrt", "stand_in"), default="tensorrt", help="stand_in: rehearse")
    top.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one a core")
    parts = top.add_subparsers(dest="part", required=True)
    one = parts.add_parser("calibration-pictures", help="draw pictures to calibrate on")
    one.add_argument("folder", type=Path)
    one.add_argument("--drives", type=int, default=21)
    one.add_argument("--instants", type=int, default=4)
    _add_size(one)
    one = parts.add_parser("networks", help="put demo model and YOLOX-nano into the folder of work, with their ranges")
    one.add_argument("--demo-table", type=Path, help="ranges of the demo model")
    one.add_argument("--nano", type=Path, help="YOLOX-nano's ONNX")
    one.add_argument("--nano-table", type=Path, help="its ranges")
    one = parts.add_parser("calibrate-sizes", help="ranges of the networks of random weights that lie there")
    one.add_argument("--frames", type=int, default=SIZE_FRAMES)
    _add_size(one)
    one = parts.add_parser("build", help="build engines")
    one.add_argument("networks", nargs="*", default=[], metavar="NETWORK")
    one.add_argument("--precisions", nargs="+", choices=list(PLANS), help="default: those that are reported")
    one.add_argument("--level", action="append", default=[], metavar="NETWORK=N", help="optimisation level")
    one.add_argument("--jobs", type=int, default=4, help="builds at once")
    one.add_argument("--longest", type=float, default=420.0, help="seconds after which builds are given up")
    one = parts.add_parser("build-one", help="build one engine, and print its facts")
    one.add_argument("network", choices=NETWORKS)
    one.add_argument("precision", choices=list(PLANS))
    one.add_argument("--level", type=int, required=True)
    one = parts.add_parser("accuracy", help="accuracy on the held-out drives")
    one.add_argument("network", choices=("demo", "nano"))
    one.add_argument("--drives", type=int, default=12, help="of each condition")
    one.add_argument("--instants", type=int, default=4)
    _add_size(one)
    one = parts.add_parser("real-images", help="YOLOX-nano on real images")
    one.add_argument("folder", type=Path)
    one = parts.add_parser("speed", help="speed over streams and batch sizes")
    one.add_argument("networks", nargs="+", choices=NETWORKS, metavar="NETWORK")
    one.add_argument("--seconds", type=float, default=0.5)
    one.add_argument("--streams", type=int, nargs="+", default=STREAMS)
    one.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    one.add_argument("--cpu-runs", type=int, default=20)
    one = parts.add_parser("layers", help="layers by region, and their times")
    one.add_argument("--profile", default="size_l", choices=NETWORKS)
    one.add_argument("--batch", type=int, default=16)
    one = parts.add_parser("merge", help="make docs/results/engines.json")
    one.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of parts, later ones win")
    one.add_argument("--results", type=Path, help="where (default: docs/results)")
    return top


def _add_size(one: argparse.ArgumentParser) -> None:
    one.add_argument("--size", type=int, nargs=2, default=(960, 544), metavar=("WIDTH", "HEIGHT"))


def main() -> None:
    """Run one subcommand."""
    arguments = parser().parse_args()
    arguments.out = arguments.out or arguments.work / "parts"
    {
        "calibration-pictures": _calibration_pictures,
        "networks": _networks,
        "calibrate-sizes": _calibrate_sizes,
        "build": _build,
        "build-one": _build_one,
        "accuracy": _accuracy,
        "real-images": _real_images,
        "speed": _speed,
        "layers": _layers,
        "merge": _merge,
    }[arguments.part](arguments)


def _calibration_pictures(arguments: argparse.Namespace) -> None:
    count = draw_calibration(
        arguments.folder,
        drives=arguments.drives,
        instants=arguments.instants,
        processes=arguments.processes,
        size=tuple(arguments.size),
    )
    print(f"{count} pictures in {arguments.folder}", flush=True)


def _networks(arguments: argparse.Namespace) -> None:
    from bench.engines.networks import prepare_demo, prepare_nano

    if arguments.demo_table:
        prepare_demo(Network("demo", arguments.work), arguments.demo_table)
    if arguments.nano:
        prepare_nano(Network("nano", arguments.work), arguments.nano, arguments.nano_table)


def _calibrate_sizes(arguments: argparse.Namespace) -> None:
    from bench.engines.networks import draw_for_sizes, prepare_sizes
    from bench.engines.part_file import say

    work = arguments.work
    sizes = [network for network in (Network(name, work) for name in SIZES) if network.onnx.exists()]
    missing = [network for network in sizes if not network.table.exists()]
    if missing:
        pictures = draw_for_sizes(
            work / "pictures", frames=arguments.frames, processes=arguments.processes, size=tuple(arguments.size)
        )
        prepare_sizes(missing, pictures, frames=arguments.frames, processes=arguments.processes)
    say("networks with ranges: " + ", ".join(network.name for network in sizes))


def _build(arguments: argparse.Namespace) -> None:
    from bench.engines.building import build_all
    from bench.engines.engine_maker import make_maker

    levels = dict(DEFAULT_LEVELS)
    for text in arguments.level:
        name, _, level = text.partition("=")
        levels[name] = int(level)
    names = arguments.networks or [name for name in NETWORKS if Network(name, arguments.work).onnx.exists()]
    wanted = [
        (Network(name, arguments.work), precision, levels[name])
        for name in sorted(names, key=_longest_first)
        for precision in arguments.precisions or PRECISIONS.get(name, OF_SIZES)
    ]
    build_all(wanted, make_maker(arguments.maker), kind=arguments.maker, jobs=arguments.jobs,
              longest_s=arguments.longest, out=arguments.out)  # fmt: skip


def _longest_first(name: str) -> int:
    return ("nano", "size_l", "size_m", "demo", "size_s").index(name)


def _build_one(arguments: argparse.Namespace) -> None:
    from bench.engines.building import build_one
    from bench.engines.engine_maker import make_maker

    network = Network(arguments.network, arguments.work)
    facts = build_one(network, arguments.precision, arguments.level, make_maker(arguments.maker))
    print(json.dumps(facts.to_plain()), flush=True)


def _accuracy(arguments: argparse.Namespace) -> None:
    from bench.engines.accuracy import measure_accuracy
    from bench.engines.engine_maker import make_maker

    width, height = arguments.size
    images = PictureSet(drives=arguments.drives, instants=arguments.instants, width=width, height=height)
    measure_accuracy(
        Network(arguments.network, arguments.work),
        make_maker(arguments.maker),
        kind=arguments.maker,
        images=images,
        processes=arguments.processes,
        out=arguments.out,
    )


def _real_images(arguments: argparse.Namespace) -> None:
    from bench.engines.engine_maker import make_maker
    from bench.engines.real_images import measure_real_images

    network = Network("nano", arguments.work)
    measure_real_images(network, make_maker(arguments.maker), folder=arguments.folder, out=arguments.out)


def _speed(arguments: argparse.Namespace) -> None:
    from bench.engines.engine_maker import make_maker
    from bench.engines.speed import measure_speed

    maker = make_maker(arguments.maker)
    for name in arguments.networks:
        precisions = tuple(name for name in PRECISIONS.get(name, OF_SIZES) if name != "int8")
        measure_speed(
            Network(name, arguments.work),
            maker,
            precisions=precisions,
            streams=tuple(arguments.streams),
            batches=tuple(arguments.batches),
            seconds=arguments.seconds,
            cpu_runs=arguments.cpu_runs,
            out=arguments.out,
        )


def _layers(arguments: argparse.Namespace) -> None:
    from bench.engines.engine_maker import make_maker
    from bench.engines.layers import measure_layers

    measure_layers(arguments.work, make_maker(arguments.maker), profiled=arguments.profile, batch=arguments.batch,
                   out=arguments.out)  # fmt: skip


def _merge(arguments: argparse.Namespace) -> None:
    from bench.engines.merging import merge

    merge(arguments.folders, arguments.results)


if __name__ == "__main__":
    main()
