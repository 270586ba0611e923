"""The measurements of engines: what is judged on was never learnt from, and parts of two machines are never merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.engines.held_out import CALIBRATION_SEED, JUDGE_SEED, PictureSet
from bench.engines.merging import merge
from bench.engines.networks import DEMO, Network, prepare_demo

IDENTITY = {"gpu": "H200", "driver": "580", "tensorrt": "8.6.1", "commit": "abc"}


def part(folder: Path, name: str, **content: Any) -> None:
    folder.mkdir(exist_ok=True)
    machine = {"cpu": "any", "cores": "2"}
    plain = {"part": name, "date": "2026-01-02", "identity": IDENTITY, "machine": machine, **content}
    (folder / f"{name}.json").write_text(json.dumps(plain))


def speed(way: str, frames_per_s: float, streams: int = 1, batch: int = 1) -> dict[str, Any]:
    row = {"way": way, "streams": streams, "batch": batch, "p50_ms": 1.0, "p99_ms": 2.0}
    return {**row, "frames_per_s": frames_per_s}


def merged(tmp_path: Path, *folders: Path) -> dict[str, Any]:
    merge(list(folders), tmp_path / "results")
    result: dict[str, Any] = json.loads((tmp_path / "results" / "engines.json").read_text())
    return result


def test_pictures_to_judge_by_are_of_no_other_set() -> None:
    seeds = [options.seed for options in PictureSet().jobs()]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= JUDGE_SEED  # above the training's 1000 and 9000, training/README.md
    assert max(seeds) < CALIBRATION_SEED


def test_the_demo_model_with_open_batch_is_the_demo_model(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="runs both")
    from helpers.max_ranges import max_table, outputs

    from trt_perception.precision.calibration_table import read_table, write_table
    from trt_perception.precision.model_digest import model_sha256

    network = Network("demo", tmp_path)
    images = np.random.default_rng(0).random((2, 3, 544, 960)).astype(np.float32)
    write_table(max_table(DEMO, network.plan("split"), {"images": images[:1]}), tmp_path / "table.json")
    prepare_demo(network, tmp_path / "table.json")
    both = outputs(network.onnx, {"images": images})
    for number in range(2):
        one = outputs(DEMO, {"images": images[number : number + 1]})
        assert all(np.allclose(got[number], expected[0], atol=1e-4) for got, expected in zip(both, one, strict=True))
    assert read_table(network.table).model_sha256 == model_sha256(network.onnx)
    assert network.spec.inputs[0].shape == (1, 3, 544, 960)


def test_goals_of_speed(tmp_path: Path) -> None:
    rows = [speed("TensorRT fp16", 900), speed("TensorRT fp16", 100, 4), speed("TensorRT split", 90, 4)]
    rows += [speed("TensorRT fp16", 100, 1, 16), speed("TensorRT split", 135, 1, 16)]
    part(tmp_path / "parts", "speed_size_l", network="size_l", rows=rows)
    part(tmp_path / "parts", "torch", torch="2.11", rows=[{**speed("torch FP32", 100), "network": "size_l"}])
    assert merged(tmp_path, tmp_path / "parts")["tables"]["speed"]["goals"] == [
        "L: FP16 at least 8x torch FP32 at batch 1: got 9.0x, held",
        "L: split at least 1.3x FP16 at batch 16, one stream: got 1.35x, held",
        "L: split never below 0.95x FP16 from 4 streams on: got 0.90x at 4 streams, batch 1, MISSED",
    ]


def test_a_later_folder_s_part_counts(tmp_path: Path) -> None:
    for name, frames_per_s in (("first", 1.0), ("second", 2.0)):
        rows = [speed("TensorRT fp16", frames_per_s)]
        part(tmp_path / name, "speed_demo", network="demo", rows=rows)
    result = merged(tmp_path, tmp_path / "first", tmp_path / "second")
    assert [row["frames_per_s"] for row in result["tables"]["latency"]["rows"]] == [2.0]
    assert result["machine"]["gpu"] == "H200"


@pytest.mark.parametrize("key", list(IDENTITY))
def test_parts_that_do_not_belong_together_are_refused(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part(tmp_path / "parts", "speed_demo", network="demo", rows=[])
    monkeypatch.setitem(IDENTITY, key, "other")
    part(tmp_path / "parts", "speed_size_l", network="size_l", rows=[])
    with pytest.raises(SystemExit, match=f"parts of one {key}"):
        merge([tmp_path / "parts"], tmp_path / "results")


def test_rows_of_an_earlier_run_stay_where_the_later_one_lacks_them(tmp_path: Path) -> None:
    old = [speed("TensorRT fp32", 100.0), speed("TensorRT fp16", 150.0)]
    part(tmp_path / "a", "speed_size_s", network="size_s", seconds=0.4, rows=old)
    part(tmp_path / "b", "speed_size_s", network="size_s", seconds=0.4, rows=[speed("TensorRT fp16", 200.0)])
    rows = merged(tmp_path, tmp_path / "a", tmp_path / "b")["tables"]["latency"]["rows"]
    assert sorted((row["way"], row["frames_per_s"]) for row in rows) == [
        ("TensorRT fp16", 200.0),
        ("TensorRT fp32", 100.0),
    ]


def test_rows_measured_otherwise_do_not_stand_beside_each_other(tmp_path: Path) -> None:
    part(tmp_path / "a", "speed_size_s", network="size_s", seconds=0.4, rows=[speed("TensorRT fp32", 100.0)])
    part(tmp_path / "b", "speed_size_s", network="size_s", seconds=0.1, rows=[speed("TensorRT fp16", 200.0)])
    rows = merged(tmp_path, tmp_path / "a", tmp_path / "b")["tables"]["latency"]["rows"]
    assert [row["way"] for row in rows] == ["TensorRT fp16"]
