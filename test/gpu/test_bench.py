"""`bench` on real engines: every combination is measured, and what it says of memory and speed is possible.

Needs what test_tensorrt_backend.py needs. The engines are tiny: only the order of figures is checked, not their size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trt_perception.cli.main import main
from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import EngineError
from trt_perception.runtime.bench_engine import bench_engines

pytestmark = pytest.mark.gpu


def test_every_combination_is_measured(batched: Any) -> None:
    told: list[Any] = []
    result = bench_engines([batched.path], streams=(1, 4), batches=(1, 4), seconds=0.2, on_row=told.append)
    assert [(row.streams, row.batch) for row in result.rows] == [(1, 1), (1, 4), (4, 1), (4, 4)]
    assert list(result.rows) == told
    for row in result.rows:
        assert 0 < row.p50_ms <= row.p99_ms
        assert row.graph == "CUDA graph"
        assert row.speed == 1.0
        # A stream cannot finish more often than its inferences take.
        assert row.frames_per_s <= 1.5 * 1000 * row.streams * row.batch / row.p50_ms
    by_key = {(row.streams, row.batch): row for row in result.rows}
    scratch, tensors = result.engines[0].scratch_bytes, 4 * (3 * 64 * 64 + 4 * 16 * 16)
    assert by_key[4, 1].memory_bytes - by_key[1, 1].memory_bytes == 3 * (scratch + tensors)
    assert by_key[1, 4].memory_bytes - by_key[1, 1].memory_bytes == 3 * tensors
    assert by_key[1, 4].frames_per_s > by_key[1, 1].frames_per_s  # a batch of four takes less than four times as long


def test_a_fixed_engine_has_one_batch(small: Any) -> None:
    with pytest.raises(EngineError, match="fixed batch of 1, got 4"):
        bench_engines([small.path], batches=(1, 4), seconds=0.1)


def test_the_command_compares_engines_and_keeps_the_figures(
    small: Any, batched: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    command = ["bench", str(small.path), str(batched.path), "--streams", "2", "--seconds", "0.2", "--json", str(out)]
    assert main([*command, "--write-card"]) == 0
    assert "batched.engine" in capsys.readouterr().out
    plain = json.loads(out.read_text())
    first, second = plain["rows"]
    assert first["speed"] == 1.0
    assert second["speed"] == pytest.approx(second["frames_per_s"] / first["frames_per_s"])
    latency = read_manifest(small.path).latency
    assert latency is not None
    assert latency.rows[0].frames_per_s == first["frames_per_s"]
    assert latency.device_memory_mib == pytest.approx(
        (plain["engines"][0]["weights_bytes"] + plain["engines"][0]["scratch_bytes"] + 4 * (3 * 64**2 + 4 * 16**2))
        / 2**20
    )
