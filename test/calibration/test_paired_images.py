"""Calibration of a model of two inputs: on the pairs of a plain reference, with the ranges that ONNX Runtime gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.drive_bag import textured_image
from helpers.paired_bag import COLOUR, MS, WARM, nearest_pairs
from helpers.tiny_bag import START_NS, write_messages

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.calibration.calibrate import CalibrationOptions, calibrate
from trt_perception.calibration.frame_sampler import sample_frames
from trt_perception.calibration.image_source import ImageSource
from trt_perception.calibration.paired_images import ModelInputs, PairedImages
from trt_perception.cdr import IMAGE_TYPE, encode_image
from trt_perception.errors import InputError
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions

onnx = pytest.importorskip("onnx", reason="the model is made with onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="the reference")
pytest.importorskip("rosbags", reason="the bag library is not installed")

SIZE = 64
COLOUR_NS = [START_NS + index * 100 * MS for index in range(14)]
WARM_NS = [stamp + (3 if index % 5 else 20) * MS for index, stamp in enumerate(COLOUR_NS) if index not in (6, 7)]
PAIRS = nearest_pairs(COLOUR_NS, WARM_NS, 5 * MS)
INPUTS = ModelInputs(model="tiny", names=("images", "thermal"), pairing=PairingOptions())


def image_of(stamp_ns: int, *, grey: bool) -> np.ndarray:
    image = textured_image(stamp_ns // MS % 100_000, height=SIZE, width=SIZE)
    return np.ascontiguousarray(image[:, :, 0]) if grey else image


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_network_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx", thermal=True)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    messages = [
        BagMessage(
            topic=f"/{camera}/image_raw",
            type_name=IMAGE_TYPE,
            log_time_ns=stamp + 9 * MS,
            data=encode_image(image_of(stamp, grey=grey), stamp_ns=stamp, frame_id="", encoding=encoding),
        )
        for camera, stamps, grey, encoding in ((COLOUR, COLOUR_NS, False, "bgr8"), (WARM, WARM_NS, True, "mono8"))
        for stamp in stamps
    ]
    ordered = sorted(messages, key=lambda message: message.log_time_ns)
    return write_messages(tmp_path_factory.mktemp("bag") / "drive", iter(ordered))


def test_images_come_with_their_partners(bag: Path) -> None:
    images = PairedImages(ImageSource(bag), INPUTS)
    assert {i.image.stamp_ns: i.partners[0].image.stamp_ns for i in images.images()} == PAIRS
    assert images.camera_counts == {COLOUR: len(PAIRS)}
    assert images.unpaired == len(COLOUR_NS) + len(WARM_NS) - 2 * len(PAIRS)
    assert 5 < len(PAIRS) < len(COLOUR_NS) - 3


def test_ranges_are_those_of_onnx_runtime_on_the_same_pairs(model: Path, bag: Path) -> None:
    graph = onnx.load(model)
    # Where both images have come together.
    inner = [node.output[0] for node in graph.graph.node if node.name.startswith("backbone.fuse")]
    options = CalibrationOptions(
        calibrator=CalibratorOptions(method=CalibratorMethod.MAX),
        frames=len(PAIRS),
        tensors=("images", "thermal", *inner),
    )
    calibration = calibrate(model, [bag], options)
    graph.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, float] = {}
    for colour, warm in PAIRS.items():
        # A recognised YOLOX takes BGR as it is, 0 to 255, a mask head's other input likewise.
        tensors: dict[str, Any] = {
            "images": image_of(colour, grey=False).transpose(2, 0, 1)[None].astype(np.float32),
            "thermal": image_of(warm, grey=True)[None, None].astype(np.float32),
        }
        values = tensors | dict(zip(inner, session.run(inner, tensors), strict=True))
        for name, value in values.items():
            largest[name] = max(largest.get(name, 0.0), float(np.abs(value).max()))
    assert calibration.table.ranges.keys() == {"images", "thermal", *inner}
    assert len(inner) > 3
    for name, value in calibration.table.ranges.items():
        assert value == pytest.approx(largest[name], rel=1e-3), name
    assert any("images have no partner and are left out" in warning for warning in calibration.coverage.warnings)


def test_the_digest_is_of_both_images(bag: Path, tmp_path: Path) -> None:
    sample = sample_frames([bag], frames=4, inputs=INPUTS)
    assert sample.digest == sample_frames([bag], frames=4, inputs=INPUTS).digest
    alone = ModelInputs(model="tiny", names=("images",), sets=((COLOUR,),), pairing=PairingOptions())
    assert {c.digest for c in sample.chosen}.isdisjoint(
        c.digest for c in sample_frames([bag], frames=14, inputs=alone).chosen
    )


def write_folder(folder: Path, names: list[str], *, grey: bool) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), image_of(START_NS + number * MS, grey=grey))


def test_a_folder_without_times_needs_files_called_alike(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "front", ["1.png", "2.png"], grey=False)
    write_folder(tmp_path / "a" / "front_thermal", ["1.png", "2.png"], grey=True)
    assert len(list(PairedImages(ImageSource(tmp_path / "a"), INPUTS).images())) == 2
    write_folder(tmp_path / "b" / "front", ["1.png", "2.png"], grey=False)
    write_folder(tmp_path / "b" / "front_thermal", ["2.png", "3.png"], grey=True)
    with pytest.raises(InputError, match="have no time in their names and are not called the same"):
        PairedImages(ImageSource(tmp_path / "b"), INPUTS)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        (ModelInputs(model="tiny", names=("images", "ir"), pairing=PairingOptions()), "--set front,front_thermal"),
        (
            ModelInputs(model="tiny", names=("images", "thermal"), pairing=PairingOptions(tolerance_ms=0.5)),
            "stamps within 0.5 ms",
        ),
    ],
    ids=["names_tell_nothing", "nothing_fits"],
)
def test_what_cannot_be_paired_is_refused(bag: Path, inputs: ModelInputs, named: str) -> None:
    with pytest.raises(InputError, match=named):
        PairedImages(ImageSource(bag), inputs)
