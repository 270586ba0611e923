"""Several processes: their errors are told, and a death among them loses nothing that was done."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.validation_bag import SCORE, FaultyPipeline, TinyPipeline, scene_messages, write_scene_bag
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import DeviceError
from trt_perception.validate import bag_plan
from trt_perception.validate.segment_pool import Block, blocks
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


@pytest.mark.parametrize(("fault", "named"), [("death", "a worker process died"), ("error", "the GPU is gone")])
def test_a_fault_in_a_worker_is_told_and_the_run_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, named: str
) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", 4)
    pipeline = TinyPipeline(tmp_path)
    bag = write_scene_bag(tmp_path / "scene", scene_messages(count=8))
    options = ValidationOptions(score=SCORE, processes=2)
    with pytest.raises(DeviceError, match=named):
        validate_run([bag], FaultyPipeline(pipeline, fault), tmp_path / "out", options=options)
    one = ValidationOptions(score=SCORE)
    assert validate_run([bag], pipeline, tmp_path / "out", options=one).ledger.processed == 16


@given(
    st.lists(st.sets(st.integers(0, 60), max_size=40), min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_blocks_are_the_missing_segments_each_once(missing: list[set[int]], processes: int) -> None:
    found = blocks([sorted(segments) for segments in missing], processes=processes)
    made = [(block.bag, segment) for block in found for segment in range(block.first, block.stop)]
    assert sorted(made) == sorted((bag, segment) for bag, segments in enumerate(missing) for segment in segments)
    assert len(set(made)) == len(made)


def test_one_process_reads_each_bag_once() -> None:
    assert blocks([[0, 1, 2, 3], [0, 1]], processes=1) == [
        Block(bag=0, first=0, stop=4),
        Block(bag=1, first=0, stop=2),
    ]
