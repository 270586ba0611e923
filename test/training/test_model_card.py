"""The card says what the record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.model_card import model_card

MODELS = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model"
RECORDS = sorted(MODELS.glob("*.json"))


def _accuracy(map50: float) -> dict[str, Any]:
    iou = {"background": 0.99, "drivable": 0.95, "lane": 0.55}
    return {"pictures": 10, "objects": 40, "map50": map50, "map50_95": 0.61, "iou": iou}


def _evaluation(night: float) -> dict[str, Any]:
    return {
        **_accuracy(0.85),
        "computed_by": "pycocotools",
        "ignore_rule": {"min_side_px": 12.0, "min_visible_fraction": 0.35, "max_truncation": 0.6},
        "per_class": {
            "car": {"objects": 30, "map50": 0.9, "map50_95": 0.7},
            "bus": {"objects": 0, "map50": None, "map50_95": None},
            "animal": {"objects": 10, "map50": 0.512, "map50_95": 0.3},
        },
        "per_condition": {"day": _accuracy(0.9), "night": _accuracy(night)},
        "recall_by_size": {
            "car": {"below 20 px": {"objects": 9, "recall": 0.5}, "20 to 40 px": {"objects": 0, "recall": None}}
        },
        "evaluation": {
            "model": "demo_model.onnx",
            "model_bytes": 6_320_000,
            "runtime": "ONNX Runtime, CPU, FP32",
            "first_seed": 20000,
            "drives_per_condition": 6,
            "instants_per_drive": 4,
            "score": 0.01,
            "nms_iou": 0.6,
        },
    }


def _record(**more: Any) -> dict[str, Any]:
    training = {
        "command": "python3 -m training.train --seconds 400",
        "variant": "rgb",
        "pictures": 20000,
        "drives": 800,
        "first_drive": "drive_001000",
        "last_drive": "drive_001799",
        "steps": 12000,
        "batch": 32,
        "epochs": 19.2,
        "seconds": 400,
        "skipped_steps": 0,
        "seed": 1,
        "device": "some GPU",
        "torch": "2.11.0",
    }
    return {"name": "demo_model", "training": training, "evaluation": _evaluation(0.7), **more}


def test_states_figures_goals_and_command() -> None:
    card = model_card(_record())
    for line in (
        "| mAP50 | 0.850 | 0.80 | yes |",
        "| lane IoU | 0.550 | 0.60 | no |",
        "| animal | 10 | 0.512 | 0.300 |",
        "| bus | 0 | - | - |",
        "| night | 10 | 0.700 | 0.610 | 0.950 | 0.550 |",
        "| car | 0.500 of 9 | - of 0 |",
        "python3 -m training.train --seconds 400",
    ):
        assert line in card.splitlines()


@pytest.mark.parametrize(
    ("night", "named"),
    [
        pytest.param(0.7, "animal (class, mAP50 0.512), night (condition, mAP50 0.700)", id="below_the_limit"),
        pytest.param(0.8, "animal (class, mAP50 0.512), night (condition, mAP50 0.800)", id="the_lowest_in_any_case"),
        pytest.param(0.95, "animal (class, mAP50 0.512), day (condition, mAP50 0.900)", id="another_is_lowest"),
    ],
)
def test_names_the_low_spots(night: float, named: str) -> None:
    card = model_card({**_record(), "evaluation": _evaluation(night)})
    assert f"- Low spots: {named}." in card


def test_compares_with_the_one_stream_model_where_there_is_one() -> None:
    assert "Against RGB" not in model_card(_record())
    assert "| night | 0.625 | 0.700 | +7.5 |" in model_card(_record(against=_evaluation(0.625)))


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem for path in RECORDS])
def test_shipped_card_is_made_from_its_record(path: Path) -> None:
    assert path.with_suffix(".md").read_text() == model_card(json.loads(path.read_text()))
