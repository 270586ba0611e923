"""`validate` and `calibrate` on the command line with models of two inputs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.drive_bag import textured_image
from helpers.paired_bag import MS
from helpers.tiny_bag import START_NS, write_messages

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import IMAGE_TYPE, encode_image
from trt_perception.cli.main import main
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import parse_overrides
from trt_perception.model.write_spec import write_spec

pytest.importorskip("onnx", reason="the model is made with onnx")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

SIZE = 64
FRAMES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and a bag of two sets in which front_ir lacks its third frame and is 4 ms late."""
    path = tmp_path_factory.mktemp("sets")
    overrides = parse_overrides(head=[], labels=[], shape=[], preprocess=["scale=0.00392156862745098"])
    spec = load_spec(make_demo_network_onnx(path / "pair.onnx", thermal=True), overrides=overrides)
    write_spec(dataclasses.replace(spec, name="pair"), path / "pair.yaml")
    messages = []
    for index in range(FRAMES):
        for number, (camera, late_ms) in enumerate((("front", 0), ("front_ir", 4), ("rear", 0), ("rear_ir", 1))):
            if (camera, index) == ("front_ir", 2):
                continue
            stamp_ns = START_NS + index * 100 * MS + late_ms * MS
            image = textured_image(10 * index + number, height=SIZE, width=SIZE)
            data = encode_image(image, stamp_ns=stamp_ns, frame_id=camera, encoding="bgr8")
            topic = f"/{camera}/image_raw"
            messages.append(BagMessage(topic=topic, type_name=IMAGE_TYPE, log_time_ns=stamp_ns + 7 * MS, data=data))
    write_messages(path / "bag", iter(sorted(messages, key=lambda message: message.log_time_ns)))
    return path


def validate(folder: Path, out: Path, *more: str) -> int:
    model = ["--model", str(folder / "pair.yaml"), "--backend", "onnxruntime", "--no-report", "--out", str(out)]
    return main(["validate", str(folder / "bag"), *model, *more])


def ledger(out: Path) -> dict[str, tuple[int, dict[str, int]]]:
    plain = json.loads((out / "metrics.json").read_text())["ledger"]["cameras"]
    return {camera["camera"]: (camera["processed"], camera["skipped"]) for camera in plain}


def test_prints_the_sets_and_what_was_unpaired(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(folder, tmp_path / "out", "--set", "front,front_ir", "--set", "rear, rear_ir") == 0
    text = capsys.readouterr().out
    assert "sets: front + front_ir, rear + rear_ir; stamps within 5 ms, incomplete sets dropped" in text
    assert "unpaired 1" in text
    all_ir = (FRAMES, dict[str, int]())
    assert ledger(tmp_path / "out") == {
        "front": (FRAMES - 1, {"unpaired": 1}), "front_ir": (FRAMES - 1, {}), "rear": all_ir, "rear_ir": all_ir,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param(("--tolerance-ms", "3"), (0, {"unpaired": FRAMES}), id="tolerance"),
        pytest.param(("--incomplete", "latest", "--deadline-ms", "110"), (FRAMES, {}), id="latest"),
        pytest.param(("--incomplete", "latest", "--deadline-ms", "60"), (FRAMES - 1, {"unpaired": 1}), id="too_old"),
    ],
)
def test_the_options_of_the_pairing_are_heard(
    folder: Path, tmp_path: Path, more: tuple[str, ...], expected: tuple[int, dict[str, int]]
) -> None:
    assert validate(folder, tmp_path / "out", "--set", "front,front_ir", "--set", "rear,rear_ir", *more) == 0
    assert ledger(tmp_path / "out")["front"] == expected


def test_names_what_to_type_where_the_cameras_cannot_be_guessed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(folder, tmp_path / "out") == 2
    assert "once for each set: --set front,front_ir" in capsys.readouterr().err


def test_a_set_is_refused_for_a_model_of_one_input(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_demo_network_onnx(tmp_path / "one.onnx")
    arguments = ["--model", str(model), "--backend", "onnxruntime", "--out", str(tmp_path / "out")]
    assert main(["validate", str(folder / "bag"), *arguments, "--set", "front,front_ir"]) == 2
    assert "has one input" in capsys.readouterr().err


def test_calibrates_on_named_sets(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.json"
    frames = ["--frames", str(FRAMES - 1), "--tensor", "images", "--tensor", "thermal", "--no-cache", "--json"]
    pair = ["calibrate", str(folder / "pair.yaml"), str(folder / "bag"), "--set", "front,front_ir"]
    assert main([*pair, *frames, "--out", str(out)]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["coverage"]["cameras"] == {"front": FRAMES - 1}
    assert set(plain["table"]["ranges"]) == {"images", "thermal"}
    assert main([*pair, "--frames", str(FRAMES), "--no-cache", "--out", str(tmp_path / "more.json")]) == 2
    assert f"--frames {FRAMES - 1}" in capsys.readouterr().err
