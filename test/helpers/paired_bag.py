"""Bags of two cameras that are paired, and a model of two inputs whose results tell which images it was given."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.tiny_bag import START_NS, write_messages
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import TrueObjectsMessage, encode_true_objects
from trt_perception.cdr import (
    COMPRESSED_IMAGE_TYPE,
    DETECTION_ARRAY_TYPE,
    IMAGE_TYPE,
    encode_compressed_image,
    encode_image,
)
from trt_perception.detections import Detections
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.open_and_close import OpenAndClose
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_folder import RunFolder

SIZE = 64
MS = 1_000_000
PERIOD_MS = 100
SCORE = 0.1
COLOUR, WARM = "front", "front_thermal"


class PairPipeline:
    """Makes the pipeline of a model of two inputs, or of its colour input alone; picklable.

    Its detections are one of class_1 whose score tells the colour image, and one of class_0 that tells the warm one.
    """

    def __init__(self, folder: Path, *, thermal: bool = True) -> None:
        self.model = make_demo_network_onnx(folder / f"{'rgb_ir' if thermal else 'rgb'}.onnx", thermal=thermal)

    def __call__(self) -> Pipeline:
        spec = load_spec(self.model)
        return Pipeline(spec, TellingBackend(spec))


class TellingBackend(OpenAndClose):
    """Detects the grey values of the images that it is given."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec

    @property
    def name(self) -> str:
        return "telling"

    def open(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to free."""

    def infer(self, inputs: Tensors) -> Tensors:
        outputs = {output.name: np.zeros(output.shape, np.float32) for output in self._spec.outputs}
        for row, (source, class_id) in enumerate(zip(self._spec.inputs, (1, 0), strict=False)):
            grey = float(inputs[source.name][0, 0, 0, 0]) / source.preprocess.scale
            # 16 px wide, around the middle of a cell.
            box = [0.5, 0.5, math.log(2), math.log(2), 1.0, 0.0, 0.0, 0.0]
            box[5 + class_id] = (grey + 50) / 400
            outputs["detections"][0, 20 + 4 * row] = box
        return outputs


def told(found: Detections) -> tuple[int, int]:
    """The grey values of the colour and of the warm image of which a result is."""
    values = {int(c): round(float(score) * 400 - 50) for c, score in zip(found.class_ids, found.scores, strict=True)}
    return values[1], values[0]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One image of one camera.

    Args:
        camera: Name of the camera.
        stamp_ns: Its stamp.
        grey: Value of every pixel.
        log_time_ns: When it is recorded.
        size: Width and height, px.
        fault: What is wrong with it: ``corrupt``, ``cut``, or nothing.
    """

    camera: str
    stamp_ns: int
    grey: int
    log_time_ns: int
    size: int = SIZE
    fault: str = ""

    def message(self) -> BagMessage:
        """The image as it stands in a bag."""
        image = np.full((self.size, self.size, 3), self.grey, np.uint8)
        if self.camera.endswith("thermal"):
            image = np.ascontiguousarray(image[:, :, 0])
        if self.fault == "corrupt":
            file = bytearray(cv2.imencode(".png", image)[1].tobytes())
            file[40:] = bytes(len(file) - 40)
            data = encode_compressed_image(
                bytes(file), stamp_ns=self.stamp_ns, frame_id=self.camera, format="png compressed"
            )
        else:
            encoding = "mono8" if image.ndim == 2 else "bgr8"
            data = encode_image(image, stamp_ns=self.stamp_ns, frame_id=self.camera, encoding=encoding)
        data = data[: len(data) // 2] if self.fault == "cut" else data
        kind = COMPRESSED_IMAGE_TYPE if self.is_compressed else IMAGE_TYPE
        suffix = "/compressed" if self.is_compressed else ""
        return BagMessage(
            topic=f"/{self.camera}/image_raw{suffix}", type_name=kind, log_time_ns=self.log_time_ns, data=data
        )

    @property
    def is_compressed(self) -> bool:
        """Whether it stands on a topic of files."""
        return self.fault == "corrupt"


def shots(camera: str, stamps_ns: Iterable[int], *, first: int = 0, latency_ns: int = 7 * MS) -> list[Shot]:
    """Images of one camera with rising grey values."""
    return [
        Shot(camera=camera, stamp_ns=int(stamp), grey=first + index, log_time_ns=int(stamp) + latency_ns)
        for index, stamp in enumerate(stamps_ns)
    ]


def write_shots(path: Path, taken: Iterable[Shot], *, truth: Sequence[int] = (), storage: str = "mcap") -> Path:
    """A bag of images.

    Args:
        path: The bag.
        taken: The images.
        truth: Stamps of the first camera that have truth: one object where class_1 is detected.
        storage: Of the bag.
    """
    messages = [shot.message() for shot in sorted(taken, key=lambda shot: shot.log_time_ns)]
    messages += [_truth(stamp) for stamp in truth]
    ordered = sorted(messages, key=lambda message: message.log_time_ns)
    return write_messages(path, iter(ordered), BagWriterOptions(storage=storage))


def _truth(stamp_ns: int) -> BagMessage:
    objects = TrueObjects(
        boxes=np.array([[28, 12, 44, 28]], np.float32),
        labels=("class_1",),
        track_ids=("1",),
        visible_fraction=np.ones(1, np.float32),
        truncation=np.zeros(1, np.float32),
        ignored=np.zeros(1, np.bool_),
    )
    data = encode_true_objects(TrueObjectsMessage(stamp_ns=stamp_ns, frame_id="", objects=objects))
    topic = f"/{COLOUR}/ground_truth/detections"
    return BagMessage(topic=topic, type_name=DETECTION_ARRAY_TYPE, log_time_ns=stamp_ns + 30 * MS, data=data)


def nearest_pairs(colour: Sequence[int], warm: Sequence[int], tolerance_ns: int) -> dict[int, int]:
    """Warm stamp by colour stamp: each colour stamp in turn takes the nearest that is left, of two as near the earlier.

    Plain arithmetic over all stamps at once, as a reference of the pairing that sees them come one by one.
    """
    left: NDArray[np.int64] = np.unique(np.array(list(warm), np.int64))
    found: dict[int, int] = {}
    for stamp in sorted(colour):
        if not left.size:
            break
        best = int(np.argmin(np.abs(left - stamp)))
        if abs(int(left[best]) - stamp) <= tolerance_ns:
            found[stamp] = int(left[best])
            left = np.delete(left, best)
    return found


def jittered(seed: int, *, count: int, jitter_ms: float, holes: float, start_ns: int, period_ms: int) -> Iterator[int]:
    """Stamps of a camera that is not exact and loses some."""
    random = np.random.default_rng(seed)
    for index in range(count):
        jitter = round(random.uniform(-jitter_ms, jitter_ms) * MS)
        if random.random() >= holes:
            yield start_ns + index * period_ms * MS + jitter


def even(count: int, *, off_ms: float = 0.0) -> list[int]:
    """Stamps of a camera at 10 Hz."""
    return [START_NS + index * PERIOD_MS * MS + round(off_ms * MS) for index in range(count)]


def pair_of(count: int = 8) -> list[Shot]:
    """What both cameras take at 10 Hz, the warm one 2 ms later."""
    return shots(COLOUR, even(count)) + shots(WARM, even(count, off_ms=2), first=100)


def records_of(out: Path) -> list[FrameRecord]:
    """All of a run."""
    return list(RunFolder(out).frames())


def accounted(records: Sequence[FrameRecord]) -> Counter[tuple[str, int | None]]:
    """How often each frame stands in the records."""
    own = [(record.camera, record.stamp_ns) for record in records]
    others = [(p.camera, p.stamp_ns) for record in records for p in record.partners if not p.again]
    return Counter([*own, *others])


def skipped(records: Sequence[FrameRecord]) -> dict[tuple[str, int | None], str]:
    """Why, by camera and stamp."""
    return {(r.camera, r.stamp_ns): r.skipped.value for r in records if r.skipped is not None}


def interrupt_after(count: int) -> Callable[[int, int], None]:
    """Progress that presses Control-C after so many frames."""

    def progress(done: int, total: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress
