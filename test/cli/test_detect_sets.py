"""`detect` on models of two inputs: files that belong together are found, the others are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from trt_perception.cli.main import main
from trt_perception.model.load_spec import load_spec
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.encoded_file import read_encoded
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline

pytest.importorskip("onnx", reason="the model is read with onnx")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")

MODEL = Path(__file__).parents[2] / "trt_perception" / "demo" / "model" / "demo_model_rgb_ir.onnx"
MS = 1_700_000_000_000


def picture(path: Path, seed: int, *, grey: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (60, 100) if grey else (60, 100, 3)
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, shape, np.uint8))
    return path


def detect(*arguments: object) -> int:
    return main(["detect", str(MODEL), *map(str, arguments), "--backend", "onnxruntime", "--score", "0.0001"])


def images_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["images"]
    return found


def test_two_files_are_one_set_in_the_order_of_the_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colour, warm = picture(tmp_path / "a.png", 1, grey=False), picture(tmp_path / "b.png", 2, grey=True)
    assert detect(colour, warm, "--json", "--out", tmp_path / "out") == 0
    (image,) = images_of(capsys)
    assert (image["file"], image["partners"]) == (str(colour), [str(warm)])
    assert (tmp_path / "out" / "a.jpg").is_file()
    spec = load_spec(MODEL)
    with Pipeline(spec, OnnxRuntimeBackend(spec)) as pipeline:
        masks = pipeline.process([decode_image(read_encoded(colour)), decode_image(read_encoded(warm))])
    shares = np.bincount(masks.heads["segmentation"].class_ids.ravel(), minlength=3) / 6000  # type: ignore[union-attr]
    assert max(image["masks"]["segmentation"].values()) == pytest.approx(shares.max(), abs=1e-4)


@pytest.mark.parametrize("form", ["one_folder", "named_sets", "two_folders"])
def test_files_with_times_are_paired_by_them(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    second = "front_ir" if form == "named_sets" else "front_thermal"
    colour = [picture(tmp_path / "in" / "front" / f"{MS + at}.png", at, grey=False) for at in (0, 100, 200)]
    warm = [picture(tmp_path / "in" / second / f"{MS + at}.png", at, grey=True) for at in (3, 150, 204)]
    forms = {
        "one_folder": [tmp_path / "in"],
        "named_sets": [tmp_path / "in", "--set", "front,front_ir"],
        "two_folders": [tmp_path / "in" / "front", tmp_path / "in" / second],
    }
    assert detect(*forms[form], "--json") == 2
    images = images_of(capsys)
    assert {image["file"]: image.get("partners") for image in images} == {
        str(colour[0]): [str(warm[0])],
        str(colour[2]): [str(warm[2])],
        str(colour[1]): None,
        str(warm[1]): None,
    }
    errors = {image["file"]: image["error"] for image in images if "error" in image}
    assert errors[str(colour[1])].startswith(f"unpaired: no frame of {second} within 5 ms; the nearest is +50.000 ms")
    assert errors[str(warm[1])] == "unpaired: no frame of front took it"


def test_files_without_times_are_paired_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colour = [picture(tmp_path / "rgb" / f"{name}.png", 1, grey=False) for name in ("a", "b", "c")]
    warm = [picture(tmp_path / "ir" / f"{name}.png", 1, grey=True) for name in ("b", "c")]
    assert detect(tmp_path / "rgb", tmp_path / "ir", "--json") == 2
    images = images_of(capsys)
    assert [(image["file"], image.get("partners"), image.get("error")) for image in images] == [
        (str(colour[1]), [str(warm[0])], None),
        (str(colour[2]), [str(warm[1])], None),
        (str(colour[0]), None, "unpaired: no file a of ir"),
    ]


def test_cameras_with_files_of_one_name_have_a_picture_each(tmp_path: Path) -> None:
    for seed, camera in enumerate(("front", "front_thermal", "rear", "rear_thermal")):
        picture(tmp_path / "in" / camera / f"{MS}.png", seed, grey=camera.endswith("thermal"))
    assert detect(tmp_path / "in", "--out", tmp_path / "out") == 0
    found = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("*.jpg")}
    assert sorted(found) == [f"front_{MS}.jpg", f"rear_{MS}.jpg"]
    assert len(set(found.values())) == 2


def test_two_files_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("rgb/a.png", "rgb/a.jpg", "ir/a.png"):
        picture(tmp_path / name, 1, grey=name.startswith("ir"))
    assert detect(tmp_path / "rgb", tmp_path / "ir") == 2
    assert "goes by the same name as" in capsys.readouterr().err


def test_a_bad_partner_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colour, warm = picture(tmp_path / "a.png", 1, grey=False), tmp_path / "b.png"
    warm.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    assert detect(colour, warm, "--json") == 2
    output = capsys.readouterr()
    assert f"{warm}: " in output.err
    assert json.loads(output.out)["images"][0]["error"].startswith("corrupt_image: ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(("in/front/1.png",), "expected 2 files or folders in this order", id="one_file"),
        pytest.param(("in/front", "in/front/1.png"), "expected 2 files or folders in this order", id="mixed"),
        pytest.param(("in/front", "nowhere"), "nowhere: no such file or folder", id="absent"),
        pytest.param(("in",), "say it, in the order of the inputs, once for each set: --set", id="names_say_nothing"),
        pytest.param(("in", "--set", "front,"), "expected names of cameras with commas between", id="empty_name"),
        pytest.param(("in", "in", "--set", "front,rear"), "or one folder with a subfolder a camera", id="two_and_set"),
    ],
)
def test_what_makes_no_set_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    named: str,
) -> None:
    picture(tmp_path / "in" / "front" / "1.png", 1, grey=False)
    picture(tmp_path / "in" / "rear" / "1.png", 1, grey=True)
    monkeypatch.chdir(tmp_path)
    assert detect(*arguments) == 2
    assert named in capsys.readouterr().err
