"""Makes the pictures of docs/demo_world.md: `python docs/pictures/demo_world.py`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo import CLASS_NAMES, Condition, Drive, DriveOptions, DriveSample, IgnoreRule

HERE = Path(__file__).resolve().parent
COLOURS = ((60, 200, 60), (40, 140, 255), (255, 120, 60), (60, 60, 255), (255, 60, 200), (0, 220, 255), (200, 200, 0))
Picture = NDArray[np.uint8]


def main() -> None:
    """Write all pictures."""
    write("demo_world_conditions.jpg", conditions(), scale=0.5)
    write("demo_world_ring.jpg", ring(), scale=0.42)
    write("demo_world_truth.jpg", truth_and_thermal(), scale=0.55)
    write("demo_world_classes.jpg", classes(), scale=1.0)


def conditions() -> Picture:
    """The front camera under each condition, each in a world of its own."""
    shown = [
        (Condition.DAY, 5, 12), (Condition.DUSK, 5, 24), (Condition.NIGHT, 15, 41),
        (Condition.RAIN, 4, 13), (Condition.FOG, 6, 13), (Condition.GLARE, 17, 40),
    ]  # fmt: skip
    tiles = []
    for condition, seed, index in shown:
        drive = Drive(options=DriveOptions(seed=seed, condition=condition))
        tiles.append(labelled(drive.sample(index, cameras=["front"]).images["front"], condition.value))
    return grid(tiles, columns=3)


def ring() -> Picture:
    """All six cameras at one instant, with the objects that count."""
    sample = Drive(options=DriveOptions(seed=12)).sample(41)
    order = ("front_left", "front", "front_right", "back_left", "back", "back_right")
    return grid([labelled(annotated(sample, name), name) for name in order], columns=3)


def truth_and_thermal() -> Picture:
    """A night picture, its masks, and the thermal picture of the same instant."""
    sample = Drive(options=DriveOptions(seed=5, condition=Condition.NIGHT)).sample(13, cameras=["back"], thermal=True)
    masks = sample.images["back"].copy()
    mask = sample.truth["back"].mask
    masks[mask == 1] = masks[mask == 1] // 2 + np.array([0, 110, 0], dtype=np.uint8)
    masks[mask == 2] = (255, 0, 255)
    thermal = cv2.cvtColor(sample.thermal["back"], cv2.COLOR_GRAY2BGR)
    return grid(
        [labelled(masks, "drivable, lane"), labelled(np.asarray(thermal, dtype=np.uint8), "thermal")], columns=2
    )


def classes() -> Picture:
    """Ten of each class, by day."""
    rule = IgnoreRule(min_side_px=50.0, min_visible_fraction=0.97, max_truncation=0.0)
    tiles: dict[int, list[Picture]] = {number: [] for number in range(len(CLASS_NAMES))}
    for seed in range(20, 44):
        for sample in Drive(options=DriveOptions(seed=seed, rate_hz=0.2)):
            for name, truth in sample.truth.items():
                for box, kind in zip(
                    truth.boxes[rule.evaluated(truth)], truth.class_ids[rule.evaluated(truth)], strict=True
                ):
                    tiles[int(kind)].append(crop(sample.images[name], box))
        if min(len(row) for row in tiles.values()) >= 10:
            break
    chosen = [row[:: max(1, len(row) // 10)][:10] for row in tiles.values()]
    return np.vstack([np.hstack(row) for row in chosen])


def crop(picture: Picture, box: NDArray[np.float32], side: int = 96) -> Picture:
    """A square round a box."""
    x, y = (box[:2] + box[2:]) / 2.0
    scale = side / (float(max(box[2:] - box[:2])) * 1.2)
    matrix = np.array([[scale, 0.0, side / 2.0 - x * scale], [0.0, scale, side / 2.0 - y * scale]])
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def annotated(sample: DriveSample, name: str) -> Picture:
    """A picture with the boxes of the objects that count."""
    picture, truth = sample.images[name].copy(), sample.truth[name]
    for box, kind in zip(
        truth.boxes[IgnoreRule().evaluated(truth)], truth.class_ids[IgnoreRule().evaluated(truth)], strict=True
    ):
        x1, y1, x2, y2 = (round(float(value)) for value in box)
        cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), COLOURS[kind], 2)
    return picture


def labelled(picture: Picture, text: str) -> Picture:
    """A picture with a word in its corner."""
    picture = picture.copy()
    cv2.putText(picture, text, (15, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 6, cv2.LINE_AA)
    cv2.putText(picture, text, (15, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 255, 255), 2, cv2.LINE_AA)
    return picture


def grid(tiles: list[Picture], *, columns: int) -> Picture:
    """Tiles of one size in rows."""
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def write(name: str, picture: Picture, *, scale: float) -> None:
    """Write a JPEG beside this file."""
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(HERE / name), small, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
