"""docs/export.md: the heads that it names exist, and its refusals are word for word what the recogniser says."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_onnx import make_layout_onnx, ultralytics_metadata
from onnx import TensorProto

from trt_perception.errors import ModelError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.open_sizes import open_sizes_remedy
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise
from trt_perception.model.tensor_info import TensorInfo

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## Where it is refused")[2].partition("\n## ")[0], re.MULTILINE)
Refuse = Callable[[Path], str]


def _of(overrides: ModelOverrides | None = None, **layout: object) -> Refuse:
    """What is said of a model of that layout."""

    def refuse(folder: Path) -> str:
        path = make_layout_onnx(folder / "model.onnx", **layout)  # type: ignore[arg-type]
        recognition = recognise(read_onnx(path), overrides or ModelOverrides())
        assert recognition.spec is None
        return " | ".join(map(str, recognition.problems))

    return refuse


def _outputs(**outputs: tuple[int, ...]) -> Refuse:
    return _of(outputs=outputs)


def _inputs(**inputs: tuple[int | str, ...]) -> Refuse:
    types = {"orig_target_sizes": TensorProto.INT64}
    return _of(inputs=inputs, input_types=types, outputs={"output": (1, 84, 8)})


def _another_file(folder: Path) -> str:
    path = folder / "best.pt"
    np.savez(path, weights=np.zeros(3))  # a zip archive, as torch writes
    try:
        read_onnx(path.with_suffix(".pt.npz"))
    except ModelError as error:
        return str(error)
    raise AssertionError("it was read")


def _open_output(folder: Path) -> str:
    return open_sizes_remedy([TensorInfo(name="logits", shape=(1, "queries", 80), dtype="float32")])


IMAGES = (1, 3, 64, 64)
REFUSALS: dict[str, Refuse] = {
    "expected an ONNX file": _another_file,
    "expected static sizes": _inputs(images=("batch", 3, "height", "width")),
    "expected batch 1": _inputs(images=(4, 3, 64, 64)),
    "expected image inputs only": _inputs(images=IMAGES, orig_target_sizes=(1, 2)),
    "no head recognised": _outputs(logits=(1, 1000)),
    "give the sizes": _open_output,
    "cannot be told apart: yolov10": _outputs(output0=(1, 300, 6)),
    "cannot be told apart: detr_sigmoid": _outputs(logits=(1, 300, 91), pred_boxes=(1, 300, 4)),
    "cannot be told apart: semantic_logits, (depth": _outputs(mask=(1, 1, 64, 64)),
    "cannot be told apart: semantic_logits, (one": _outputs(area=(1, 2, 64, 64), lane=(1, 2, 64, 64)),
    "YOLOv5 or YOLOv7 without": _outputs(a=(1, 3, 8, 8, 6), b=(1, 3, 4, 4, 6), c=(1, 3, 2, 2, 6)),
    "raw feature maps": _outputs(a=(1, 144, 8, 8), b=(1, 144, 4, 4), c=(1, 144, 2, 2)),
    "class scores with the channels last": _outputs(scores=(1, 64, 64, 4)),
    "finished boxes": _of(outputs={"labels": (300,), "boxes": (300, 4), "scores": (300,)}, integers=("labels",)),
    "end-to-end detection": _outputs(output=(100, 7)),
    "EfficientNMS outputs": _outputs(num_dets=(1, 1), det_boxes=(1, 100, 4), det_scores=(1, 100)),
    "end-to-end instance": _of(
        outputs={"output0": (1, 300, 38), "output1": (1, 32, 16, 16)},
        metadata=ultralytics_metadata(task="segment", end2end="True"),
    ),
    "instance segmentation": _outputs(output0=(1, 252, 38), output1=(1, 32, 16, 16)),
    "pose estimation": _of(outputs={"output0": (1, 7, 84)}, metadata=ultralytics_metadata(task="pose")),
    "head: yolov8": _of(ModelOverrides(heads={"": HeadKind.YOLOV8}), outputs={"a": (1, 2, 64, 64)}),
}


AMBIGUOUS: tuple[dict[str, tuple[int, ...]], ...] = (
    {"output0": (1, 300, 6)},
    {"output0": (1, 8400, 85)},
    {"output0": (1, 25200, 6)},
    {"output0": (1, 300, 84)},
    {"output0": (1, 116, 8400), "output1": (1, 32, 160, 160)},
    {"logits": (1, 300, 91), "pred_boxes": (1, 300, 4)},
    {"labels": (1, 300), "boxes": (1, 300, 4), "scores": (1, 300)},
    {"num": (1, 1), "boxes": (1, 100, 4), "scores": (1, 100), "classes": (1, 100)},
)


def test_every_row_is_provoked_here() -> None:
    assert [next((start for start in REFUSALS if row.startswith(start)), row) for row in ROWS] == list(REFUSALS)


@pytest.mark.parametrize("start", REFUSALS)
def test_a_refusal_reads_as_the_page_says(start: str, tmp_path: Path) -> None:
    (row,) = [row for row in ROWS if row.startswith(start)]
    said = REFUSALS[start](tmp_path)
    assert re.search(".*".join(map(re.escape, row.split("..."))), said), said


def test_ambiguous_layouts_are_refused_in_the_words_of_the_page(tmp_path: Path) -> None:
    (block,) = re.findall(r"<!-- ambiguous layouts -->\n```text\n(.*?)```", PAGE, re.DOTALL)
    inputs, integers = {"images": (1, 3, 640, 640)}, ("labels", "num", "classes")
    said = [_of(inputs=inputs, integers=integers, outputs=outputs)(tmp_path) for outputs in AMBIGUOUS]
    assert block.splitlines() == said


def test_every_head_has_a_way_to_it() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.partition("## From PyTorch")[0]))
    # What a user adds with an activation of their own, and what comes with it.
    assert {kind.value for kind in HeadKind} - named <= {"binary_mask"}


def test_the_recipe_is_python() -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {node.name for node in ast.parse(lines).body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert names == {"Picked", "export"}
    for example in re.findall(r"^# .*?: +(export\(.*\))$", lines, re.MULTILINE):
        ast.parse(example)
