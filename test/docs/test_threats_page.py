"""The limits that the page on threats states are those of the code and of the tests that hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.fuzz_targets import TARGETS

from trt_perception.bag import coco_file
from trt_perception.bag.unpack import MAX_UNPACKED_BYTES
from trt_perception.bag.unpack_file import LIKELY_BYTES, LIKELY_RATIO, ROOM_KEPT_BYTES
from trt_perception.cdr.wire import MAX_TEXT_BYTES
from trt_perception.engine import manifest
from trt_perception.frame import MAX_SIDE_PX
from trt_perception.options import read_yaml
from trt_perception.options.limited_file import MAX_JSON_BYTES
from trt_perception.preprocess.decode_image import MAX_IMAGE_PX
from trt_perception.preprocess.jpeg_header import MAX_SCANS
from trt_perception.ros.stamp_monitor import RESUME_NS
from trt_perception.runtime import kernel_cache

PAGE = (Path(__file__).parents[2] / "docs" / "threats.md").read_text()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(f"{sum(target.count for target in TARGETS):,} damaged ones", id="messages"),
        pytest.param(f"{read_yaml.MAX_BYTES // 2**20} MiB, {read_yaml.MAX_VALUES:,} values", id="yaml"),
        pytest.param(f"{manifest.MAX_BYTES // 2**20} MiB, every field checked", id="manifest"),
        pytest.param(f"Sides from 1 to {MAX_SIDE_PX} px", id="side"),
        pytest.param(f"at most 2^{MAX_IMAGE_PX.bit_length() - 1} pixels", id="pixels"),
        pytest.param(f"9 bytes a pixel, {9 * MAX_IMAGE_PX // 2**20} MiB", id="decoding"),
        pytest.param(f"more than {MAX_SCANS} scans", id="scans"),
        pytest.param(f"at most {MAX_TEXT_BYTES // 1024} KiB each", id="texts"),
        pytest.param(f"table's digest; {MAX_JSON_BYTES // 2**20} MiB each", id="json"),
        pytest.param(f"a COCO file of {coco_file.MAX_BYTES // 2**30} GiB at most", id="coco"),
        pytest.param(f"which is at most {MAX_UNPACKED_BYTES // 2**30} GiB", id="chunk"),
        pytest.param(
            f"{LIKELY_BYTES // 2**30} GiB, or {LIKELY_RATIO} times its size if that is more; "
            f"and {ROOM_KEPT_BYTES // 2**30} GiB of the temporary folder",
            id="compressed_file",
        ),
        pytest.param(f"{kernel_cache.MAX_BYTES // 2**20} MiB at most, but for", id="kernels"),
    ],
)
def test_a_stated_limit_is_that_of_the_code(words: str) -> None:
    assert words in " ".join(PAGE.split())


def test_the_page_knows_when_late_stamps_are_a_new_time() -> None:
    assert RESUME_NS == 500_000_000
    assert "half a second after the last good one" in " ".join(PAGE.split())
