"""The benches of the GPU path measure the work that pipelines do, and say of each goal whether it held."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.fake_engine import PLAN, fake_tensorrt
from helpers.gpu_pipeline_rig import MakeRig, assert_same, picture

from bench.pipeline.batching import rule
from bench.pipeline.frame_work import FrameWork
from bench.pipeline.merging import merge, read_parts
from bench.pipeline.stand_in_bed import StandInBed
from bench.pipeline.streams import Lane, drive_alone, drive_threads
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.result import Result
from trt_perception.runtime.stage_kernels import StageKernels
from trt_perception.runtime.tensorrt_engine import TensorRtEngine


def test_the_whole_work_gives_what_a_pipeline_gives(make_rig: MakeRig) -> None:
    rig = make_rig()
    frame = picture(3)
    work = FrameWork(rig.opened, frame)
    pump = work.pump("whole")
    pump.fill()
    assert pump.wait() >= 0
    kernels = StageKernels(rig.spec, rig.opened.engine.tensors)
    plan = kernels.plan([FrameLayout.of(frame)])
    block = rig.gpu.array(work.host, shape=(work.host.nbytes,), dtype=np.dtype(np.uint8))
    assert_same(Result(heads=kernels.read(block[: plan.result_bytes], plan)), rig.expected(frame))
    pump.wait()
    work.close()


def test_a_batch_gives_for_each_frame_what_a_pipeline_gives(make_rig: MakeRig) -> None:
    rig = make_rig()
    plan, frame = rig.plan, picture(5)
    each = plan.handler
    plan.tensors = {
        name: (is_input, (-1, *shape[1:]), dtype) for name, (is_input, shape, dtype) in plan.tensors.items()
    }
    plan.profile = {"images": ((1, 3, 32, 32), (4, 3, 32, 32))}

    def handler(inputs: Any) -> Any:
        found = [each({name: value[index : index + 1] for name, value in inputs.items()}) for index in range(2)]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    plan.handler = handler
    engine = TensorRtEngine(fake_tensorrt(plan), rig.gpu, PLAN, name="open.engine")
    work = FrameWork(dataclasses.replace(rig.opened, engine=engine), frame, batch=2)
    pump = work.pump("whole")
    pump.fill()
    pump.wait()
    kernels = StageKernels(rig.spec, engine.tensors)
    whole = kernels.plan([FrameLayout.of(frame)])
    block = rig.gpu.array(work.host, shape=(2, work.host.nbytes // 2), dtype=np.dtype(np.uint8))
    for half in block:
        assert_same(Result(heads=kernels.read(half[: whole.result_bytes], whole)), rig.expected(frame))
    pump.wait()
    work.close()


@pytest.mark.parametrize("stage", ["preprocess", "engine", "decode", "decode boxes", "download", "to boxes"])
def test_every_stage_runs_alone(make_rig: MakeRig, stage: str) -> None:
    work = FrameWork(make_rig().opened, picture(1))
    pump = work.pump(stage)
    pump.fill()
    assert pump.wait() >= 0
    pump.wait()
    assert work.notes == {"CUDA graph"}
    work.close()


@pytest.mark.parametrize("drive", [drive_alone, drive_threads])
def test_two_tickets_are_in_flight(drive: Any) -> None:
    class Counting:
        def __init__(self) -> None:
            self.under_way = self.most = 0

        def start(self, frames: Any) -> Any:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            return self

        def result(self) -> Result:
            self.under_way -= 1
            return Result(heads={})

    frame = StandInBed().frame("front", pinned=False)
    pipelines = [Counting(), Counting()]
    lanes: list[Any] = [Lane(pipeline=one, frame=frame) for one in pipelines]  # type: ignore[arg-type]
    assert drive(lanes, 0.05) > 0
    assert [one.most for one in pipelines] == [2, 2]
    assert [one.under_way for one in pipelines] == [0, 0]


def row(cameras: int, ratio: float) -> dict[str, Any]:
    return {"cameras": cameras, "ratio": ratio, "batch_p50_ms": 2.0, "streams_p50_ms": 1.0}


def test_the_rule_names_the_first_number_of_cameras_at_which_a_batch_wins() -> None:
    assert "from 4 cameras on, at most 1.50x at 8" in rule([row(1, 1.2), row(2, 1.0), row(4, 1.1), row(8, 1.5)])


def test_the_rule_says_where_a_batch_never_wins() -> None:
    assert rule([row(1, 1.2), row(2, 1.04)]).startswith("one batch never wins")


def part(folder: Path, name: str, gpu: str = "H200", commit: str = "abc", **content: Any) -> None:
    folder.mkdir(exist_ok=True)
    identity = {"gpu": gpu, "driver": "580", "tensorrt": "8.6.1", "commit": commit}
    plain = {"part": name, "date": "2026-01-02", "identity": identity, "machine": {"cpu": "any", "cores": "2"}}
    (folder / f"{name}.json").write_text(json.dumps({**plain, **content}))


def merged(folder: Path, name: str) -> dict[str, Any]:
    merge(read_parts([folder / "parts"]), folder / "results")
    result: dict[str, Any] = json.loads((folder / "results" / f"{name}.json").read_text())
    return result


@pytest.mark.parametrize(
    ("engine", "ratio", "verdict"),
    [("demo_fp16", 1.25, "held"), ("demo_fp16", 1.26, "MISSED"), ("size_m_fp16", 1.11, "MISSED")],
)
def test_goals_of_stages(tmp_path: Path, engine: str, ratio: float, verdict: str) -> None:
    part(tmp_path / "parts", f"stages_{engine}", row={"boxes_ratio": ratio, "whole_ratio": 2.0})
    goals = merged(tmp_path, "pipeline")["tables"]["stages"]["goals"]
    assert len(goals) == 1
    assert goals[0].endswith(verdict)


def test_speed_up_is_to_one_pipeline(tmp_path: Path) -> None:
    rows = [
        {"pipelines": count, "threads_per_s": 50.0, "one_thread_per_s": value, "graph_per_s": 1.0}
        for count, value in ((1, 100.0), (8, 240.0))
    ]
    part(tmp_path / "parts", "streams_demo_fp16", rows=rows)
    table = merged(tmp_path, "pipeline")["tables"]["streams"]
    assert [one["speed_up"] for one in table["rows"]] == [1.0, 2.4]
    assert table["goals"][0].endswith("MISSED")


def test_parts_of_two_gpus_are_not_merged(tmp_path: Path) -> None:
    stage = {"boxes_ratio": 1.0, "whole_ratio": 1.0}
    part(tmp_path / "parts", "stages_demo_fp16", row=stage)
    part(tmp_path / "parts", "stages_demo_split", gpu="Orin", row=stage)
    with pytest.raises(SystemExit, match="one gpu"):
        merged(tmp_path, "pipeline")


def test_commits_of_all_parts_are_named(tmp_path: Path) -> None:
    stage = {"boxes_ratio": 1.0, "whole_ratio": 1.0}
    part(tmp_path / "parts", "stages_demo_fp16", row=stage)
    part(tmp_path / "parts", "stages_demo_split", commit="def", row=stage)
    assert merged(tmp_path, "pipeline")["commit"] == "abc, def"
