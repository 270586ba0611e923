"""True masks: packed and unpacked they are the same, and their ids become those of a head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from trt_perception.validate.frame_truth import FrameTruth, PackedMask

pytest.importorskip("rosbags", reason="zstd comes with the bag library")

MASK = arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(mask=MASK, step=st.sampled_from([1, 2, -1]))
def test_a_packed_mask_is_the_same_again(mask: np.ndarray, step: int) -> None:
    part = mask[:, ::step]
    np.testing.assert_array_equal(PackedMask.of(part).mask(), part)


@given(mask=MASK, names=st.dictionaries(st.integers(-1, 300), st.sampled_from(["road", "car", "sky"]), min_size=1))
def test_ids_become_those_of_the_head(mask: np.ndarray, names: dict[int, str]) -> None:
    labels = ("car", "road")
    found = FrameTruth(mask=mask, mask_labels=names).mask_of_head(labels)
    ids = {class_id: labels.index(name) for class_id, name in names.items() if name in labels and 0 <= class_id < 255}
    if not ids:
        assert found is None
        return
    assert found is not None
    assert found.tolist() == [[ids.get(value, 255) for value in row] for row in mask.tolist()]
