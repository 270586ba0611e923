"""`validate` of an engine on a GPU, all of a frame there or the engine alone.

Needs what test_gpu_pipeline.py needs, rosbags and pycocotools.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trt_perception.cli.main import main

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of two cameras, with truth."""
    for package in ("rosbags", "pycocotools"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    out = Path(tmp_path_factory.mktemp("drive")) / "demo"
    words = ["--seconds", "2", "--cameras", "2", "--rate-hz", "4", "--out", str(out)]
    assert main(["demo", "--prepare-only", *words]) == 0
    return out / "drive"


def run(bag: Path, engine: Path, out: Path, path: str) -> dict[str, Any]:
    words = ["validate", str(bag), "--model", str(engine), "--backend", "tensorrt", "--path", path]
    assert main([*words, "--out", str(out), "--no-report"]) == 0
    found: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return found


def test_both_paths_find_the_same_and_twice_the_same_bytes(trt: Any, bag: Path, tmp_path: Path) -> None:
    from helpers.demo_engine import demo_engine

    engine = demo_engine("demo_model", tmp_path)
    by_gpu = run(bag, engine, tmp_path / "gpu", "gpu")
    by_host = run(bag, engine, tmp_path / "host", "host")
    assert by_gpu["model"]["backend"] == by_host["model"]["backend"] + ", path gpu"
    assert by_gpu["ledger"] == by_host["ledger"]
    assert by_gpu["ledger"]["processed"] > 10
    for figure in ("map50", "map50_95"):
        values = [found["detection"]["detection"]["all"][figure] for found in (by_gpu, by_host)]
        assert values[0] > 0.5
        np.testing.assert_allclose(*values, atol=1e-3)
    run(bag, engine, tmp_path / "again", "gpu")
    for name in ("metrics.json", "frames.jsonl"):
        assert (tmp_path / "gpu" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
