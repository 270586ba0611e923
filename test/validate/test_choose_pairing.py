"""Sets of cameras of several bags: all have the same, and none is left out unsaid."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from helpers.paired_bag import COLOUR, MS, SCORE, WARM, PairPipeline, Shot, shots, write_shots
from helpers.tiny_bag import START_NS

from trt_perception import InputError
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnx", reason="the model is made with onnx")
pytest.importorskip("pycocotools", reason="needs pycocotools")

OPTIONS = ValidationOptions(score=SCORE)


def taken(start_ns: int, *cameras: str) -> list[Shot]:
    stamps = [start_ns + index * 100 * MS for index in range(4)]
    return [shot for number, camera in enumerate(cameras) for shot in shots(camera, stamps, first=50 * number)]


@pytest.mark.parametrize("longer", [0, 1], ids=["first_has_more", "second_has_more"])
def test_bags_whose_names_tell_other_sets_are_refused(tmp_path: Path, longer: int) -> None:
    pipeline = PairPipeline(tmp_path)
    cameras: list[tuple[str, ...]] = [(COLOUR, WARM), (COLOUR, WARM)]
    cameras[longer] += ("rear", "rear_thermal")
    bags = [
        write_shots(tmp_path / f"bag_{number}", taken(START_NS + number * 60_000 * MS, *names))
        for number, names in enumerate(cameras)
    ]
    told = f"--set rear,rear_thermal in .*bag_{longer}.* --set front,front_thermal$"
    with pytest.raises(InputError, match=told):
        validate_run(bags, pipeline, tmp_path / "out", options=OPTIONS)
    named = dataclasses.replace(OPTIONS, sets=((COLOUR, WARM),))
    metrics = validate_run(bags, pipeline, tmp_path / "named", options=named)
    assert {camera.camera: camera.processed for camera in metrics.ledger.cameras} == {COLOUR: 4, WARM: 4}
    assert len(metrics.bags) == 2
