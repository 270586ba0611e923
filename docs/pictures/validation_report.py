"""Makes the sample of docs/validation.md: `python docs/pictures/validation_report.py`, with chromium for the picture.

A short demo drive, run by the demo model, and by the demo model with the colour channels of its images swapped: the
second against the first as baseline.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import cv2

from trt_perception.demo import Drive, DriveOptions
from trt_perception.demo.drive_bag import write_drive_bag
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.preprocess_options import ChannelOrder
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.judge_run import judge_run
from trt_perception.validate.validate_run import validate_run

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "trt_perception" / "demo" / "model" / "demo_model.onnx"
PICTURES = 6
WIDTH, HEIGHT = 1280, 1640


def main() -> None:
    """Write docs/validation_report.html and the picture of its beginning."""
    spec = load_spec(MODEL)
    source = spec.inputs[0]
    swapped = dataclasses.replace(source.preprocess, channel_order=ChannelOrder.BGR)
    harmed = dataclasses.replace(
        spec, name="channels_swapped", inputs=(dataclasses.replace(source, preprocess=swapped),)
    )
    page = HERE.parent / "validation_report.html"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bag = folder / "demo_drive"
        options = DriveOptions(cameras=3, duration_s=24, rate_hz=1, condition="cycle", seed=7)
        write_drive_bag(Drive(options=options), bag)
        validate_run([bag], functools.partial(pipeline, spec), folder / "baseline")
        validate_run([bag], functools.partial(pipeline, harmed), folder / "run")
        judge_run(folder / "run", bags=[bag], baseline=folder / "baseline", pictures=PICTURES)
        shutil.copy(folder / "run" / "report.html", page)
        photograph(page, folder)


def pipeline(spec: ModelSpec) -> Pipeline:
    """What a validation runs."""
    return Pipeline(spec, OnnxRuntimeBackend(spec))


def photograph(page: Path, folder: Path) -> None:
    """The first screens of the page, in a browser."""
    picture = folder / "page.png"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    image = cv2.imread(str(picture))
    if image is None:
        raise SystemExit("chromium made no picture")
    cv2.imwrite(str(HERE / "validation_report.png"), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
