"""Overrides as they stand on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trt_perception.errors import ConfigError
from trt_perception.model.model_overrides import ModelOverrides, parse_overrides
from trt_perception.model.model_spec import HeadKind


def test_reads_every_form(tmp_path: Path) -> None:
    (tmp_path / "a=b.txt").write_text("car\nbus\n")
    (tmp_path / "lane.yaml").write_text("[none, lane]")
    overrides = parse_overrides(
        head=["yolox", "seg=semantic_logits"],
        labels=[str(tmp_path / "a=b.txt"), f"seg={tmp_path / 'lane.yaml'}"],
        shape=["images=1x3x640x480", "a=b=1,2"],
        preprocess=["scale=1.0", "channel_order=bgr", "mean=0.5, 0.5,1", "std=[1, 2, 3]"],
        name="mine",
    )
    assert overrides == ModelOverrides(
        heads={"": HeadKind.YOLOX, "seg": HeadKind.SEMANTIC_LOGITS},
        labels={"": ("car", "bus"), "seg": ("none", "lane")},
        shapes={"images": (1, 3, 640, 480), "a=b": (1, 2)},
        preprocess={"scale": 1.0, "channel_order": "bgr", "mean": [0.5, 0.5, 1], "std": [1, 2, 3]},
        name="mine",
    )


def test_nothing_given_is_false() -> None:
    assert not parse_overrides()
    assert parse_overrides(shape=["x=1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"head": ["yolo"]}, "--head: expected one of yolox, yolox_decoded", id="unknown_family"),
        pytest.param({"shape": ["1x3x64x64"]}, "--shape: expected NAME=SIZES such as images=1x3x640x640", id="no_name"),
        pytest.param({"shape": ["a=1x0"]}, "--shape: expected NAME=SIZES", id="zero"),
        pytest.param({"shape": ["a=1x"]}, "--shape: expected NAME=SIZES", id="cut_short"),
        pytest.param({"shape": ["a=" + "9" * 30]}, "--shape: expected NAME=SIZES", id="absurd"),
        pytest.param({"preprocess": ["scale"]}, "--preprocess: expected FIELD=VALUE", id="no_value"),
        pytest.param({"preprocess": ["mean=[1,"]}, "--preprocess mean:1:", id="broken_list"),
        pytest.param({"labels": ["absent.txt"]}, "absent.txt: no such label file", id="no_label_file"),
    ],
)
def test_refuses(arguments: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_overrides(**arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
