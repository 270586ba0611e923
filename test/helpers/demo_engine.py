"""Engines of the demo models for tests on a GPU."""

from __future__ import annotations

import os
from pathlib import Path

from helpers.gpu_engine import build_engine
from trt_perception.engine.any_spec import any_spec

MODELS = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model"

KEEP = "TRT_PERCEPTION_TEST_ENGINES"
"""Folder in which engines are kept from one run of the tests to the next."""


def demo_engine(name: str, folder: Path) -> Path:
    """An engine of a demo model in FP32, built fast rather than well, or the one that an earlier run kept.

    Args:
        name: `demo_model` or `demo_model_rgb_ir`.
        folder: Where it is built, if nobody wants it kept.
    """
    kept = os.environ.get(KEEP)
    engine = (Path(kept) if kept else folder) / f"{name}.test.engine"
    if not engine.exists():
        engine.parent.mkdir(parents=True, exist_ok=True)
        model = MODELS / f"{name}.onnx"
        build_engine(model, any_spec(model), engine=engine)
    return engine
