"""Make training pictures out of synthetic drives, one drive a file, on all cores.

python3 -m training.make_dataset --output /tmp/demo_data/train --first-seed 1000 --seconds 240
python3 -m training.make_dataset --output /tmp/demo_data/held_out --first-seed 9000 --drives 16
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.shard import LabelledPicture, write_shard
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions

PICTURES_PER_INSTANT = 2


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """One dataset.

    Args:
        output: Folder of the files; those that are there already are kept.
        first_seed: Seed of the first drive; the others count on from it.
        drives: Drives at most.
        instants: Instants a drive, spread over a minute of driving.
        deadline: No drive is begun after this moment, and a begun one is ended early; time.time() seconds.
        varied: Draw rings, exposure, noise, blur and JPEG quality anew for each drive; otherwise the defaults.
        condition: Light and weather, or `mixed` for another one at each instant.
    """

    output: Path
    first_seed: int
    drives: int
    instants: int
    deadline: float
    varied: bool
    condition: str = "mixed"


def drive_options(seed: int, *, instants: int, varied: bool, condition: str = "mixed") -> DriveOptions:
    """A drive of one minute; `varied` draws the camera's properties too."""
    random = np.random.default_rng(seed)
    common = {"seed": seed, "duration_s": 60.0, "rate_hz": instants / 60.0, "condition": condition}
    if not varied:
        return DriveOptions(**common)  # type: ignore[arg-type]
    return DriveOptions(
        **common,  # type: ignore[arg-type]
        cameras=int(random.choice((4, 6, 6, 6, 8))),
        noise=float(random.uniform(0.5, 1.6)),
        blur=float(random.uniform(0.4, 1.5)),
        exposure=float(random.uniform(0.75, 1.3)),
        jpeg_quality=int(random.integers(70, 97)),
    )


def make_drive(arguments: tuple[DatasetOptions, int]) -> int:
    """Draw and write one drive; returns the number of pictures, 0 when it was too late or the file is there."""
    options, seed = arguments
    path = options.output / f"drive_{seed:06d}.npz"
    if path.exists() or time.time() > options.deadline:
        return 0
    drive = Drive(
        options=drive_options(seed, instants=options.instants, varied=options.varied, condition=options.condition)
    )
    random = np.random.default_rng([seed, 1])
    pictures: list[LabelledPicture] = []
    for index in range(len(drive)):
        if pictures and time.time() > options.deadline:
            break
        chosen = sorted(random.choice(list(drive.cameras), PICTURES_PER_INSTANT, replace=False).tolist())
        sample = drive.sample(index, cameras=chosen, thermal=True)
        pictures += [
            LabelledPicture(
                image=sample.images[camera],
                thermal=sample.thermal[camera],
                truth=sample.truth[camera],
                condition=sample.condition,
            )
            for camera in chosen
        ]
    return write_shard(path, pictures)


def _start_worker() -> None:
    cv2.setNumThreads(1)  # one process a core already


def make_dataset(options: DatasetOptions, processes: int) -> int:
    """Make the dataset; returns the number of new pictures."""
    options.output.mkdir(parents=True, exist_ok=True)
    jobs = [(options, options.first_seed + number) for number in range(options.drives)]
    started, total, printed = time.time(), 0, 0.0
    with multiprocessing.get_context("spawn").Pool(processes, _start_worker) as pool:
        for count in pool.imap_unordered(make_drive, jobs):
            total += count
            if count and time.time() - printed > 5.0:
                printed = time.time()
                rate = total / (printed - started)
                print(f"{printed - started:6.0f} s  {total} pictures, {rate:.1f} a second", flush=True)
    print(f"{total} new pictures in {time.time() - started:.0f} s in {options.output}", flush=True)
    return total


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the drives' files")
    parser.add_argument("--first-seed", type=int, default=1000, help="seed of the first drive (default: 1000)")
    parser.add_argument("--drives", type=int, default=5000, help="drives at most (default: as many as time allows)")
    parser.add_argument("--instants", type=int, default=12, help="instants a drive, two pictures each (default: 12)")
    parser.add_argument("--seconds", type=float, default=3600.0, help="time limit (default: 3600)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="default: one a core")
    parser.add_argument("--plain", action="store_true", help="default camera properties instead of drawn ones")
    parser.add_argument("--condition", default="mixed", help="day, night, ..., or mixed (default), at each instant")
    arguments = parser.parse_args()
    options = DatasetOptions(
        output=arguments.output,
        first_seed=arguments.first_seed,
        drives=arguments.drives,
        instants=arguments.instants,
        deadline=time.time() + arguments.seconds,
        varied=not arguments.plain,
        condition=arguments.condition,
    )
    make_dataset(options, arguments.processes)


if __name__ == "__main__":
    main()
