"""Heads with a row a query give what the published post-processing gives, written here as plain loops."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from helpers.model_specs import model_spec, query_spec
from helpers.tiny_detr_onnx import make_detr_onnx, make_rtdetr_deploy_onnx, make_rtdetr_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.model.preprocess_options import Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

Found = tuple[float, float, float, float, float, int]
"""x1 y1 x2 y2 in pixels of the image, score, class."""
Arrays = dict[str, NDArray[Any]]

CLASSES = 3
QUERIES = 20
KINDS = [
    HeadKind.RTDETR,
    HeadKind.RTDETR_END_TO_END,
    HeadKind.RTDETR_DEPLOY,
    HeadKind.DETR_SIGMOID,
    HeadKind.DETR_SOFTMAX,
]
all_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)


def spec_of(kind: HeadKind, **options: Any) -> ModelSpec:
    options = {"resize": Resize.STRETCH, **options}
    if kind is HeadKind.RTDETR:
        return model_spec(kind, (1, QUERIES, 4 + CLASSES), labels=CLASSES, **options)
    if kind is HeadKind.RTDETR_END_TO_END:
        return model_spec(kind, (1, QUERIES, 6), labels=CLASSES, **options)
    return query_spec(kind, labels=CLASSES, queries=QUERIES, **options)


def decode(
    spec: ModelSpec, outputs: Arrays, *, size: tuple[int, int] = (64, 64), thresholds: Thresholds | None = None
) -> Detections:
    transform = ImageTransform.of(*size, spec.inputs[0])
    found = make_decoder(spec.heads[0], spec).decode(outputs, transform, thresholds or Thresholds())
    assert isinstance(found, Detections)
    return found


def outputs_of(kind: HeadKind, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Arrays:
    """The outputs of a model of 64 x 64 pixels that sees these boxes (n, 4), as fractions, with these scores (n, 3)."""
    rest = QUERIES - len(boxes)
    boxes = np.concatenate((boxes, np.full((rest, 4), 0.5, np.float32)))
    scores = np.concatenate((scores, np.zeros((rest, CLASSES), np.float32))).astype(np.float32)
    if kind is HeadKind.RTDETR:
        return {"output": np.concatenate((boxes, scores), axis=1)[None]}
    if kind is HeadKind.DETR_SIGMOID:
        with np.errstate(divide="ignore"):
            logits = np.clip(np.log(scores / (1 - scores)), -99, 99)
        return {"logits": logits[None], "boxes": boxes[None]}
    if kind is HeadKind.DETR_SOFTMAX:
        shares = np.concatenate((scores, 1 - scores.sum(axis=1, keepdims=True)), axis=1)
        return {"logits": np.log(np.maximum(shares, 1e-30))[None], "boxes": boxes[None]}
    class_ids = scores.argmax(axis=1)
    best = scores[np.arange(QUERIES), class_ids]
    if kind is HeadKind.RTDETR_END_TO_END:
        return {"output": np.concatenate((boxes, best[:, None], class_ids[:, None]), axis=1, dtype=np.float32)[None]}
    x, y, w, h = boxes.T * 64
    corners = np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=1)
    return {"labels": class_ids[None], "boxes": corners[None], "scores": best[None]}


def one_box(kind: HeadKind, box: tuple[float, float, float, float], score: float, class_id: int) -> Arrays:
    scores = np.zeros((1, CLASSES), np.float32)
    scores[0, class_id] = score
    return outputs_of(kind, np.array([box], np.float32), scores)


@all_kinds
def test_a_box_comes_out_where_it_was_put(kind: HeadKind) -> None:
    found = decode(spec_of(kind), one_box(kind, (0.5, 0.25, 0.25, 0.125), 0.75, 2), size=(640, 480))
    assert np.allclose(found.boxes, [[240, 90, 400, 150]], atol=1e-3)
    assert found.scores.tolist() == pytest.approx([0.75], abs=1e-6)
    assert found.class_ids.tolist() == [2]


@all_kinds
def test_letterbox_and_crop_are_undone(kind: HeadKind) -> None:
    spec = spec_of(kind, resize=Resize.LETTERBOX, crop=(100, 50, 320, 160))
    found = decode(spec, one_box(kind, (0.5, 0.5, 0.25, 0.125), 0.9, 0), size=(640, 480))
    # 320 x 160 becomes 64 x 32, 16 px lower: 5 image px a network px.
    assert np.allclose(found.boxes, [[100 + 24 * 5, 50 + 12 * 5, 100 + 40 * 5, 50 + 20 * 5]], atol=1e-3)


@all_kinds
def test_equal_boxes_are_two_objects(kind: HeadKind) -> None:
    """Queries learn to find each object once: NMS would take people in a crowd away."""
    boxes = np.full((2, 4), 0.5, np.float32)
    scores = np.array([[0.5, 0, 0], [0.75, 0, 0]], np.float32)
    found = decode(spec_of(kind), outputs_of(kind, boxes, scores))
    assert found.scores.tolist() == pytest.approx([0.75, 0.5], abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(HeadKind.RTDETR, [0]), (HeadKind.DETR_SIGMOID, [0, 1]), (HeadKind.DETR_SOFTMAX, [0])],
    ids=["rtdetr", "detr_sigmoid", "detr_softmax"],
)
def test_second_best_classes_count_where_the_family_counts_them(kind: HeadKind, expected: list[int]) -> None:
    outputs = outputs_of(kind, np.full((1, 4), 0.5, np.float32), np.array([[0.5, 0.375, 0]], np.float32))
    assert decode(spec_of(kind), outputs).class_ids.tolist() == expected


def test_as_many_pairs_as_queries_remain() -> None:
    scores = np.linspace(0.9, 0.5, QUERIES * CLASSES, dtype=np.float32).reshape(QUERIES, CLASSES)
    outputs = outputs_of(HeadKind.DETR_SIGMOID, np.full((QUERIES, 4), 0.5, np.float32), scores)
    found = decode(spec_of(HeadKind.DETR_SIGMOID), outputs)
    assert np.allclose(found.scores, np.sort(scores.ravel())[::-1][:QUERIES], atol=1e-6)


@pytest.mark.parametrize("class_id", [-1, CLASSES, 1.5], ids=["negative", "too_large", "fraction"])
def test_a_class_that_does_not_exist_fails_by_name(class_id: float) -> None:
    outputs = one_box(HeadKind.RTDETR_END_TO_END, (0.5, 0.5, 0.5, 0.5), 0.9, 0)
    outputs["output"][0, 0, 5] = class_id
    with pytest.raises(FrameError, match=r"'output': class number .*expected a whole number from 0 to 2") as caught:
        decode(spec_of(HeadKind.RTDETR_END_TO_END), outputs)
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def test_classes_of_rows_without_an_object_are_not_looked_at() -> None:
    outputs = one_box(HeadKind.RTDETR_DEPLOY, (0.5, 0.5, 0.5, 0.5), 0.9, 0)
    outputs["labels"][0, 1:] = 99
    assert len(decode(spec_of(HeadKind.RTDETR_DEPLOY), outputs)) == 1


@all_kinds
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_fails_by_name(kind: HeadKind, value: float) -> None:
    floats = [name for name in spec_of(kind).heads[0].outputs if name != "labels"]
    for name in floats:
        outputs = one_box(kind, (0.5, 0.5, 0.5, 0.5), 0.9, 0)
        outputs[name].reshape(-1)[1] = value
        with pytest.raises(FrameError, match=f"'{name}'") as caught:
            decode(spec_of(kind), outputs)
        assert caught.value.reason is DropReason.INFERENCE_FAILED


@all_kinds
def test_boxes_are_clamped_and_those_outside_the_image_are_gone(kind: HeadKind) -> None:
    boxes = np.array([[0, 0.5, 0.5, 0.25], [1.5, 0.5, 0.25, 0.25], [0.5, 0.5, 0, 0.5], [3e38, 0, 3e38, 1]], np.float32)
    if kind is HeadKind.RTDETR_DEPLOY:
        boxes = boxes[:3]  # in pixels the last one would not be finite
    outputs = outputs_of(kind, boxes, np.full((len(boxes), CLASSES), 0.3))
    found = decode(spec_of(kind), outputs, thresholds=Thresholds(score=0.25))
    assert {tuple(box) for box in found.boxes.tolist()} == {(0, 24, 16, 40)}


@pytest.mark.parametrize("kind", [HeadKind.DETR_SIGMOID, HeadKind.DETR_SOFTMAX], ids=lambda kind: kind.value)
def test_extreme_logits_are_scores_of_0_and_1(kind: HeadKind) -> None:
    outputs = one_box(kind, (0.5, 0.5, 0.5, 0.5), 0.9, 0)
    outputs["logits"][:] = -3e38
    outputs["logits"][0, 4, 1] = 3e38
    found = decode(spec_of(kind), outputs, thresholds=Thresholds(score=0.5))
    assert (found.scores.tolist(), found.class_ids.tolist()) == ([1.0], [1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    score=st.sampled_from([0.0, 0.2, 0.5]),
    per_class=st.dictionaries(st.sampled_from(["class_0", "class_2"]), st.floats(0, 1)),
    size=st.sampled_from([(64, 64), (160, 90), (33, 77)]),
    most=st.sampled_from([5, 300]),
)
def test_objects_are_those_of_plain_loops(
    seed: int, kind: HeadKind, score: float, per_class: dict[str, float], size: tuple[int, int], most: int
) -> None:
    random = np.random.default_rng(seed)
    outputs = random_outputs(kind, random)
    spec = spec_of(kind, resize=[Resize.LETTERBOX, Resize.STRETCH][seed % 2])
    limits = Thresholds(score=score, per_class=per_class, max_detections=most)
    check_same(decode(spec, outputs, size=size, thresholds=limits), plain(kind, outputs, spec, size, limits))


def random_outputs(kind: HeadKind, random: np.random.Generator) -> Arrays:
    boxes = random.uniform(-0.2, 1.2, (QUERIES, 4)).astype(np.float32)
    if kind is HeadKind.RTDETR:
        return {
            "output": np.concatenate((boxes, random.uniform(0, 1, (QUERIES, CLASSES))), axis=1, dtype=np.float32)[None]
        }
    scores = np.sort(random.uniform(0, 1, QUERIES).astype(np.float32))[::-1].copy()
    labels = random.integers(0, CLASSES, QUERIES)
    if kind is HeadKind.RTDETR_END_TO_END:
        return {"output": np.concatenate((boxes, scores[:, None], labels[:, None]), axis=1, dtype=np.float32)[None]}
    if kind is HeadKind.RTDETR_DEPLOY:
        return {"labels": labels[None], "boxes": 64 * boxes[None], "scores": scores[None]}
    columns = CLASSES + (kind is HeadKind.DETR_SOFTMAX)
    return {"logits": random.normal(0, 2, (1, QUERIES, columns)).astype(np.float32), "boxes": boxes[None]}


TINY: dict[HeadKind, tuple[Callable[..., Path], dict[str, Any]]] = {
    HeadKind.RTDETR: (make_rtdetr_onnx, {}),
    HeadKind.RTDETR_END_TO_END: (make_rtdetr_onnx, {"top_k": True}),
    HeadKind.RTDETR_DEPLOY: (make_rtdetr_deploy_onnx, {"constant": (64, 64)}),
    HeadKind.DETR_SIGMOID: (make_detr_onnx, {"columns": CLASSES}),
    HeadKind.DETR_SOFTMAX: (make_detr_onnx, {"columns": CLASSES + 1}),
}


@all_kinds
def test_a_graph_of_the_family_gives_its_objects(tmp_path: Path, kind: HeadKind) -> None:
    """From the file alone, but for the words that it cannot say: ONNX Runtime, decoder and loops agree."""
    make, arguments = TINY[kind]
    path = make(tmp_path / "m.onnx", **arguments)
    words = {"": kind} if kind in (HeadKind.DETR_SIGMOID, HeadKind.DETR_SOFTMAX) else {}
    labels = {"": tuple(f"class_{number}" for number in range(CLASSES))}
    spec = recognise(read_onnx(path), ModelOverrides(heads=words, labels=labels)).spec
    assert spec is not None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(3).uniform(0, 1, (1, 3, 64, 64)).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, {"images": image}), strict=True))
    found = decode(spec, outputs, size=(1280, 720), thresholds=Thresholds(score=0.4))
    assert len(found) > 3
    expected = plain(kind, outputs, spec, (1280, 720), Thresholds(score=0.4))
    check_same(found, expected)


def check_same(found: Detections, expected: list[Found]) -> None:
    assert found.class_ids.tolist() == [row[5] for row in expected]
    assert np.allclose(found.scores, [row[4] for row in expected], atol=1e-5)
    assert np.allclose(found.boxes, np.array([row[:4] for row in expected]).reshape(-1, 4), atol=2e-3)


def plain(kind: HeadKind, outputs: Arrays, spec: ModelSpec, size: tuple[int, int], limits: Thresholds) -> list[Found]:
    tensors = [outputs[name][0].tolist() for name in spec.heads[0].outputs]
    if kind is HeadKind.RTDETR_DEPLOY:
        rows = [([v / 64 for v in box], score, label) for label, box, score in zip(*tensors, strict=True)]
    else:
        rows = [(corners(box), score, label) for box, score, label in _scored(kind, tensors)]
    # The sort is stable: ties stay in the order of the model's candidates.
    rows.sort(key=lambda row: -row[1])
    if kind is HeadKind.DETR_SIGMOID:
        rows = rows[: len(tensors[0])]
    x0, y0, x1, y1 = ImageTransform.of(*size, spec.inputs[0]).network_region
    found: list[Found] = []
    for box, score, label in rows:
        name = spec.heads[0].labels[label]
        left, right = (min(max((v * 64 - x0) / (x1 - x0), 0), 1) * size[0] for v in (box[0], box[2]))
        top, bottom = (min(max((v * 64 - y0) / (y1 - y0), 0), 1) * size[1] for v in (box[1], box[3]))
        if score >= np.float32(limits.per_class.get(name, limits.score)) and left < right and top < bottom:
            found.append((left, top, right, bottom, score, label))
    return found[: limits.max_detections]


def _scored(kind: HeadKind, tensors: list[Any]) -> list[tuple[list[float], float, int]]:
    """Box, score and class of every candidate, in the order of the model's rows."""
    if kind is HeadKind.RTDETR:
        return [(row[:4], max(row[4:]), row[4:].index(max(row[4:]))) for row in tensors[0]]
    if kind is HeadKind.RTDETR_END_TO_END:
        return [(row[:4], row[4], int(row[5])) for row in tensors[0]]
    rows: list[tuple[list[float], float, int]] = []
    for logits, box in zip(*tensors, strict=True):
        if kind is HeadKind.DETR_SIGMOID:
            rows.extend((box, 1 / (1 + math.exp(-logit)), label) for label, logit in enumerate(logits))
        else:
            shares = [math.exp(logit) / sum(map(math.exp, logits)) for logit in logits]
            rows.append((box, max(shares[:-1]), shares.index(max(shares[:-1]))))
    return rows


def corners(box: list[float]) -> list[float]:
    x, y, w, h = box
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
