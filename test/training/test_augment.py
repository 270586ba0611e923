"""What augmentation does to a picture it does to its truth."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="augmentation is written in torch")

from training.augment import Augmenter  # noqa: E402
from training.dataset import Dataset  # noqa: E402

HEIGHT, WIDTH, COUNT = 96, 160, 24
BOX = (40, 30, 90, 70)


@pytest.fixture(scope="module")
def batch() -> Any:
    """The same picture many times: one white box on black; the mask is drivable where the box is."""
    images = torch.zeros(COUNT, HEIGHT, WIDTH, 3, dtype=torch.uint8)
    x1, y1, x2, y2 = BOX
    images[:, y1:y2, x1:x2] = 255
    masks = (images[..., 0] > 0).to(torch.uint8)
    data = Dataset(
        images=images,
        thermal=images[..., 0].clone(),
        masks=masks,
        boxes=torch.tensor([[BOX, (0, 0, 0, 0)]] * COUNT, dtype=torch.float32),
        classes=torch.tensor([[2, -1]] * COUNT),
        visible_fraction=torch.ones(COUNT, 2),
        truncation=torch.zeros(COUNT, 2),
        counts=torch.full((COUNT,), 2),
    )
    return Augmenter(5, torch.device("cpu")).batch(data, torch.arange(COUNT))


def test_the_box_stays_on_its_pixels(batch: Any) -> None:
    checked = 0
    for mask, boxes, is_object in zip(batch.masks, batch.targets.boxes, batch.targets.is_object, strict=True):
        rows, columns = torch.nonzero(mask == 1, as_tuple=True)
        if not is_object[0] or not len(rows):
            continue
        seen = torch.stack((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)).float()
        torch.testing.assert_close(boxes[0], seen, atol=1.01, rtol=0.0)
        checked += 1
    assert checked > COUNT // 2


def test_pictures_differ_in_size_and_side(batch: Any) -> None:
    widths = batch.targets.boxes[:, 0, 2] - batch.targets.boxes[:, 0, 0]
    assert float(widths.max() / widths.min()) > 1.3
    assert len({round(float(x)) for x in batch.targets.boxes[:, 0, 0]}) > COUNT // 2


def test_pixels_stay_between_0_and_1_and_masks_hold_known_classes(batch: Any) -> None:
    for pixels in (batch.images, batch.thermal):
        assert float(pixels.min()) >= 0.0
        assert float(pixels.max()) <= 1.0
    assert set(batch.masks.unique().tolist()) <= {0, 1, 255}
    assert bool((batch.masks == 255).any()), "no picture was made smaller"


def test_padding_rows_are_neither_object_nor_ignored(batch: Any) -> None:
    assert not bool(batch.targets.is_object[:, 1].any())
    assert not bool(batch.targets.is_ignored[:, 1].any())


def test_the_same_seed_gives_the_same_pictures() -> None:
    data = Dataset(
        images=torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)),
        thermal=None,
        masks=torch.zeros(2, 32, 32, dtype=torch.uint8),
        boxes=torch.zeros(2, 1, 4),
        classes=torch.full((2, 1), -1),
        visible_fraction=torch.zeros(2, 1),
        truncation=torch.zeros(2, 1),
        counts=torch.zeros(2, dtype=torch.int64),
    )
    first, second = (Augmenter(7, torch.device("cpu")).batch(data, torch.arange(2)) for _ in range(2))
    assert torch.equal(first.images, second.images)
