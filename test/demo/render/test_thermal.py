"""The thermal picture shows what is warm, by day as by night, registered up to the stated misalignment."""

import cv2
import numpy as np
import pytest

from trt_perception.demo import Condition, Drive, DriveOptions, IgnoreRule

WARM = (3, 4, 6)  # pedestrian, cyclist, animal


def drive_of(condition: Condition) -> Drive:
    return Drive(options=DriveOptions(seed=5, condition=condition, strength=0.8))


def contrast(picture: np.ndarray, box: np.ndarray) -> float:
    """Upper quartile within a box against the median of the strips beside it, in grey levels."""
    x1, y1, x2, y2 = box.round().astype(int)
    width = max(6, (x2 - x1) // 2)
    inside = picture[y1:y2, x1:x2]
    beside = np.concatenate([picture[y1:y2, max(0, x1 - width) : x1].ravel(), picture[y1:y2, x2 : x2 + width].ravel()])
    return float(np.percentile(inside, 75) - np.median(beside))


@pytest.mark.parametrize("condition", [Condition.DAY, Condition.NIGHT])
def test_living_things_are_brighter_than_what_surrounds_them(condition: Condition) -> None:
    rule = IgnoreRule(min_side_px=16.0, min_visible_fraction=0.9, max_truncation=0.0)
    drive = drive_of(condition)
    values = []
    for index in (10, 14, 18):
        sample = drive.sample(index, thermal=True)
        for name, truth in sample.truth.items():
            boxes = truth.boxes[rule.evaluated(truth) & np.isin(truth.class_ids, WARM)]
            values += [contrast(sample.thermal[name], box) for box in boxes]
    assert len(values) > 15
    assert np.median(values) > 25.0


def test_night_takes_the_light_but_not_the_warmth() -> None:
    day, night = (
        drive_of(kind).sample(10, cameras=["back"], thermal=True) for kind in (Condition.DAY, Condition.NIGHT)
    )
    assert night.images["back"].mean() < 0.4 * day.images["back"].mean()
    assert abs(night.thermal["back"].mean() - day.thermal["back"].mean()) < 25.0


def test_picture_has_the_size_and_the_small_offset_of_its_camera() -> None:
    drive = drive_of(Condition.NIGHT)
    sample = drive.sample(10, cameras=["front"], thermal=True)
    thermal = sample.thermal["front"]
    assert thermal.shape == (544, 960)
    assert thermal.dtype == np.uint8
    camera, beside = drive.cameras["front"], drive.thermal_cameras["front"]
    point = np.array([[30.0, 0.0, 2.0]])
    expected = beside.project(point)[0][0] - camera.project(point)[0][0]
    # Where a piece of the picture without misalignment is found again in the real one.
    rows, columns = slice(60, 330), slice(40, 900)
    piece = aligned_thermal(drive)[rows, columns]
    found = cv2.minMaxLoc(cv2.matchTemplate(thermal, piece, cv2.TM_CCOEFF_NORMED))[3]
    np.testing.assert_allclose(np.array(found) - [columns.start, rows.start], expected, atol=1.1)


def aligned_thermal(drive: Drive) -> np.ndarray:
    """The thermal picture as the main camera itself would take it."""
    aligned = Drive(options=drive.options)
    aligned.thermal_cameras = aligned.cameras
    picture: np.ndarray = aligned.sample(10, cameras=["front"], thermal=True).thermal["front"]
    return picture
