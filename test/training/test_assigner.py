"""Which cell learns which object."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the assigner is written in torch")

from training.assigner import REACH_CELLS, TOP_CELLS, Assignment, assign  # noqa: E402
from training.box_geometry import box_giou, box_iou, cell_centres, decode_cells  # noqa: E402

HEIGHT, WIDTH = 96, 128


def _assign(boxes: list[list[float]], *, ignored: tuple[int, ...] = (), predicted: Any = None) -> Assignment:
    origins, strides = cell_centres(HEIGHT, WIDTH, torch.device("cpu"))
    centres = (origins + 0.5) * strides[:, None]
    if predicted is None:  # what an untrained network says: a box of one cell at every cell
        predicted = decode_cells(torch.zeros(1, len(strides), 4) + torch.tensor([0.5, 0.5, 0, 0]), origins, strides)
    rows = len(boxes)
    is_ignored = torch.tensor([[row in ignored for row in range(rows)]])
    return assign(
        predicted,
        torch.full((1, len(strides), 2), 0.01),
        centres=centres,
        strides=strides,
        truth_boxes=torch.tensor([boxes], dtype=torch.float32),
        truth_classes=torch.zeros(1, rows, dtype=torch.int64),
        is_object=~is_ignored & (torch.tensor([boxes]).sum(-1) > 0),
        is_ignored=is_ignored,
    )


def _centres() -> tuple[Any, Any]:
    origins, strides = cell_centres(HEIGHT, WIDTH, torch.device("cpu"))
    return (origins + 0.5) * strides[:, None], strides


def test_an_object_goes_to_cells_near_its_centre_and_inside_it() -> None:
    result = _assign([[30.0, 20.0, 70.0, 80.0]])
    centres, strides = _centres()
    chosen = result.is_positive[0]
    assert 1 <= int(chosen.sum()) <= TOP_CELLS
    distance = (centres[chosen] - torch.tensor([50.0, 50.0])).abs().amax(1) / strides[chosen]
    assert float(distance.max()) < REACH_CELLS
    assert bool(((centres[chosen] > torch.tensor([30.0, 20.0])) & (centres[chosen] < torch.tensor([70.0, 80.0]))).all())


@pytest.mark.parametrize(
    "box",
    [
        pytest.param([33.0, 33.0, 35.5, 35.5], id="between_cell_centres"),
        pytest.param([0.0, 0.0, 3.0, 3.0], id="in_the_corner"),
    ],
)
def test_an_object_smaller_than_a_cell_is_learned(box: list[float]) -> None:
    assert int(_assign([box]).is_positive.sum()) >= 1


def test_each_of_two_overlapping_objects_is_learned() -> None:
    result = _assign([[20.0, 20.0, 60.0, 60.0], [28.0, 20.0, 68.0, 60.0]])
    assert set(result.truth_index[0][result.is_positive[0]].tolist()) == {0, 1}


def test_cells_on_an_ignored_object_learn_nothing() -> None:
    result = _assign([[20.0, 20.0, 60.0, 60.0]], ignored=(0,))
    centres, _ = _centres()
    inside = ((centres > 20) & (centres < 60)).all(1)
    assert not bool(result.is_positive.any())
    assert torch.equal(result.is_ignored[0], inside)


def test_an_object_on_an_ignored_one_is_still_learned() -> None:
    result = _assign([[20.0, 20.0, 60.0, 60.0], [30.0, 30.0, 50.0, 50.0]], ignored=(0,))
    assert set(result.truth_index[0][result.is_positive[0]].tolist()) == {1}
    assert not bool((result.is_ignored & result.is_positive).any())


def test_padding_rows_and_empty_pictures_are_background() -> None:
    result = _assign([[0.0, 0.0, 0.0, 0.0]])
    assert not bool(result.is_positive.any())
    assert not bool(result.is_ignored.any())
    assert float(result.quality.sum()) == 0.0


def test_the_best_cell_of_an_object_has_its_overlap_as_quality() -> None:
    truth = [30.0, 20.0, 70.0, 80.0]
    _, strides = _centres()
    predicted = torch.zeros(1, len(strides), 4)
    predicted[:, :] = torch.tensor([32.0, 20.0, 70.0, 80.0])  # 95 % of the object, at every cell
    result = _assign([truth], predicted=predicted)
    assert float(result.quality.max()) == pytest.approx(38 / 40, abs=1e-4)


def test_decoding_is_that_of_the_yolox_layout() -> None:
    origins, strides = cell_centres(HEIGHT, WIDTH, torch.device("cpu"))
    cells = torch.randn(1, len(strides), 4, generator=torch.Generator().manual_seed(0))
    boxes = decode_cells(cells, origins, strides)[0].numpy()
    row = 12 * 16 + 6 * 8 + 4 + 1  # stride 32, second row, second column
    x, y, w, h = cells[0, row].numpy()
    centre, size = np.array([(x + 1) * 32, (y + 1) * 32]), np.exp([w, h]) * 32
    np.testing.assert_allclose(boxes[row], [*(centre - size / 2), *(centre + size / 2)], rtol=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "iou", "giou"),
    [
        pytest.param([0, 0, 2, 2], [0, 0, 2, 2], 1.0, 1.0, id="equal"),
        pytest.param([0, 0, 2, 2], [1, 0, 3, 2], 1 / 3, 1 / 3, id="half_shifted"),
        pytest.param([0, 0, 1, 1], [3, 0, 4, 1], 0.0, -0.5, id="apart"),
    ],
)
def test_overlap_of_two_boxes(a: list[int], b: list[int], iou: float, giou: float) -> None:
    first, second = torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)
    assert float(box_iou(first, second)) == pytest.approx(iou, abs=1e-5)
    assert float(box_giou(first, second)) == pytest.approx(giou, abs=1e-5)
