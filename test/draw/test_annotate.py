"""Pictures show boxes, labels and masks where the result says, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.frames import scene_image
from helpers.model_specs import head_spec, input_spec, model_spec
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.draw.annotate import annotate
from trt_perception.draw.palette import class_colour, text_colour
from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.result import Result
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask

BOXES = model_spec(HeadKind.YOLOV8, (1, 7, 9), labels=("car", "truck", "person"))
MASKS = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 8, 8), labels=("background", "road", "lane"))
IMAGE = scene_image(240, 320)


def boxes(*rows: tuple[float, float, float, float], class_id: int = 0) -> Result:
    found = Detections(
        boxes=np.array(rows, np.float32).reshape(-1, 4),
        scores=np.linspace(0.9, 0.5, len(rows)).astype(np.float32),
        class_ids=np.full(len(rows), class_id, np.int32),
    )
    return Result(heads={"head": found})


def mask(class_ids: NDArray[np.uint8]) -> Result:
    return Result(heads={"head": SegmentationMask(class_ids=class_ids)})


def changed(drawn: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((drawn != IMAGE).any(axis=2))


def test_an_empty_result_is_a_copy() -> None:
    drawn = annotate(IMAGE, boxes(), BOXES)
    assert np.array_equal(drawn, IMAGE)
    assert not np.shares_memory(drawn, IMAGE)


def test_the_image_itself_is_left_as_it_was() -> None:
    image = IMAGE.copy()
    image.flags.writeable = False
    annotate(image, boxes((50, 60, 200, 180)), BOXES)
    annotate(image, mask(np.ones((240, 320), np.uint8)), MASKS)
    assert np.array_equal(image, IMAGE)


def test_a_box_has_the_colour_of_its_class_on_its_edges_only() -> None:
    drawn = annotate(IMAGE, boxes((50, 60, 200, 180), class_id=1), BOXES)
    for x, y in ((50, 120), (199, 120), (120, 60), (120, 179)):
        assert tuple(drawn[y, x].tolist()) == class_colour(1)
    assert not changed(drawn)[62:178, 52:198].any()
    assert not changed(drawn)[182:].any()


def test_a_label_stands_above_its_box() -> None:
    assert changed(annotate(IMAGE, boxes((50, 60, 200, 180)), BOXES))[48:59, 52:80].all()


@pytest.mark.parametrize(
    "box",
    [(0, 0, 320, 240), (310, 0, 320, 5), (0, 235, 4, 240), (319.6, 239.6, 320, 240)],
    ids=["whole", "upper_right", "lower_left", "less_than_a_pixel"],
)
def test_boxes_at_the_border_are_drawn_inside(box: tuple[float, float, float, float]) -> None:
    assert changed(annotate(IMAGE, boxes(box), BOXES)).any()


def test_the_best_box_is_on_top() -> None:
    both = annotate(IMAGE, replace_class(boxes((50, 60, 200, 180), (50, 60, 200, 180)), 1, 2), BOXES)
    assert tuple(both[120, 50].tolist()) == class_colour(0)


def test_lines_grow_with_the_image() -> None:
    small, large = (scene_image(height, height * 2) for height in (200, 1100))
    widths = []
    for image in (small, large):
        height = image.shape[0]
        drawn = annotate(image, boxes((20, height * 0.4, height, height * 0.8)), BOXES)
        widths.append(int((drawn != image).any(axis=2)[int(height * 0.6), :60].sum()))
    assert widths[0] == 1
    assert 4 <= widths[1] <= 6


def test_masks_tint_what_they_label() -> None:
    class_ids = np.zeros((240, 320), np.uint8)
    class_ids[100:120], class_ids[120:140], class_ids[200:] = 1, 2, UNLABELLED
    drawn = annotate(IMAGE, mask(class_ids), MASKS, mask_opacity=0.5)
    assert not changed(drawn)[:100].any()
    assert not changed(drawn)[140:].any()
    for rows, class_id in ((slice(100, 120), 1), (slice(120, 140), 2)):
        expected = IMAGE[rows].astype(float) / 2 + np.array(class_colour(class_id)) / 2
        assert np.abs(drawn[rows] - expected).max() <= 1


def test_the_first_class_is_tinted_where_it_is_no_background() -> None:
    spec = replace(MASKS, heads=(head_spec(HeadKind.SEMANTIC_LOGITS, ("road", "lane")),))
    assert changed(annotate(IMAGE, mask(np.zeros((240, 320), np.uint8)), spec)).all()


def test_a_mask_of_network_size_covers_the_crop() -> None:
    spec: ModelSpec = replace(MASKS, inputs=(input_spec(64, 64, crop=(100, 40, 160, 80)),))
    class_ids = np.zeros((4, 8), np.uint8)
    class_ids[:, 4:] = 1
    expected = np.zeros((240, 320), bool)
    expected[40:120, 180:260] = True
    assert np.array_equal(changed(annotate(IMAGE, mask(class_ids), spec)), expected)


def test_the_same_result_gives_the_same_picture() -> None:
    result = boxes((50, 60, 200, 180), (10, 10, 90, 90))
    assert np.array_equal(annotate(IMAGE, result, BOXES), annotate(IMAGE, result, BOXES))


def test_neighbouring_classes_differ_clearly() -> None:
    colours = np.array([class_colour(class_id) for class_id in range(12)], float)
    distance = np.linalg.norm(colours[:, None] - colours[None], axis=2) + np.eye(12) * 999
    assert distance.min() > 40


@pytest.mark.parametrize("class_id", range(80))
def test_text_stands_out_from_its_background(class_id: int) -> None:
    """Contrast of at least 4.5, what WCAG asks of text of this size."""
    lights = sorted(luminance(colour) for colour in (class_colour(class_id), text_colour(class_colour(class_id))))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


def luminance(bgr: tuple[int, int, int]) -> float:
    """Relative luminance of an sRGB colour (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in bgr)]
    return 0.0722 * linear[0] + 0.7152 * linear[1] + 0.2126 * linear[2]


def replace_class(result: Result, index: int, class_id: int) -> Result:
    found = result.heads["head"]
    assert isinstance(found, Detections)
    class_ids = found.class_ids.copy()
    class_ids[index] = class_id
    return Result(heads={"head": replace(found, class_ids=class_ids)})


@pytest.mark.parametrize("size", [(240, 320), (24, 32)], ids=["camera_size", "network_size"])
def test_the_pixels_of_an_object_have_its_class_s_colour(size: tuple[int, int]) -> None:
    ids = np.zeros(size, np.uint8)
    ids[: size[0] // 2, : size[1] // 2] = 2
    boxed = boxes((200, 150, 300, 230), (60, 60, 160, 120), class_id=2).heads["head"]
    assert isinstance(boxed, Detections)
    found = InstanceDetections(boxes=boxed.boxes, scores=boxed.scores, class_ids=boxed.class_ids, instance_ids=ids)
    drawn = annotate(IMAGE, Result(heads={"head": found}), BOXES, mask_opacity=1.0)
    assert (drawn[:20, :160] == class_colour(2)).all()
    assert not changed(drawn)[:120, 160:].any()
    assert not changed(drawn)[122:, :160].any()
