"""Images stand in rows, in their order, none cut off or distorted."""

import numpy as np
import pytest
from helpers.frames import scene_image
from numpy.typing import NDArray

from trt_perception.draw.contact_sheet import contact_sheet


def flat(value: int, height: int = 90, width: int = 160) -> NDArray[np.uint8]:
    """An image of a colour that no text has."""
    return np.full((height, width, 3), colour(value), np.uint8)


def colour(value: int) -> tuple[int, int, int]:
    return value, 255, 10


def area_of(sheet: NDArray[np.uint8], value: int) -> tuple[int, int, int, int]:
    """x, y, width, height of the pixels of one image."""
    rows, columns = np.nonzero((sheet == colour(value)).all(axis=2))
    return int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_images_stand_in_rows_in_their_order() -> None:
    values = [40, 80, 120, 160, 200]
    sheet = contact_sheet({f"camera_{value}": flat(value) for value in values}, 3, cell_width=160)
    areas = [area_of(sheet, value) for value in values]
    assert [area[2:] for area in areas] == [(160, 90)] * 5
    assert areas[0][1] == areas[1][1] == areas[2][1] < areas[3][1] == areas[4][1]
    assert areas[0][0] == areas[3][0] < areas[1][0] == areas[4][0] < areas[2][0]


def test_an_image_of_cell_size_is_not_changed() -> None:
    image = scene_image(90, 160)
    sheet = contact_sheet({"front": image}, 1, cell_width=160)
    assert any(
        np.array_equal(sheet[y : y + 90, x : x + 160], image)
        for y in range(sheet.shape[0] - 89)
        for x in range(sheet.shape[1] - 159)
    )


@pytest.mark.parametrize(
    ("shape", "expected"), [((180, 320), (160, 90)), ((200, 100), (45, 90)), ((50, 500), (160, 16))]
)
def test_other_shapes_keep_their_aspect_ratio(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    sheet = contact_sheet({"first": flat(60), "other": flat(180, *shape)}, 2, cell_width=160)
    assert area_of(sheet, 180)[2:] == expected


def test_every_image_has_its_name_above_it() -> None:
    sheet = contact_sheet({"front": flat(60)}, 1, cell_width=160)
    unnamed = contact_sheet({"": flat(60)}, 1, cell_width=160)
    x, y, width, _ = area_of(sheet, 60)
    assert (sheet != unnamed).any()
    assert (sheet[y:] == unnamed[y:]).all()
    assert (sheet[:y, x : x + width] != unnamed[:y, x : x + width]).any()


def test_fewer_images_than_columns_leave_no_gap() -> None:
    assert contact_sheet({"a": flat(60)}, 6, cell_width=160).shape[1] < 2 * 160


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (1, 0)])
def test_nothing_to_show_is_refused(count: int, columns: int) -> None:
    with pytest.raises(ValueError, match="at least 1 column"):
        contact_sheet({str(index): flat(60) for index in range(count)}, columns)
